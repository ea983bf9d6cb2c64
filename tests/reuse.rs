//! Connections that carry more than one message: when they may, when they must not, and that nothing is lost or sent twice over them.

use std::collections::BTreeSet;
use std::time::Duration;

use gateway::dns::{Rdata, RecordType};
use gateway_lab::mx::{Event, What};
use gateway_lab::world::tlsa_owner;
use gateway_lab::{Behaviour, Certificate, Fault, Gateway, MxHost, World, Zone};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// Idle connections to one destination that are kept.
const KEPT: usize = 4;
const HOST: &str = "mx.d.test";

/// One MX host, its domain and a gateway.
struct House {
    host: MxHost,
    world: World,
    gateway: Gateway,
}

impl House {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(config: &[&str]) -> Self {
        let host = MxHost::start(HOST);
        // Nothing is cached: each attempt sees the DNS as it is.
        let zone = Zone::signed("d.test")
            .ttl(0)
            .mx(10, HOST)
            .address(HOST, host.ip())
            .tlsa(HOST, host.port(), host.tlsa(1, 1));
        let world = World::builder().zone(zone).start();
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .resolver(world.resolver())
            .smtp_port(host.port());
        let configured = config
            .iter()
            .fold(gateway, |gateway, line| gateway.config(line));
        Self {
            host,
            world,
            gateway: configured.start(),
        }
    }

    fn submit(&self, sender: &str) -> String {
        let from = format!("{sender}@client.test");
        let text = format!("Subject: {sender}\r\n\r\n{sender}\r\n");
        let reply = self
            .gateway
            .submit(&from, &[&format!("{sender}@d.test")], &text);
        let reply = reply.expect("answers");
        assert_eq!(reply.code, 250, "{reply}");
        let words = reply.text.trim_end().rsplit(' ');
        words.into_iter().next().unwrap_or_default().to_owned()
    }

    /// Submits a message and waits until it has gone, or is put off; the first decision about it.
    fn send(&self, sender: &str) -> String {
        let mine = format!(" {}: ", self.submit(sender));
        let ends = ["finished after", "the next attempt is at"];
        let is_end = |line: &str| {
            let text = line.split_once(&mine);
            text.is_some_and(|(_, text)| ends.iter().any(|end| text.contains(end)))
        };
        let waited = self.gateway.wait_for_line(sender, PATIENCE, is_end);
        waited.unwrap_or_else(|error| panic!("{error}"));
        let log = self.gateway.log();
        let about = |line: &&String| line.contains(&mine) && line.contains(" domain=");
        let first = log.iter().find(about);
        let first = first.unwrap_or_else(|| panic!("no decision about {sender}"));
        first.clone()
    }

    /// As [`House::send`], and it arrives over a connection that is reused, or not.
    fn delivers(&self, sender: &str, is_reused: bool) -> String {
        let line = self.send(sender);
        assert!(line.contains(" deliver 2.0.0 ok "), "{line}");
        assert_eq!(has_remark(&line, "reused"), is_reused, "{line}");
        self.assert_arrived_once(sender);
        line
    }

    fn assert_arrived_once(&self, sender: &str) {
        let messages = self.host.messages();
        let from = format!("{sender}@client.test");
        let count = messages.iter().filter(|one| one.sender == from).count();
        assert_eq!(count, 1, "{sender} at the host");
    }

    /// Waits until something happened on the connection of this number.
    fn wait_for(&self, connection: u64, what: &What) {
        let is_it = |event: &Event| event.connection == connection && event.what == *what;
        let text = format!("{connection}: {what:?}");
        assert!(self.host.wait_for_event(PATIENCE, is_it), "{text}");
    }

    fn handshakes(&self) -> usize {
        self.host.server_names().len()
    }

    fn set_tlsa(&self, certificates: &[&Certificate]) {
        let records = certificates
            .iter()
            .map(|one| Rdata::Tlsa(one.tlsa(1, 1)))
            .collect();
        let owner = tlsa_owner(HOST, self.host.port());
        self.world.replace_rrset(&owner, records);
    }
}

fn has_remark(line: &str, word: &str) -> bool {
    let mut words = line.split_whitespace();
    let remarks = words.find_map(|word| word.strip_prefix("remarks="));
    remarks.is_some_and(|remarks| remarks.split(',').any(|one| one == word))
}

#[test]
fn many_messages_take_few_connections() {
    // No more attempts at the same time than idle connections are kept, so that none is closed for want of room.
    let house = House::with(&[&format!("workers {KEPT}")]);
    let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    names.iter().for_each(|name| drop(house.submit(name)));
    let messages = house.host.wait_for_messages(20, PATIENCE);
    assert_eq!(messages.len(), 20);
    names
        .iter()
        .for_each(|name| house.assert_arrived_once(name));
    let connections: BTreeSet<u64> = messages.iter().map(|one| one.connection).collect();
    assert!(connections.len() <= KEPT, "{connections:?}");
    // T73: as many handshakes as connections, each a full one, though the server offers tickets.
    let transcript = house.host.transcript();
    let resumed = transcript.iter().filter_map(|event| match &event.what {
        What::Handshake { is_resumed, .. } => Some(*is_resumed),
        _ => None,
    });
    let resumed: Vec<bool> = resumed.collect();
    assert_eq!(resumed.len() as u64, house.host.connection_count());
    assert!(!resumed.contains(&true));
}

