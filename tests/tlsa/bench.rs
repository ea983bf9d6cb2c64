//! Files in a directory, and the command run over them.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use gateway_lab::Gateway;
use gateway_lab::temp::TempDir;

pub(super) const NAME: &str = "mx.d.test";

/// A directory with files, and the gateway with a resolver that nobody answers at, or a world's.
pub(super) struct Bench {
    pub(super) files: TempDir,
    pub(super) gateway: Gateway,
}

impl Bench {
    pub(super) fn new() -> Self {
        // Nobody answers there; what asks nobody needs no answer.
        Self::with(
            Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
                .config("resolver 127.0.0.1:9")
                .prepare(),
        )
    }

    pub(super) fn with(gateway: Gateway) -> Self {
        let files = TempDir::new("tlsa");
        Self { files, gateway }
    }

    pub(super) fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.files.path().join(name);
        fs::write(&path, octets).expect("writes");
        path.to_str().expect("text").to_owned()
    }

    /// Exit code, standard output, standard error.
    pub(super) fn run(&self, words: &[&str]) -> (i32, String, String) {
        let mut all = vec!["tlsa"];
        all.extend(words);
        said(self.gateway.run(&all))
    }

    /// The records of the lines that are no comments, without their owner.
    pub(super) fn records(&self, words: &[&str]) -> Vec<String> {
        let (code, out, err) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {err}");
        let lines = out.lines().filter(|line| !line.starts_with(';'));
        let data = lines.map(|line| line.split_once(" IN TLSA ").expect("a record").1);
        data.map(str::to_owned).collect()
    }
}

pub(super) fn said(output: Output) -> (i32, String, String) {
    let text = |octets| String::from_utf8(octets).expect("text");
    (
        output.status.code().expect("no signal"),
        text(output.stdout),
        text(output.stderr),
    )
}

pub(super) fn openssl(words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("openssl is installed");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input).expect("takes it");
    drop(stdin);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "openssl {words:?}");
    output.stdout
}
