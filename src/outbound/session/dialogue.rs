//! Lines out, replies in, over whatever carries them; each by a deadline.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::failure::{self, Failure, Phase};
use super::transcript::{Event, Transcript};
use crate::net::{Stream, TlsStream};
use crate::outbound::Reason;
use crate::smtp::client::ReplyReader;
use crate::smtp::{Reply, ReplyError};
use crate::time::Deadline;

/// How long a server may take to say goodbye.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);
/// Octets read at once; replies are short.
const READ_SIZE: usize = 4096;

/// What carries a dialogue.
pub(super) trait Wire: Read + Write + fmt::Debug + Send {
    /// Sets by when the following reads and writes must be over.
    fn set_deadline(&mut self, deadline: Deadline);
    /// Whether something is waiting to be read, the end included.
    fn has_input(&self) -> io::Result<bool>;
    /// Ends both directions.
    fn close(self: Box<Self>);
}

impl Wire for Stream {
    fn set_deadline(&mut self, deadline: Deadline) {
        Self::set_deadline(self, deadline);
    }

    fn has_input(&self) -> io::Result<bool> {
        Self::has_input(self)
    }

    fn close(self: Box<Self>) {
        Self::close(&self);
    }
}

impl Wire for TlsStream {
    fn set_deadline(&mut self, deadline: Deadline) {
        Self::set_deadline(self, deadline);
    }

    fn has_input(&self) -> io::Result<bool> {
        Self::has_input(self)
    }

    fn close(self: Box<Self>) {
        Self::close(*self);
    }
}

impl Wire for Box<dyn Wire> {
    fn set_deadline(&mut self, deadline: Deadline) {
        self.as_mut().set_deadline(deadline);
    }

    fn has_input(&self) -> io::Result<bool> {
        self.as_ref().has_input()
    }

    fn close(self: Box<Self>) {
        (*self).close();
    }
}

/// A dialogue over a wire; its replies are its own, so a new wire begins with nothing left over.
#[derive(Debug)]
pub(super) struct Dialogue<W> {
    wire: W,
    reader: ReplyReader,
    transcript: Option<Transcript>,
}

impl<W: Wire> Dialogue<W> {
    /// A dialogue in which nothing was said yet.
    pub(super) fn new(wire: W) -> Self {
        Self {
            wire,
            reader: ReplyReader::default(),
            transcript: None,
        }
    }

    /// The same, with what is asked and replied from now on written down.
    pub(super) fn noted_in(mut self, transcript: Option<&Transcript>) -> Self {
        self.transcript = transcript.cloned();
        self
    }

    /// Writes an event down.
    pub(super) fn note(&self, event: Event) {
        if let Some(transcript) = &self.transcript {
            transcript.note(event);
        }
    }

    /// Sends a command line and receives its reply.
    pub(super) fn ask(
        &mut self,
        line: &str,
        phase: Phase,
        deadline: Deadline,
    ) -> Result<Reply, Failure> {
        self.note(Event::Sent(line.trim_end().to_owned()));
        self.send(line.as_bytes(), phase, deadline)?;
        self.receive(phase, deadline)
    }

    /// Sends octets.
    pub(super) fn send(
        &mut self,
        octets: &[u8],
        phase: Phase,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        self.wire.set_deadline(deadline);
        self.wire
            .write_all(octets)
            .and_then(|()| self.wire.flush())
            .map_err(|error| lost(phase, &error))
    }

    /// Receives the next reply.
    pub(super) fn receive(&mut self, phase: Phase, deadline: Deadline) -> Result<Reply, Failure> {
        self.wire.set_deadline(deadline);
        let mut buffer = [0; READ_SIZE];
        loop {
            match self.reader.reply() {
                Ok(Some(reply)) => {
                    self.note(Event::Received(reply.clone()));
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(error) => return Err(garbage(phase, error)),
            }
            let count = self
                .wire
                .read(&mut buffer)
                .map_err(|error| lost(phase, &error))?;
            if count == 0 {
                return Err(lost(phase, &io::ErrorKind::UnexpectedEof.into()));
            }
            self.reader.push(buffer.get(..count).unwrap_or(&buffer));
        }
    }

    /// Whether the server has said nothing that was not read yet.
    pub(super) fn is_silent(&self) -> bool {
        self.reader.unread().is_empty() && matches!(self.wire.has_input(), Ok(false))
    }

    /// Says goodbye because of this failure.
    pub(super) fn leave(&mut self, failure: Failure) -> Failure {
        let by = Deadline::after(FAREWELL);
        self.say_quit(by);
        self.hear_goodbye(by);
        failure
    }

    /// Says QUIT.
    pub(super) fn say_quit(&mut self, by: Deadline) {
        self.note(Event::Sent("QUIT".to_owned()));
        // Whatever comes of it, the session is over.
        let _ = self.send(b"QUIT\r\n", Phase::Data, by);
    }

    /// Waits a little for the reply to QUIT, so that the server does not see the connection break (RFC 5321 §4.1.1.10).
    pub(super) fn hear_goodbye(&mut self, by: Deadline) {
        // Whatever comes of it, the session is over.
        let _ = self.receive(Phase::Data, by);
    }

    /// Ends both directions.
    pub(super) fn close(mut self) {
        self.wire.set_deadline(Deadline::after(FAREWELL));
        Box::new(self.wire).close();
    }
}

impl<W: Wire + 'static> Dialogue<W> {
    /// The same dialogue, no longer telling what carries it.
    pub(super) fn boxed(self) -> Dialogue<Box<dyn Wire>> {
        Dialogue {
            wire: Box::new(self.wire),
            reader: self.reader,
            transcript: self.transcript,
        }
    }
}

