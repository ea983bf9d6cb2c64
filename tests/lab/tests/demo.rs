//! The demonstration ends well with the gateway as it is, and ends badly when something is not as it tells.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The gateway's binary, which `cargo build --bins` puts beside the demonstration's.
fn gateway() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name("gateway");
    assert!(
        beside.exists(),
        "{} is missing: run 'cargo build --bins' first, as 'make test' does",
        beside.display()
    );
    beside
}

#[test]
fn all_three_messages_come_out_right() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg(gateway())
        .output()
        .expect("the demonstration starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    assert!(!text.contains('✗'), "{text}");
    let (_, summary) = text.split_once("What came out").expect("a summary");
    assert_eq!(summary.matches('✓').count(), 3, "{summary}");
}

#[test]
fn a_gateway_that_does_not_start_is_a_failure() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg("/bin/false")
        .output()
        .expect("the demonstration starts");
    assert!(!output.status.success());
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .output()
        .expect("the demonstration starts");
    assert_eq!(output.status.code(), Some(64));
}
