//! An SMTP gateway that filters mail and forwards it only over TLS to servers proven by DNSSEC and DANE.
//!
//! The promise: a message answered 250 is never lost, and it leaves only for a server that signed DNS data designate and whose key a
//! signed TLSA record names. This page is the map of the code.
//!
//! # Rooms and layers
//!
//! A room is a module of this list. It does one job and may use only rooms of lower layers (`scripts/check-layers` holds it to that; the
//! edges inside a layer are listed there). Pure rooms do no I/O and read no clock: time and randomness are arguments.
//!
//! | layer | rooms | job |
//! |---|---|---|
//! | 6 | [`cli`], [`daemon`], [`config`] | command line; start, signals, shutdown; the configuration file |
//! | 5 | [`inbound`] | takes mail in: listeners, sessions, filters, the queue's receipt |
//! | 5 | [`outbound`] | takes mail out: route, facts, policy, attempt, outcome, bounce |
//! | 4 | [`queue`] | keeps every message from 250 until nothing is left to do for it |
//! | 4 | [`resolver`] | asks DNS servers and says what is proven about the answer |
//! | 3 | [`net`] | sockets with deadlines, straight or through a SOCKS proxy; TLS |
//! | 2, pure | [`dane`] | which TLSA records count, and does the presented chain match |
//! | 2, pure | [`certificate`] | what a certificate chain is worth: names, dates, the path to a trust anchor, pins |
//! | 2, pure | [`dnssec`] | what is proven about data: signatures, keys, denials, the chain from a trust anchor |
//! | 2, pure | [`filter`] | the content filters |
//! | 1, pure | [`dns`] | wire format and zone-file form |
//! | 1, pure | [`smtp`] | grammar, replies, the state machines of server and client |
//! | 1, pure | [`message`] | header fields, MIME, dates |
//! | 0 | [`bytes`], [`time`], [`log`], [`sys`] | octets and text; clocks; the console; system calls (the only unsafe code) |
//!
//! `inbound` and `outbound` never name each other: they meet at the queue, one wake-up call, and where `daemon/foresight.rs` lets sessions
//! refuse what deliveries foretell.
//!
//! # The way of one message
//!
//! | file | question it answers |
//! |---|---|
//! | `inbound/listener.rs` | who may connect, and what happens when all slots are taken? |
//! | `smtp/server.rs` | which command is legal now, and what is answered? |
//! | `inbound/session.rs` | how are octets, filters and queue driven by that machine? |
//! | `queue/spool.rs` | when is the message ours, and what survives a crash? |
//! | `outbound/runner.rs` | who is tried next, by which worker? |
//! | `outbound/attempt.rs` | MX → addresses → TLSA → connect → STARTTLS → verify → send |
//! | `dane/mod.rs` | which records count, and did the chain match? |
//! | `outbound/outcome.rs` | delivered, deferred or bounced, and with which status? |
//!
//! Side trips: `smtp/client.rs` and `outbound/session.rs` from the attempt, `resolver/mod.rs` and `dnssec/chain/mod.rs` from its look-ups.
//!
//! # What holds everywhere
//!
//! - "Could not find out" ([`resolver::LookupError`]) is never "not there" ([`resolver::Content`]); the two are different types.
//! - The security status is part of each answer, per RRset and per address; it must be looked at.
//! - A mail command can be sent only on an `outbound::session::Channel`, and over TLS only the proof of what the level demands makes one ([`outbound::Demand`]).
//! - Whatever the network or the disk drives has a named limit beside it.
//! - One decision record per host attempt is printed everywhere: log, `queue show`, bounce, `check`.
//! - Crates at run time: `openssl`, `libc`, `sha2`, `getopts`. RFCs obeyed: `scripts/rfc.txt`.
#![deny(unsafe_code)]

pub mod bytes;
pub mod certificate;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod dane;
pub mod dns;
pub mod dnssec;
pub mod filter;
pub mod inbound;
pub mod log;
pub mod message;
pub mod net;
pub mod outbound;
pub mod queue;
pub mod resolver;
pub mod smtp;
#[allow(unsafe_code)]
pub mod sys;
pub mod time;
