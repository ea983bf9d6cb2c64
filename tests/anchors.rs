//! Trust anchors that follow the root's keys: the lab's root changes its keys before a running gateway, and its file tells.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use gateway::dns::{Algorithm, DigestType, Dnskey, Rdata};
use gateway_lab::world::{KeyUse, World, Zone, ZoneKey};
use gateway_lab::{Gateway, MxHost};

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer ago than any hold-down.
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

fn new_key() -> ZoneKey {
    ZoneKey::key_signing(Algorithm::ECDSAP256SHA256)
}

fn revoked(key: &ZoneKey) -> ZoneKey {
    let flags = key.dnskey().flags | Dnskey::REVOKE;
    key.clone().flags(flags)
}

fn signs(key: &ZoneKey) -> KeyUse {
    KeyUse::key_signing(key.clone())
}

/// A root with these keys, and a mail domain whose host is this.
fn world(keys: Vec<KeyUse>, host: &MxHost) -> World {
    let zone_key = KeyUse::zone_signing(ZoneKey::zone_signing(Algorithm::ECDSAP256SHA256));
    let root = Zone::signed(".").key(zone_key);
    let root = keys.into_iter().fold(root, Zone::key);
    let mail = Zone::signed("good.test")
        .mx(10, "mx.good.test")
        .address("mx.good.test", host.ip())
        .tlsa("mx.good.test", host.port(), host.tlsa(1, 1));
    World::builder().zone(root).zone(mail).start()
}

/// The line of a key as the file has it.
fn line(state: &str, key: &ZoneKey) -> String {
    let data = Rdata::Dnskey(key.dnskey().clone());
    format!("{state} . IN DNSKEY {data}\n")
}

/// The line of a key that is known by its digest, as those built in are.
fn digest(key: &ZoneKey) -> String {
    let ds = key.ds(".", DigestType::SHA256);
    format!("valid since={LONG_AGO} . IN DS {ds}\n")
}

fn tag(key: &ZoneKey) -> u16 {
    key.dnskey().key_tag()
}

/// A gateway that validates and has this file in its spool; not started yet.
fn gateway(world: &World, host: &MxHost, anchors: &str) -> Gateway {
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .without("dnssec")
        .resolver(world.resolver())
        .smtp_port(host.port())
        .prepare();
    fs::create_dir(gateway.directory().join("spool")).expect("a writable directory");
    fs::write(file(&gateway), anchors).expect("a writable directory");
    gateway
}

fn file(gateway: &Gateway) -> PathBuf {
    gateway.directory().join("spool/anchors")
}

/// The states in the file, in the order of the keys.
fn states(gateway: &Gateway, keys: &[&ZoneKey]) -> Vec<String> {
    let text = fs::read_to_string(file(gateway)).expect("the file is there");
    let state = |key: &&ZoneKey| {
        let end = format!("; key {}", tag(key));
        let line = text.lines().find(|line| line.ends_with(&end));
        let words = line.and_then(|line| line.split(' ').next());
        words.unwrap_or("none").to_owned()
    };
    keys.iter().map(state).collect()
}

/// Waits until the resolvers are tested: by then the keys have been looked at, and the file is written.
fn wait_for_test(gateway: &Gateway, world: &World) {
    let resolver = format!("resolver {}", world.resolver());
    gateway
        .wait_for_line("the self-test", PATIENCE, |line| line.contains(&resolver))
        .expect("a test");
}

/// Asks this world from now on.
fn turn_to(gateway: &Gateway, from: &World, to: &World) {
    let text = gateway.configuration();
    let text = text.replace(&from.resolver().to_string(), &to.resolver().to_string());
    fs::write(gateway.directory().join("gateway.conf"), text).expect("writable");
    gateway.signal("HUP");
    wait_for_test(gateway, to);
}

fn expect_log(gateway: &Gateway, parts: &[String]) {
    let is_it = |line: &str| parts.iter().all(|part| line.contains(part));
    let found = gateway.wait_for_line(&parts.join(" … "), PATIENCE, is_it);
    found.unwrap_or_else(|error| panic!("{error}"));
}

fn about(key: &ZoneKey, what: &str) -> [String; 2] {
    [format!("trust anchor: key {} ", tag(key)), what.to_owned()]
}

fn deliver(gateway: &Gateway, decided: &str) -> String {
    let reply = gateway.submit("", &["a@good.test"], "Subject: hello\r\n\r\nHello\r\n");
    assert_eq!(reply.expect("a reply").code, 250);
    let line = gateway.wait_for_log(decided, PATIENCE);
    line.unwrap_or_else(|error| panic!("{error}"))
}

fn output(gateway: &Gateway, words: &[&str]) -> (Option<i32>, String) {
    let output = gateway.run(words);
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8(text).expect("UTF-8"),
    )
}

