//! The server's end of one connection: lines in, octets out, in clear or inside TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use openssl::ssl::{HandshakeError, NameType, Ssl, SslContext, SslStream};

use super::capture::{Capture, Tap, Taping};

/// A client that says nothing for so long is gone; also ends the threads of forgotten connections.
const IDLE: Duration = Duration::from_secs(120);
/// How long is listened for what a client sends after the end of the dialogue.
const LINGER: Duration = Duration::from_secs(2);
/// A line longer than this is an attack on the lab's memory.
const LONGEST_LINE: usize = 1 << 20;

pub(super) struct Wire {
    socket: Tap,
    tls: Option<SslStream<Tap>>,
    unread: Vec<u8>,
    taping: Arc<Taping>,
}

/// What the handshake agreed on.
pub(super) struct Agreed {
    pub(super) version: String,
    pub(super) cipher: String,
    pub(super) sni: Option<String>,
    pub(super) is_resumed: bool,
}

impl Wire {
    pub(super) fn new(socket: TcpStream, taping: Arc<Taping>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(IDLE))?;
        socket.set_write_timeout(Some(IDLE))?;
        Ok(Self {
            socket: Tap::new(socket, Arc::clone(&taping)),
            tls: None,
            unread: Vec::new(),
            taping,
        })
    }

    /// The next line without CRLF; `None` when the client has closed.
    pub(super) fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let mut line: Vec<u8> = self.unread.drain(..end + 2).collect();
                line.truncate(end);
                return Ok(Some(line));
            }
            if self.unread.len() > LONGEST_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut buffer = [0; 16_384];
            let count = self.read(&mut buffer)?;
            if count == 0 {
                return Ok(None);
            }
            self.unread.extend_from_slice(&buffer[..count]);
        }
    }

    /// Whether the client has sent more than was read yet.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    pub(super) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.write_all(octets),
            None => self.socket.write_all(octets),
        }
    }

    /// Reads and forgets until the client closes.
    pub(super) fn drain(&mut self) {
        let mut buffer = [0; 1024];
        while self.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }

    /// From now on the client has nothing more to say in clear text.
    pub(super) fn expect_tls(&self) {
        self.taping.change(Capture::expect_tls);
    }

    pub(super) fn start_tls(&mut self, context: &SslContext) -> Result<Agreed, String> {
        let ssl = Ssl::new(context).map_err(|error| error.to_string())?;
        let socket = self.socket.try_clone().map_err(|error| error.to_string())?;
        let tls = ssl.accept(socket).map_err(|error| match error {
            HandshakeError::Failure(broken) => broken.error().to_string(),
            other => other.to_string(),
        })?;
        let agreed = Agreed {
            version: tls.ssl().version_str().to_owned(),
            cipher: tls
                .ssl()
                .current_cipher()
                .map_or("none", |cipher| cipher.name())
                .to_owned(),
            sni: tls.ssl().servername(NameType::HOST_NAME).map(str::to_owned),
            is_resumed: tls.ssl().session_reused(),
        };
        self.tls = Some(tls);
        Ok(agreed)
    }

    /// Ends the connection, inside TLS with a proper close, and listens for what the client still says.
    pub(super) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            // A client that is gone already needs no farewell.
            let _ = tls.shutdown();
        }
        self.socket.listen_to_the_end(LINGER);
        self.break_off();
    }

    /// Ends the connection without any farewell.
    pub(super) fn break_off(&mut self) {
        self.socket.shutdown(Shutdown::Both);
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.socket.read(buffer);
        };
        let count = tls.read(buffer)?;
        self.taping
            .change(|capture| capture.decrypted(&buffer[..count]));
        Ok(count)
    }
}
