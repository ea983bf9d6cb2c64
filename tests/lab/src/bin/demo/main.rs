//! Shows the gateway at work in the lab, step by step: one message that is delivered, and two that are not.
//!
//! `demo PATH-OF-GATEWAY`. Ends by itself; exit 0 only if all three came out right.

mod page;
mod scenes;
mod stage;

use std::env;
use std::process::ExitCode;

use page::Page;
use stage::{Outcome, Stage};

fn main() -> ExitCode {
    let Some(binary) = env::args().nth(1) else {
        eprintln!("usage: demo PATH-OF-GATEWAY");
        return ExitCode::from(64);
    };
    let page = Page::new();
    let stage = Stage::set(&page, &binary);
    stage.introduce();
    stage.question_the_dns();
    let outcomes = [
        stage.deliver(),
        stage.refuse_the_wrong_certificate(),
        stage.refuse_the_broken_signature(),
    ];
    stage.conclude(&outcomes);
    if outcomes.iter().all(Outcome::is_right) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
