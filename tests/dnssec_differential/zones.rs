//! The zones: one parent, and below it one for each way of signing, made by the signers of ldns and BIND.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::servers::{Directory, SignedZone, output};

/// The zone above all others, which has the trust anchor.
pub(crate) const PARENT: &str = "p.test";
/// For RSA alone: the fewest bits that all validators take, so that keys are made fast.
const RSA_BITS: &str = "1024";

/// Who signs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signer {
    Ldns,
    Bind,
}

/// How names are denied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Denial {
    Nsec,
    Nsec3(u16),
    OptOut,
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    /// Signatures that ran out in 2020.
    Expired,
    /// Signatures of the far future.
    Early,
    WrongDs,
    NoDs,
    Unsigned,
}

struct Plan {
    label: &'static str,
    signer: Signer,
    algorithm: &'static str,
    denial: Denial,
    defect: Defect,
}

#[rustfmt::skip]
fn plans() -> Vec<Plan> {
    use Defect::{Early, Expired, NoDs, None, Unsigned, WrongDs};
    use Denial::{Nsec, Nsec3, OptOut};
    use Signer::{Bind, Ldns};
    [
        ("ldns-5", Ldns, "RSASHA1", Nsec, None),
        ("ldns-7", Ldns, "RSASHA1-NSEC3-SHA1", Nsec3(0), None),
        ("ldns-8", Ldns, "RSASHA256", Nsec, None),
        ("ldns-10", Ldns, "RSASHA512", Nsec3(0), None),
        ("ldns-13", Ldns, "ECDSAP256SHA256", Nsec, None),
        ("ldns-13-nsec3", Ldns, "ECDSAP256SHA256", Nsec3(10), None),
        ("ldns-13-opt-out", Ldns, "ECDSAP256SHA256", OptOut, None),
        ("ldns-14", Ldns, "ECDSAP384SHA384", Nsec, None),
        ("ldns-15", Ldns, "ED25519", Nsec3(0), None),
        ("ldns-16", Ldns, "ED448", Nsec, None),
        ("ldns-51", Ldns, "ECDSAP256SHA256", Nsec3(51), None),
        ("ldns-200", Ldns, "ECDSAP256SHA256", Nsec3(200), None),
        ("bind-8", Bind, "RSASHA256", Nsec3(5), None),
        ("bind-10", Bind, "RSASHA512", Nsec, None),
        ("bind-13", Bind, "ECDSAP256SHA256", Nsec, None),
        ("bind-13-nsec3", Bind, "ECDSAP256SHA256", Nsec3(0), None),
        ("bind-13-opt-out", Bind, "ECDSAP256SHA256", OptOut, None),
        ("bind-14", Bind, "ECDSAP384SHA384", Nsec3(0), None),
        ("bind-15", Bind, "ED25519", Nsec, None),
        ("bind-15-opt-out", Bind, "ED25519", OptOut, None),
        ("bind-16", Bind, "ED448", Nsec3(1), None),
        ("expired", Ldns, "ECDSAP256SHA256", Nsec, Expired),
        ("early", Ldns, "ECDSAP256SHA256", Nsec, Early),
        ("wrong-ds", Bind, "ECDSAP256SHA256", Nsec, WrongDs),
        ("no-ds", Bind, "ECDSAP256SHA256", Nsec, NoDs),
        ("unsigned", Bind, "ECDSAP256SHA256", Nsec, Unsigned),
    ]
    .map(|(label, signer, algorithm, denial, defect)| Plan { label, signer, algorithm, denial, defect })
    .into()
}

/// Makes every zone. The parent comes first, and alone keeps its DS records: those are the trust anchor.
pub(crate) fn make(directory: &Directory) -> Vec<SignedZone> {
    let plans = plans();
    let mut delegations = String::new();
    let mut zones = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let next = plans[(number + 1) % plans.len()].label;
        let name = format!("{}.{PARENT}", plan.label);
        let mut zone = sign(directory, plan, &name, &records(&name, next));
        let _ = writeln!(delegations, "{name}. NS ns.{name}.\nns.{name}. A 127.0.0.1");
        let _ = writeln!(delegations, "{}", std::mem::take(&mut zone.ds));
        zones.push(zone);
        zones.push(unsigned(directory, &format!("u.{name}")));
    }
    let plan = Plan {
        label: "p",
        signer: Signer::Bind,
        algorithm: "ECDSAP256SHA256",
        denial: Denial::Nsec,
        defect: Defect::None,
    };
    zones.insert(0, sign(directory, &plan, PARENT, &delegations));
    zones
}

/// The labels of the zones below the parent.
pub(crate) fn labels() -> Vec<&'static str> {
    plans().iter().map(|plan| plan.label).collect()
}

