//! The two halves of a TLS connection's life: before the verdict it can say nothing, after it everything.

use super::failure::{Failure, Phase};
use super::transcript::Event;
use super::{Link, TlsFacts};
use crate::net::tls::{Hello, KeyType, TlsError, TlsErrorKind};
use crate::net::{Stream, TlsStream};
use crate::outbound::{Demand, Proof, Reason, Refusal};
use crate::time::{Deadline, Timestamp};

/// Encrypted, but to whom is unknown. It has no way to send anything; all it can become is [`Verified`], or closed.
#[derive(Debug)]
pub(super) struct Unverified {
    stream: TlsStream,
    facts: TlsFacts,
}

/// Encrypted to a server that proved what was demanded.
#[derive(Debug)]
pub(super) struct Verified {
    stream: TlsStream,
    facts: TlsFacts,
    proof: Proof,
}

impl Unverified {
    /// rfc S7 to S10; with `key` a host of several certificates shows that of such a key.
    pub(super) fn handshake(
        mut stream: Stream,
        link: &Link<'_>,
        key: Option<KeyType>,
    ) -> Result<Self, Failure> {
        stream.set_deadline(Deadline::after(link.timeouts.command));
        let hello = Hello {
            server_name: link.server_name,
            key,
            padding: link.tls_padding,
        };
        match TlsStream::connect(stream, &hello) {
            Ok(stream) => {
                let facts = TlsFacts {
                    version: stream.version(),
                    cipher: stream.cipher(),
                    is_other_key: key.is_some(),
                };
                if let Some(transcript) = link.transcript {
                    transcript.note(Event::Encrypted {
                        facts: facts.clone(),
                        chain: stream.chain().octets().to_vec(),
                    });
                }
                Ok(Self { stream, facts })
            }
            Err(error) => Err(failed_handshake(error, link.server_name)),
        }
    }

    /// Of which type the host may have another key.
    pub(super) fn other_key(&self) -> Option<KeyType> {
        self.stream.other_key()
    }

    /// The certificates that were presented, against what is demanded.
    pub(super) fn verify(self, demand: &Demand) -> Result<Verified, Failure> {
        match demand.check(self.stream.chain(), Timestamp::now()) {
            Ok(proof) => Ok(Verified {
                stream: self.stream,
                facts: self.facts,
                proof,
            }),
            Err(refusal) => Err(self.reject(&refusal)),
        }
    }

    /// Closes without a word.
    fn reject(self, refusal: &Refusal) -> Failure {
        self.stream.close();
        let TlsFacts {
            version, cipher, ..
        } = self.facts;
        let text = format!("{}; {version} {cipher}", refusal.text);
        Failure::new(refusal.reason, Phase::Verdict, text)
    }
}

impl Verified {
    /// The connection, and what is known about it.
    pub(super) fn into_parts(self) -> (TlsStream, TlsFacts, Proof) {
        (self.stream, self.facts, self.proof)
    }
}

fn failed_handshake(error: TlsError, server_name: &str) -> Failure {
    let failure = |reason| Failure::new(reason, Phase::Handshake, error.text);
    match error.kind {
        TlsErrorKind::Timeout | TlsErrorKind::Closed | TlsErrorKind::Handshake => {
            failure(Reason::TlsHandshake)
        }
        TlsErrorKind::Version => failure(Reason::TlsVersion).remark("TLS 1.2 or newer is needed"),
        TlsErrorKind::ServerName => {
            failure(Reason::SniRejected).remark(&format!("the name asked for was {server_name}"))
        }
        TlsErrorKind::NoCertificate => failure(Reason::NoCertificate),
        TlsErrorKind::WeakKey => failure(Reason::WeakKey),
        TlsErrorKind::Local => failure(Reason::Internal),
    }
}