impl Dialogue<Stream> {
    /// The other side's address.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.wire.peer()
    }

    /// The stream, provided that the server waits for our handshake and has said nothing more (rfc S6): in clear text it could only be
    /// meant to be taken for part of the TLS session. What comes later reaches OpenSSL, which ends the handshake.
    pub(super) fn into_silent_stream(mut self) -> Result<Stream, Failure> {
        let mut buffer = [0; READ_SIZE];
        let mut unread = self.reader.unread();
        if unread.is_empty()
            && self
                .wire
                .has_input()
                .map_err(|error| no_handshake(&error))?
        {
            let count = self
                .wire
                .read(&mut buffer)
                .map_err(|error| no_handshake(&error))?;
            if count == 0 {
                return Err(no_handshake(&io::ErrorKind::UnexpectedEof.into()));
            }
            unread = buffer.get(..count).unwrap_or(&buffer);
        }
        if unread.is_empty() {
            return Ok(self.wire);
        }
        let text = format!(
            "after the reply to STARTTLS the server went on in clear text with {}: an attack, or a broken server",
            failure::quote_octets(unread)
        );
        Err(Failure::new(
            Reason::StartTlsInjection,
            Phase::StartTls,
            text,
        ))
    }
}

/// rfc S7: after the reply to STARTTLS a connection that ends, ends in the handshake, however early it is noticed.
fn no_handshake(error: &io::Error) -> Failure {
    let text = format!("the connection ended instead of the TLS handshake: {error}");
    Failure::new(Reason::TlsHandshake, Phase::Handshake, text)
}

/// rfc S13.
fn lost(phase: Phase, error: &io::Error) -> Failure {
    let text = match error.kind() {
        io::ErrorKind::TimedOut => format!("nothing from the server in time at {phase}"),
        io::ErrorKind::UnexpectedEof => format!("the server closed the connection at {phase}"),
        _ => format!("connection lost at {phase}: {error}"),
    };
    Failure::new(Reason::ConnectionLost, phase, text)
}

/// What cannot be understood counts like a refusal; inside the session it has a reason of its own.
fn garbage(phase: Phase, error: ReplyError) -> Failure {
    let reason = match phase {
        Phase::Greeting => Reason::Banner,
        Phase::Ehlo => Reason::EhloRejected,
        Phase::StartTls => Reason::StartTlsRefused,
        _ => Reason::BadReply,
    };
    let text = format!("what the server said at {phase} is not SMTP: {error}");
    Failure::new(reason, phase, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn pair() -> (Dialogue<Stream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let stream = Stream::connect(address, soon()).expect("connects");
        let (peer, _) = listener.accept().expect("accepts");
        (Dialogue::new(stream), peer)
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    fn wait_for_input(dialogue: &Dialogue<Stream>) {
        for _ in 0..20_000 {
            if dialogue.wire.has_input().expect("open") {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nothing arrives");
    }

    fn go_ahead(dialogue: &mut Dialogue<Stream>, peer: &mut TcpStream) {
        peer.write_all(b"220 go\r\n").expect("writes");
        let reply = dialogue.receive(Phase::StartTls, soon());
        assert_eq!(reply.expect("a reply").code.number(), 220);
    }

    #[test]
    fn octets_that_arrive_before_the_handshake_are_an_attack() {
        let (mut dialogue, mut peer) = pair();
        go_ahead(&mut dialogue, &mut peer);
        peer.write_all(b"250 fake\r\n").expect("writes");
        wait_for_input(&dialogue);
        let failure = dialogue.into_silent_stream().expect_err("attacked");
        assert_eq!(failure.reason, Reason::StartTlsInjection);
        assert!(failure.text.contains(r#""250 fake\r\n""#), "{failure}");
    }

    #[test]
    fn an_end_before_the_handshake_is_no_attack() {
        let (mut dialogue, mut peer) = pair();
        go_ahead(&mut dialogue, &mut peer);
        drop(peer);
        wait_for_input(&dialogue);
        let failure = dialogue.into_silent_stream().expect_err("over");
        assert_eq!(failure.reason, Reason::TlsHandshake);
    }

    #[test]
    fn silence_lets_the_stream_go() {
        let (mut dialogue, mut peer) = pair();
        go_ahead(&mut dialogue, &mut peer);
        assert!(dialogue.into_silent_stream().is_ok());
    }
}