fn records(name: &str, next: &str) -> String {
    format!(
        "@ MX 10 h\nh A 192.0.2.1\ndeep.ent A 192.0.2.2\n*.w A 192.0.2.3\ncloser.w A 192.0.2.4\nalias CNAME h\n\
         dangling CNAME none\naway CNAME h.{next}.{PARENT}.\nold DNAME {next}.{PARENT}.\n\
         u NS ns.u\nns.u A 127.0.0.1\n_25._tcp.h TLSA 3 1 1 {}\n; {name}\n",
        "ab".repeat(32)
    )
}

fn text(name: &str, records: &str) -> String {
    format!(
        "$ORIGIN {name}.\n$TTL 60\n@ IN SOA ns admin 1 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n{records}"
    )
}

fn unsigned(directory: &Directory, name: &str) -> SignedZone {
    let text = text(name, "h A 192.0.2.1\n*.w A 192.0.2.3\n");
    SignedZone {
        name: name.to_owned(),
        file: directory.write(&format!("{name}.zone"), &text),
        ds: String::new(),
    }
}

fn sign(directory: &Directory, plan: &Plan, name: &str, records: &str) -> SignedZone {
    let plain = directory.write(&format!("{name}.zone"), &text(name, records));
    let (mut file, mut ds) = (plain.clone(), String::new());
    if plan.defect != Defect::Unsigned {
        (file, ds) = match plan.signer {
            Signer::Ldns => with_ldns(directory, plan, name, &plain),
            Signer::Bind => with_bind(directory, plan, name, &plain),
        };
    }
    match plan.defect {
        Defect::NoDs => ds.clear(),
        Defect::WrongDs => ds = format!("{name}. DS 1 13 2 {}\n", "00".repeat(32)),
        _ => {}
    }
    SignedZone {
        name: name.to_owned(),
        file,
        ds,
    }
}

fn bits(algorithm: &str) -> &'static [&'static str] {
    match algorithm.starts_with("RSA") {
        true => &["-b", RSA_BITS],
        false => &[],
    }
}

fn with_ldns(directory: &Directory, plan: &Plan, name: &str, plain: &Path) -> (PathBuf, String) {
    let key = |extra: &[&str]| {
        let mut command = Command::new("ldns-keygen");
        command
            .args(["-a", plan.algorithm])
            .args(bits(plan.algorithm));
        let command = command.args(extra).arg(name).current_dir(directory.path());
        output(command).trim().to_owned()
    };
    let (ksk, zsk) = (key(&["-k"]), key(&[]));
    let mut command = Command::new("ldns-signzone");
    let iterations = |number: u16| {
        [
            "-n".into(),
            "-s".into(),
            "abcd".into(),
            "-t".into(),
            number.to_string(),
        ]
    };
    match plan.denial {
        Denial::Nsec => {}
        Denial::Nsec3(number) => drop(command.args(iterations(number))),
        Denial::OptOut => drop(command.args(iterations(0)).arg("-p")),
    }
    match plan.defect {
        Defect::Expired => drop(command.args(["-i", "20200101000000", "-e", "20200201000000"])),
        Defect::Early => drop(command.args(["-i", "20800101000000", "-e", "20800201000000"])),
        _ => {}
    }
    output(
        command
            .arg(plain)
            .args([&ksk, &zsk])
            .current_dir(directory.path()),
    );
    let ds = fs::read_to_string(directory.path().join(format!("{ksk}.ds"))).unwrap();
    (plain.with_extension("zone.signed"), ds)
}

fn with_bind(directory: &Directory, plan: &Plan, name: &str, plain: &Path) -> (PathBuf, String) {
    for extra in [&["-f", "KSK"][..], &[]] {
        let mut command = Command::new("dnssec-keygen");
        command
            .args(["-q", "-a", plan.algorithm])
            .args(bits(plan.algorithm));
        output(command.args(extra).arg(name).current_dir(directory.path()));
    }
    // -S takes the keys of the directory, -P leaves the check of the result to this test.
    let mut command = Command::new("dnssec-signzone");
    command.args(["-q", "-S", "-P", "-o", name]);
    match plan.denial {
        Denial::Nsec => {}
        Denial::Nsec3(number) => drop(command.args(["-3", "abcd", "-H", &number.to_string()])),
        Denial::OptOut => drop(command.args(["-3", "-", "-H", "0", "-A"])),
    }
    output(command.arg(plain).current_dir(directory.path()));
    let ds = fs::read_to_string(directory.path().join(format!("dsset-{name}."))).unwrap();
    (plain.with_extension("zone.signed"), ds)
}