/// The whole change: the new key is published, waits, is believed, signs; the old one is revoked, goes, and is forgotten.
#[test]
fn the_root_changes_its_key() {
    let (old, new) = (new_key(), new_key());
    let keys = [&old, &new];
    let host = MxHost::start("mx.good.test");
    let published = world(vec![signs(&old), signs(&new).idle()], &host);
    let mut gateway = gateway(&published, &host, &digest(&old));
    gateway.serve();
    wait_for_test(&gateway, &published);
    expect_log(&gateway, &about(&old, "was trusted by its digest"));
    expect_log(&gateway, &about(&new, "if it stays it is trusted from 2"));
    assert_eq!(states(&gateway, &keys), ["valid", "pending"]);

    // 30 days later, as far as the file is concerned.
    assert_eq!(gateway.terminate(), Some(0));
    let text = fs::read_to_string(file(&gateway)).expect("the file");
    let until = text
        .split("until=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let text = text.replace(until.expect("a time"), LONG_AGO);
    fs::write(file(&gateway), text).expect("writable");
    gateway.serve();
    wait_for_test(&gateway, &published);
    expect_log(&gateway, &about(&new, "is trusted from now on"));
    assert_eq!(states(&gateway, &keys), ["valid", "valid"]);

    let rolled = world(vec![signs(&revoked(&old)), signs(&new)], &host);
    turn_to(&gateway, &published, &rolled);
    expect_log(
        &gateway,
        &about(&old, "is revoked by a signature of its own"),
    );
    assert_eq!(states(&gateway, &keys), ["revoked", "valid"]);
    deliver(&gateway, "deliver 2.0.0 ok");
    assert_eq!(host.messages().len(), 1);

    // Whoever has the old key cannot bring it back.
    let stolen = world(vec![signs(&old), signs(&new).idle()], &host);
    turn_to(&gateway, &rolled, &stolen);
    let deferred = deliver(&gateway, " defer ");
    let reason = format!("signed by key {} ", tag(&old));
    assert!(deferred.contains(&reason), "{deferred}");
    assert_eq!(states(&gateway, &keys), ["revoked", "valid"]);

    let alone = world(vec![signs(&new)], &host);
    turn_to(&gateway, &stolen, &alone);
    assert_eq!(states(&gateway, &keys), ["revoked", "valid"]);
    assert_eq!(gateway.terminate(), Some(0));
    let gone = format!("revoked since={LONG_AGO} gone={LONG_AGO}");
    let text = line(&gone, &old) + &line(&format!("valid since={LONG_AGO}"), &new);
    fs::write(file(&gateway), text).expect("writable");
    gateway.serve();
    wait_for_test(&gateway, &alone);
    expect_log(&gateway, &about(&old, "is forgotten"));
    assert_eq!(states(&gateway, &keys), ["none", "valid"]);
}

/// T74: which key signs the root counts only if it is known.
#[test]
fn a_root_signed_by_the_new_key_alone() {
    let (old, new) = (new_key(), new_key());
    let host = MxHost::start("mx.good.test");
    let world = world(vec![signs(&new)], &host);
    let both = gateway(&world, &host, &(digest(&old) + &digest(&new)));
    let (code, text) = output(&both, &["query", "good.test", "MX"]);
    assert!(code == Some(0) && text.contains("MX: secure"), "{text}");

    let mut old_alone = gateway(&world, &host, &digest(&old));
    let (code, text) = output(&old_alone, &["query", "good.test", "MX"]);
    let reason = format!(
        "the trust anchors configured here, which name key {}",
        tag(&old)
    );
    assert!(code == Some(1) && text.contains(&reason), "{text}");
    old_alone.serve();
    let line = deliver(&old_alone, " defer ");
    assert!(line.contains(&reason), "{line}");
    assert_eq!(states(&old_alone, &[&new]), ["none"]);
    assert!(host.messages().is_empty());
}

/// Nobody is left who could vouch for a new key: everything waits, loudly, now and after the next start.
#[test]
fn the_last_key_is_revoked() {
    let (old, new) = (new_key(), new_key());
    let host = MxHost::start("mx.good.test");
    let world = world(vec![signs(&revoked(&old)), signs(&new)], &host);
    let mut gateway = gateway(&world, &host, &digest(&old));
    gateway.serve();
    let all = "all keys of . that were trusted are revoked: nothing can be validated, and every delivery is deferred";
    expect_log(&gateway, &[" error ".to_owned(), all.to_owned()]);
    wait_for_test(&gateway, &world);
    let line = deliver(&gateway, " defer ");
    assert!(line.contains("no trust anchor is at or above"), "{line}");
    assert_eq!(states(&gateway, &[&old, &new]), ["revoked", "none"]);
    assert_eq!(gateway.terminate(), Some(0));
    gateway.serve();
    expect_log(
        &gateway,
        &[" error ".to_owned(), "there is no trust anchor".to_owned()],
    );
    assert_eq!(states(&gateway, &[&old, &new]), ["revoked", "none"]);
    assert!(host.messages().is_empty());
}

#[test]
fn a_file_that_cannot_be_written_is_said_and_tracking_goes_on() {
    let (old, new) = (new_key(), new_key());
    let host = MxHost::start("mx.good.test");
    let world = world(vec![signs(&revoked(&old)), signs(&new)], &host);
    let valid = format!("valid since={LONG_AGO}");
    let text = line(&valid, &old) + &line(&valid, &new);
    let mut gateway = gateway(&world, &host, &text);
    fs::create_dir(gateway.directory().join("spool/anchors.new")).expect("writable");
    gateway.serve();
    expect_log(
        &gateway,
        &[
            " error ".to_owned(),
            "trust anchors: cannot write ".to_owned(),
        ],
    );
    wait_for_test(&gateway, &world);
    deliver(&gateway, "deliver 2.0.0 ok");
    assert_eq!(fs::read_to_string(file(&gateway)).expect("the file"), text);
}

#[test]
fn a_damaged_file_is_an_error_that_names_file_and_line() {
    let (old, host) = (new_key(), MxHost::start("mx.good.test"));
    let world = world(vec![signs(&old)], &host);
    let gateway = gateway(&world, &host, &(digest(&old) + "walid . IN DNSKEY\n"));
    let place = format!("{}: line 2: expected 'valid'", file(&gateway).display());
    for words in [&["serve"][..], &["config"], &["query", "good.test", "MX"]] {
        let (code, text) = output(&gateway, words);
        let is_clear = text.contains(&place)
            && text.contains("begins anew with the trust anchors that are built in");
        assert!(code == Some(78) && is_clear, "{words:?}: {code:?} {text}");
    }
    // Who says which keys are to be believed does not mind the file, and nor does who asks about another time.
    let keys = gateway.directory().join("keys");
    fs::write(&keys, world.trust_anchor()).expect("writable");
    let given = [
        "query",
        "--trust-anchor",
        keys.to_str().expect("UTF-8"),
        "good.test",
        "MX",
    ];
    let (code, text) = output(&gateway, &given);
    assert!(code == Some(0) && text.contains("MX: secure"), "{text}");
    let (code, text) = output(
        &gateway,
        &["query", "--at", "1795536480", "good.test", "MX"],
    );
    assert!(
        code == Some(1) && text.contains("which name keys 20326, 38696"),
        "{text}"
    );
}

#[test]
fn keys_that_are_given_do_not_change() {
    let (old, new) = (new_key(), new_key());
    let host = MxHost::start("mx.good.test");
    let world = world(vec![signs(&old), signs(&new).idle()], &host);
    let mut gateway = gateway(&world, &host, "");
    fs::remove_file(file(&gateway)).expect("it was there");
    let keys = gateway.directory().join("keys");
    fs::write(&keys, world.trust_anchor()).expect("writable");
    let text = format!(
        "{}trust-anchor {}\n",
        gateway.configuration(),
        keys.display()
    );
    fs::write(gateway.directory().join("gateway.conf"), text).expect("writable");
    gateway.serve();
    wait_for_test(&gateway, &world);
    assert!(!file(&gateway).exists());
    assert!(
        !gateway
            .log()
            .iter()
            .any(|line| line.contains("trust anchor: "))
    );
}

#[test]
fn the_version_shows_what_has_become_of_the_anchors() {
    let (old, host) = (new_key(), MxHost::start("mx.good.test"));
    let world = world(vec![signs(&old)], &host);
    let gateway = gateway(
        &world,
        &host,
        &line(&format!("missing since={LONG_AGO}"), &old),
    );
    let (code, text) = output(&gateway, &["-V"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 5), "{text}");
    assert_eq!(lines[2], "trust anchors of the root: 20326, 38696");
    assert!(lines[3].ends_with("spool/anchors:"), "{text}");
    let expected = format!(
        "    key {}: missing since=2026-01-01T00:00:00.000Z",
        tag(&old)
    );
    assert_eq!(lines[4], expected);
    fs::write(file(&gateway), "x").expect("writable");
    let (code, text) = output(&gateway, &["-V"]);
    assert!(
        code == Some(0) && text.contains("anchors: line 1: expected"),
        "{text}"
    );
    fs::remove_file(file(&gateway)).expect("it was there");
    let (_, text) = output(&gateway, &["-V"]);
    assert_eq!(text.lines().count(), 3, "{text}");
}
