//! Runs the demonstration's world until standard input ends, for people who want to play with it.

use std::env;
use std::io::{self, Read};

use gateway_lab::story::{BOGUS, GOOD, MISMATCH, Story, UNSIGNED};

fn main() -> io::Result<()> {
    let binary = env::args()
        .nth(1)
        .unwrap_or_else(|| "target/release/gateway".to_owned());
    let story = Story::start();
    let gateway = story
        .gateway(&binary)
        .validating(&story.world.trust_anchor())
        .without("listen")
        .config("listen 127.0.0.1:2525")
        .prepare();
    let file = gateway.directory().join("gateway.conf");
    let (file, resolver) = (file.display(), story.world.resolver());
    println!(
        "\
The lab runs until you press Ctrl-D.

  resolver                    {resolver} (UDP and TCP; it validates and sets AD)
  {good_host:<26}  {good}, the server of {GOOD}
  {bad_host:<26}  {bad}, the server of {MISMATCH}
  configuration               {file}

In another terminal:

  dig +dnssec @{address} -p {port} {GOOD} MX
  {binary} -c {file} check {GOOD} {MISMATCH} {BOGUS} {UNSIGNED}
  {binary} -c {file} query -x _{smtp_port}._tcp.{good_host} TLSA
  {binary} -c {file} serve

While 'serve' runs, it takes mail at 127.0.0.1:2525. What the servers get is printed here at the end.",
        good_host = story.good.name(),
        good = story.good.address(),
        bad_host = story.mismatch.name(),
        bad = story.mismatch.address(),
        smtp_port = story.good.port(),
        address = resolver.ip(),
        port = resolver.port(),
    );
    io::stdin().read_to_end(&mut Vec::new())?;
    for host in [&story.good, &story.mismatch] {
        println!("\n{} saw:", host.name());
        for event in host.transcript() {
            println!("{event}");
        }
        for message in host.messages() {
            println!("\n{} stored:\n{}", host.name(), message.text());
        }
    }
    Ok(())
}
