//! One question in one datagram, from a port of its own.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::fault::Fault;
use super::observe::{Direction, Transport};
use super::query::{Judgement, Query, Reply};
use super::wire::Wire;
use crate::time::Deadline;

/// Octets read of one datagram: more than we ask for. What is longer is cut, cannot be decoded, and goes over TCP.
const DATAGRAM_AT_MOST: usize = 4096;
/// Datagrams that are not the reply before we believe that somebody is guessing and go over TCP.
const FOREIGN_AT_MOST: usize = 200;

/// What came of a datagram.
pub(super) enum Received {
    /// The reply, whole.
    Reply(Box<Reply>),
    /// To be asked again over TCP; says why.
    UseTcp(&'static str),
}

/// Sends the query and waits for its reply until the deadline.
///
/// # Errors
/// [`Fault::Timeout`], or [`Fault::Unreachable`] when the system says so at once.
pub(super) fn ask(wire: &Wire<'_>, query: &Query, deadline: Deadline) -> Result<Received, Fault> {
    let socket = connect(wire.server)?;
    let local = socket.local_addr()?;
    let show = |direction, octets: &[u8]| wire.show(Transport::Udp, direction, local, octets);
    show(Direction::Sent, query.octets());
    socket.send(query.octets())?;
    let mut buffer = vec![0; DATAGRAM_AT_MOST];
    for _ in 0..FOREIGN_AT_MOST {
        let octets = match receive(&socket, &mut buffer, deadline) {
            // A signal, as when the process is stopped and continued.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            received => received?,
        };
        show(Direction::Received, octets);
        match query.judge(octets) {
            Judgement::Reply(reply) if reply.message.header.truncated => {
                return Ok(Received::UseTcp("the reply is truncated"));
            }
            Judgement::Reply(reply) => return Ok(Received::Reply(reply)),
            Judgement::Doubtful(why) => return Ok(Received::UseTcp(why)),
            Judgement::Foreign => wire.trace("ignored a datagram that is not the reply"),
        }
    }
    Ok(Received::UseTcp("too many datagrams are not the reply"))
}

/// A socket on a fresh port that the system draws at random, connected so that it takes datagrams of the server alone.
fn connect(server: SocketAddr) -> io::Result<UdpSocket> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    Ok(socket)
}

fn receive<'a>(
    socket: &UdpSocket,
    buffer: &'a mut [u8],
    deadline: Deadline,
) -> io::Result<&'a [u8]> {
    let left = deadline.remaining().ok_or(io::ErrorKind::TimedOut)?;
    socket.set_read_timeout(Some(left))?;
    let length = socket.recv(buffer)?;
    buffer
        .get(..length)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}