/// What waits too long is ended in good order by us.
#[test]
fn idle_connections_are_ended_with_quit() {
    let house = House::new();
    house.delivers("first", false);
    house.delivers("second", true);
    assert_eq!(house.handshakes(), 1);
    house.wait_for(1, &What::Command("QUIT".to_owned()));
    house.wait_for(1, &What::Closed);
    house.delivers("third", false);
}

/// rfc B8: the set of records must be the one that the connection was proven with.
#[test]
fn other_records_take_another_connection() {
    let house = House::new();
    house.delivers("first", false);
    let other = Certificate::new(HOST);
    house.set_tlsa(&[house.host.certificate(), &other]);
    house.delivers("second", false);
    assert_eq!(house.handshakes(), 2);
    // The right key is no longer named: the connection that it once proved is of no use.
    house.set_tlsa(&[&other]);
    let line = house.send("third");
    assert!(line.contains(" defer 4.7.5 validation-failure "), "{line}");
    let senders = house.host.messages().into_iter().map(|one| one.sender);
    let senders: Vec<String> = senders.collect();
    assert_eq!(senders, ["first@client.test", "second@client.test"]);
}

#[test]
fn records_that_are_not_secure_are_none() {
    for (fault, reason) in [
        (Fault::NoAd, "tlsa-insecure"),
        (Fault::Expired, "dnssec-invalid"),
        (Fault::Servfail, "tlsa-lookup-error"),
    ] {
        let house = House::new();
        house.delivers("first", false);
        let owner = tlsa_owner(HOST, house.host.port()).to_string();
        house.world.set_fault(&owner, RecordType::TLSA, fault);
        let line = house.send("second");
        assert!(line.contains(" defer 4.7.5 "), "{fault:?} {line}");
        assert!(line.contains(reason), "{fault:?} {line}");
        assert_eq!(house.host.messages().len(), 1);
        assert_eq!(house.host.connection_count(), 1, "not even connected");
    }
}

/// The server ends what is idle, with a word or without one; or only when the next message comes.
#[test]
fn a_server_that_ends_idle_connections_loses_nothing() {
    let closing = "421 4.4.2 idle for too long";
    let good = Behaviour::new;
    for (behaviour, is_noticed) in [
        (good().close_in_tls_at("IDLE"), true),
        (good().reply_in_tls("IDLE", closing), true),
        (good().close_in_tls_at("MAIL FROM:<second@"), false),
        (good().reply_in_tls("MAIL FROM:<second@", closing), false),
        (
            good().reply_in_tls("MAIL FROM:<second@", "452 enough"),
            false,
        ),
    ] {
        let behaviour = behaviour.without("PIPELINING");
        let house = House::with(&[]);
        house.host.behave(behaviour.clone());
        house.delivers("first", false);
        house.host.behave(good());
        if is_noticed {
            house.wait_for(1, &What::Closed);
        }
        let line = house.delivers("second", false);
        let is_told = has_remark(&line, "reuse-failed");
        assert_eq!(is_told, !is_noticed, "{behaviour:?} {line}");
        assert_eq!(house.host.connection_count(), 2);
        assert!(!house.gateway.log().join("\n").contains(" defer "));
    }
}

/// Once MAIL was accepted, a failure is the message's as on any other connection, and waits for the next attempt.
#[test]
fn a_failure_after_mail_counts() {
    let house = House::with(&["retry-first 1s", "retry-max 1s"]);
    let broken = Behaviour::new().close_in_tls_at("RCPT TO:<second@");
    house.host.behave(broken);
    house.delivers("first", false);
    house.host.behave(Behaviour::new());
    let line = house.send("second");
    assert!(line.contains(" defer 4.4.2 conn-lost "), "{line}");
    assert!(has_remark(&line, "reused"), "{line}");
    assert_eq!(house.host.wait_for_messages(2, PATIENCE).len(), 2);
    house.assert_arrived_once("second");
}

/// A transaction in which nobody was accepted is forgotten before the next one.
#[test]
fn refused_messages_leave_a_connection_usable() {
    let house = House::new();
    let refusing = Behaviour::new().reply_in_tls("MAIL FROM:<second@", "550 5.7.1 no");
    house.host.behave(refusing);
    house.delivers("first", false);
    let line = house.send("second");
    assert!(line.contains(" reject 5.7.1 remote "), "{line}");
    assert!(has_remark(&line, "reused"), "{line}");
    house.delivers("third", true);
    assert_eq!(house.handshakes(), 1);
}

/// A stop says QUIT on what is idle, and waits for no server that does not answer.
#[test]
fn a_stop_ends_idle_connections() {
    let silent = Behaviour::new().silent_at("QUIT");
    for behaviour in [Behaviour::new(), silent] {
        let mut house = House::new();
        house.host.behave(behaviour);
        house.delivers("first", false);
        assert_eq!(house.gateway.terminate(), Some(0));
        house.wait_for(1, &What::Command("QUIT".to_owned()));
    }
}

/// After a reload only connections made since are used.
#[test]
fn a_reload_ends_idle_connections() {
    let house = House::new();
    house.delivers("first", false);
    house.gateway.signal("HUP");
    house.wait_for(1, &What::Command("QUIT".to_owned()));
    house.delivers("second", false);
    house.delivers("third", true);
    assert_eq!(house.handshakes(), 2);
}

/// Level `none` too, without any handshake.
#[test]
fn clear_text_on_this_machine_is_reused() {
    let house = House::with(&["policy d.test none"]);
    house.delivers("first", false);
    let line = house.delivers("second", true);
    assert!(line.contains(" proof=loopback "), "{line}");
    assert_eq!((house.handshakes(), house.host.connection_count()), (0, 1));
}
