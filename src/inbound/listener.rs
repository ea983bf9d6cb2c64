//! Accepts connections and gives each a thread of its own, or turns it away when all seats are taken.
//!
//! next: `src/smtp/server.rs`

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{Builder, Scope, scope};

use super::limits::{ACCEPT_PAUSE, SESSION_STACK};
use super::stop::Wake;
use super::{Shared, session};
use crate::log;
use crate::net::Stream;
use crate::smtp::server::Farewell;
use crate::time::Deadline;

/// A listener that never blocks in `accept`: who waits for it waits with [`super::stop::Stop`].
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Accepts until the stop; returns when the last session has ended.
pub(super) fn run(listener: &TcpListener, shared: &Shared) {
    scope(|scope| {
        let mut is_failing = false;
        loop {
            let deadline = Deadline::after(Deadline::LONGEST);
            let accepted = match shared.stop.wait(listener, deadline) {
                Ok(Wake::Stop) => return,
                Ok(Wake::Late) => continue,
                Ok(Wake::Input) => listener.accept(),
                Err(error) => Err(error),
            };
            match accepted {
                Ok((socket, peer)) => {
                    is_failing = false;
                    admit(scope, shared, (socket, peer));
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    // One line until a connection is accepted again, since the same may happen many times a second.
                    if !std::mem::replace(&mut is_failing, true) {
                        log::warning(format_args!(
                            "inbound: cannot accept a connection: {error}; clients wait until it can be"
                        ));
                    }
                    // Without the pause this would be a loop that takes all the time there is.
                    let stopped = shared.stop.pause(Deadline::after(ACCEPT_PAUSE));
                    if stopped.unwrap_or(false) {
                        return;
                    }
                }
            }
        }
    });
}

/// The client went away before it was accepted.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}

fn admit<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env Shared,
    (socket, peer): (TcpStream, SocketAddr),
) {
    let current = shared.current();
    let settings = &current.settings;
    let address = peer.ip();
    let stranger = (!settings.may_relay(address)).then_some(address);
    let seat = match shared.seats.take(settings.session_limit, stranger) {
        Ok(seat) => seat,
        Err(farewell) => return turn_away(socket, peer, farewell),
    };
    let session = move || {
        // The patience with each step is set by the session.
        let deadline = Deadline::after(current.settings.command_timeout);
        if let Ok(stream) = Stream::new(socket, deadline) {
            shared.breaker.watch(&stream);
            session::serve(stream, shared, &current);
        }
        drop(seat);
    };
    let thread = Builder::new().stack_size(SESSION_STACK);
    if let Err(error) = thread.spawn_scoped(scope, session) {
        // The closure is gone, and with it the connection and the seat.
        log::warning(format_args!(
            "inbound: client={peer} dropped: cannot start a thread: {error}"
        ));
    }
}

/// Says why and closes, without waiting for anything: whoever accepts has no time for those who are turned away.
fn turn_away(mut socket: TcpStream, peer: SocketAddr, farewell: Farewell) {
    let reply = farewell.reply();
    log::info(format_args!("inbound: client={peer} turned away: {reply}"));
    if socket.set_nonblocking(true).is_ok() {
        // A fresh connection has room for one line; a client that is gone already needs none.
        let _ = socket.write_all(&reply.to_wire());
        let _ = socket.shutdown(std::net::Shutdown::Write);
    }
}
