//! What the AD bit of a reply is worth (rfc C5, RFC 4035 §4.9.3, RFC 6840 §5.7 to §5.8).
//!
//! Here each reply gets its status; the validator (`validate.rs`) is the other way to get one.

use super::DnssecMode;
use super::endpoint::Endpoint;
use crate::dns::{Message, Rcode};
use crate::dnssec::Security;

/// Whose AD bit is believed.
///
/// Limitation: that a server validates at all is tested (`self_test`); that it rejects what is forged is the operator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdTrust {
    /// Servers on loopback, and those that prove themselves over TLS: nobody between them and us can set the bit.
    Private,
    /// Every server listed: the operator vouches for them and the links to them.
    Listed,
}

impl AdTrust {
    /// The trust that goes with a mode; `None` where signatures are to be checked here.
    pub(super) const fn of(mode: DnssecMode) -> Option<Self> {
        match mode {
            DnssecMode::Validate => None,
            DnssecMode::Ad => Some(Self::Private),
            DnssecMode::AdTrusted => Some(Self::Listed),
        }
    }

    /// Whether anything this server says may be used.
    pub(super) const fn admits(self, server: &Endpoint) -> bool {
        match self {
            Self::Private => server.is_loopback() || server.proof.is_some(),
            Self::Listed => true,
        }
    }

    /// Status of an admitted server's reply. The AA bit means nothing here: who says "I am the authority" has proven nothing.
    pub(super) fn status(self, server: &Endpoint, reply: &Message) -> Security {
        let is_answer = matches!(reply.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN);
        if self.admits(server) && is_answer && reply.header.authentic_data {
            Security::Secure
        } else {
            Security::Insecure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Class, Edns, Name, Question, RecordType};

    fn reply(rcode: Rcode, authentic: bool, authoritative: bool) -> Message {
        let question = Question {
            name: Name::root(),
            rtype: RecordType::NS,
            class: Class::IN,
        };
        let mut reply = Message::query(1, question, Some(Edns::query(1232, true)));
        reply.header.response = true;
        reply.header.authentic_data = authentic;
        reply.header.authoritative = authoritative;
        reply.set_rcode(rcode);
        reply
    }

    #[test]
    fn only_trusted_servers_and_only_answers() {
        let (yes, no) = (Security::Secure, Security::Insecure);
        for (mode, server, rcode, authentic, expected) in [
            (DnssecMode::Ad, "127.0.0.1:53", Rcode::NOERROR, true, yes),
            (DnssecMode::Ad, "127.1.2.3:5353", Rcode::NXDOMAIN, true, yes),
            (DnssecMode::Ad, "[::1]:53", Rcode::NOERROR, true, yes),
            (
                DnssecMode::Ad,
                "tls://192.0.2.1#dns.example",
                Rcode::NOERROR,
                true,
                yes,
            ),
            (
                DnssecMode::Ad,
                "[::ffff:127.0.0.1]:53",
                Rcode::NOERROR,
                true,
                yes,
            ),
            (DnssecMode::Ad, "192.0.2.1:53", Rcode::NOERROR, true, no),
            (DnssecMode::Ad, "[fe80::1]:53", Rcode::NOERROR, true, no),
            (DnssecMode::Ad, "0.0.0.0:53", Rcode::NOERROR, true, no),
            (
                DnssecMode::AdTrusted,
                "192.0.2.1:53",
                Rcode::NOERROR,
                true,
                yes,
            ),
            (
                DnssecMode::AdTrusted,
                "192.0.2.1:53",
                Rcode::NOERROR,
                false,
                no,
            ),
            (DnssecMode::Ad, "127.0.0.1:53", Rcode::NOERROR, false, no),
            (DnssecMode::Ad, "127.0.0.1:53", Rcode::SERVFAIL, true, no),
            (DnssecMode::Ad, "127.0.0.1:53", Rcode::REFUSED, true, no),
            (DnssecMode::Ad, "127.0.0.1:53", Rcode(19), true, no),
        ] {
            let trust = AdTrust::of(mode).expect("a mode that believes AD");
            let server = Endpoint::parse(server).expect(server);
            for authoritative in [false, true] {
                let reply = reply(rcode, authentic, authoritative);
                assert_eq!(
                    trust.status(&server, &reply),
                    expected,
                    "{mode:?} {server} {rcode}"
                );
            }
        }
        assert_eq!(AdTrust::of(DnssecMode::Validate), None);
    }
}
