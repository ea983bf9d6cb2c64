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
