//! Every bound of the protocol's texts and dialogues, with its reason.

/// Octets of a domain without final dot: 255 in the DNS's wire form (RFC 1035 §2.3.4).
pub const DOMAIN_MAX: usize = 253;

/// Octets of one label (RFC 1035 §2.3.4).
pub const LABEL_MAX: usize = 63;

/// Octets of a local part (RFC 5321 §4.5.3.1.1), quotes included.
pub const LOCAL_PART_MAX: usize = 64;

/// Octets of a reply line we send, with CRLF (RFC 5321 §4.5.3.1.5).
pub const REPLY_LINE_SENT_MAX: usize = 512;

/// Octets of a reply line we read, without CRLF: four times what RFC 5321 §4.5.3.1.5 allows, since servers put long explanations there.
pub const REPLY_LINE_READ_MAX: usize = 2048;

/// Lines of one reply we read: EHLO replies have about 20, verbose refusals fewer; more is an attempt to keep us busy.
pub const REPLY_LINES_MAX: usize = 128;

/// Octets of a command line with CRLF: RFC 5321 §4.5.3.1.4 has 512, to which each extension's parameters are added; four times that holds any of them.
pub const COMMAND_LINE_MAX: usize = 2048;

/// Octets of a line of a message with CRLF. RFC 5321 §4.5.3.1.6 has 1000, but mail with longer lines is common and passes most servers; this
/// bound keeps what reads header lines from having to hold a whole message as one line.
pub const CONTENT_LINE_MAX: usize = 65_536;

/// Octets read on of a message that is refused already, to stay in step with the client; more and the connection is closed.
pub const DISCARD_MAX: u64 = 64 << 20;

/// Octets of a client's name in EHLO: those of the longest domain (RFC 5321 §4.5.3.1.2).
pub const CLIENT_NAME_MAX: usize = 255;

/// Refusals to a stranger since its last accepted message, after which the session ends: more is a search for what we might let through.
pub const ERRORS_MAX: u32 = 20;

/// Refusals to a client that may relay, since its last accepted message: a mailing list with thousands of dead or too many recipients must
/// still get its message to the others.
pub const RELAY_ERRORS_MAX: u32 = 10_000;

/// Commands of a stranger since its last accepted message that lead nowhere (NOOP, RSET, EHLO, …): what a client that keeps its connection may
/// need in an hour or two, but nothing with which to keep a session for ever.
pub const IDLE_COMMANDS_MAX: u32 = 100;

/// The same for a client that may relay: a pool of connections that says NOOP every few seconds lasts a night.
pub const RELAY_IDLE_COMMANDS_MAX: u32 = 10_000;
