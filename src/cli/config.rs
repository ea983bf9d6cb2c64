//! `gateway config`: checks the configuration and prints it.

use getopts::Options;

use super::exit;
use super::options::{Command, Failure, Invocation};
use crate::config;
use crate::time::Timestamp;

/// `gateway config`.
pub const COMMAND: Command = Command {
    name: "config",
    synopsis: "[--directives | --for DOMAIN]",
    summary: "check the configuration and print it with every default filled in",
    details: "What is printed can be used as a configuration and means the same. A mistake is one line that names\n\
              file and line, and exit code 78; so are resolvers whose answers could not be believed. 'serve' would not\n\
              start with it, and a running one would keep the old one.\n\n\
              --for says which policy, route and exception lines decide about mail for a domain, and what they mean.",
    options,
    looks_up: false,
    run,
};

fn options(options: &mut Options) {
    let text = "list every directive with its default and its meaning instead";
    options.optflag("", "directives", text);
    let text = "explain what applies to mail for this domain (or address) instead";
    options.optopt("", "for", text, "DOMAIN");
}

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    invocation.expect_no_words()?;
    if invocation.matches.opt_present("directives") {
        super::print(config::describe_directives())?;
        return Ok(exit::OK);
    }
    let now = Timestamp::now();
    if let Some(word) = invocation.matches.opt_str("for") {
        let destination = super::destination(&word)?;
        let text = config::explain(&invocation.config.outbound, &destination, now);
        super::print(format!("{text}\n"))?;
        return Ok(exit::OK);
    }
    super::print(invocation.config.to_string())?;
    for warning in invocation.config.warnings(now) {
        super::print(format!("# {warning}\n"))?;
    }
    let resolver = &invocation.config.resolver;
    match resolver.check() {
        Ok(()) => Ok(exit::OK),
        Err(error) => Err(Failure::new(exit::CONFIG, error.to_string())),
    }
}
