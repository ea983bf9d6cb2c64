//! The two halves of a TLS connection's life: before the verdict it can say nothing, after it everything.

use super::failure::{Failure, Phase};
use super::transcript::Event;
use super::{Link, TlsFacts};
use crate::net::tls::{TlsError, TlsErrorKind};
use crate::net::{Stream, TlsStream};
use crate::outbound::{Demand, Proof, Reason, Refusal};
use crate::time::{Deadline, Timestamp};

/// Encrypted, but to whom is unknown. It has no way to send anything; all it can become is [`Verified`], or closed.
#[derive(Debug)]
pub(super) struct Unverified {
    stream: TlsStream,
}

/// Encrypted to a server that proved what was demanded.
#[derive(Debug)]
pub(super) struct Verified {
    stream: TlsStream,
    proof: Proof,
}

impl Unverified {
    /// rfc S7 to S10.
    pub(super) fn handshake(mut stream: Stream, link: &Link<'_>) -> Result<Self, Failure> {
        stream.set_deadline(Deadline::after(link.timeouts.command));
        match TlsStream::connect(stream, link.server_name) {
            Ok(stream) => {
                if let Some(transcript) = link.transcript {
                    transcript.note(Event::Encrypted {
                        facts: TlsFacts::of(&stream),
                        chain: stream.chain().octets().to_vec(),
                    });
                }
                Ok(Self { stream })
            }
            Err(error) => Err(failed_handshake(error, link.server_name)),
        }
    }

    /// The certificates that were presented, against what is demanded.
    pub(super) fn verify(self, demand: &Demand) -> Result<Verified, Failure> {
        match demand.check(self.stream.chain(), Timestamp::now()) {
            Ok(proof) => Ok(Verified {
                stream: self.stream,
                proof,
            }),
            Err(refusal) => Err(self.reject(&refusal)),
        }
    }

    /// Closes without a word.
    fn reject(self, refusal: &Refusal) -> Failure {
        let (version, cipher) = (self.stream.version(), self.stream.cipher());
        self.stream.close();
        let text = format!("{}; {version} {cipher}", refusal.text);
        Failure::new(refusal.reason, Phase::Verdict, text)
    }
}

impl Verified {
    /// The connection, and what is known about it.
    pub(super) fn into_parts(self) -> (TlsStream, TlsFacts, Proof) {
        let facts = TlsFacts::of(&self.stream);
        (self.stream, facts, self.proof)
    }
}

impl TlsFacts {
    fn of(stream: &TlsStream) -> Self {
        Self {
            version: stream.version(),
            cipher: stream.cipher(),
        }
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
