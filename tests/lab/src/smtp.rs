//! A minimal SMTP client that hands messages to the gateway, and lets tests speak any line they like.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for one reply: the gateway answers at once, but the machine may be busy.
const REPLY: Duration = Duration::from_secs(60);

/// One connection to an SMTP server, in clear text.
#[derive(Debug)]
pub struct SmtpClient {
    stream: BufReader<TcpStream>,
}

/// A reply: its code and its whole text with line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpReply {
    /// The three-digit code of the last line.
    pub code: u16,
    /// All lines as received.
    pub text: String,
}

impl fmt::Display for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl SmtpClient {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    /// When there is no connection, or no reply in time.
    pub fn connect(address: SocketAddr) -> io::Result<(Self, SmtpReply)> {
        let socket = TcpStream::connect_timeout(&address, REPLY)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(REPLY))?;
        socket.set_write_timeout(Some(REPLY))?;
        let mut client = Self {
            stream: BufReader::new(socket),
        };
        let greeting = client.reply()?;
        Ok((client, greeting))
    }

    /// Sends one line and reads its reply.
    ///
    /// # Errors
    /// When the connection breaks, or no reply comes in time.
    pub fn command(&mut self, line: &str) -> io::Result<SmtpReply> {
        self.send(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Sends octets as they are.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(octets)
    }

    /// Reads one reply of any number of lines.
    ///
    /// # Errors
    /// When the connection breaks, no reply comes in time, or it is none.
    pub fn reply(&mut self) -> io::Result<SmtpReply> {
        let mut text = String::new();
        loop {
            let start = text.len();
            if self.stream.read_line(&mut text)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = &text[start..];
            let code = line.get(..3).and_then(|digits| digits.parse().ok());
            let code = code.ok_or(io::ErrorKind::InvalidData)?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(SmtpReply { code, text });
            }
        }
    }

    /// One whole transaction; `message` may have LF or CRLF line ends. Returns the reply that decided: the first refusal, or the last 250.
    ///
    /// # Errors
    /// When the connection breaks, or a reply does not come in time.
    pub fn transact(
        &mut self,
        sender: &str,
        recipients: &[&str],
        message: &str,
    ) -> io::Result<SmtpReply> {
        let mut commands = vec![format!("MAIL FROM:<{sender}>")];
        commands.extend(recipients.iter().map(|to| format!("RCPT TO:<{to}>")));
        commands.push("DATA".to_owned());
        for command in commands {
            let reply = self.command(&command)?;
            if reply.code >= 400 {
                return Ok(reply);
            }
        }
        self.send(&stuffed(message))?;
        self.reply()
    }
}

/// The message as DATA carries it: CRLF line ends, dots stuffed, the final dot at its end (RFC 5321 §4.5.2).
fn stuffed(message: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for line in message.lines() {
        if line.starts_with('.') {
            octets.push(b'.');
        }
        octets.extend_from_slice(line.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b".\r\n");
    octets
}

/// Connects, says EHLO, and does one transaction.
///
/// # Errors
/// As [`SmtpClient::transact`].
pub fn submit(
    server: SocketAddr,
    sender: &str,
    recipients: &[&str],
    message: &str,
) -> io::Result<SmtpReply> {
    let (mut client, greeting) = SmtpClient::connect(server)?;
    if greeting.code != 220 {
        return Ok(greeting);
    }
    let hello = client.command("EHLO client.test")?;
    if hello.code != 250 {
        return Ok(hello);
    }
    let reply = client.transact(sender, recipients, message)?;
    client.send(b"QUIT\r\n")?;
    Ok(reply)
}
