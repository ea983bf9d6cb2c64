//! The lab is checked before it is believed: its MX hosts and its DNS, against OpenSSL and against what the RFCs say.

mod dns;
mod mx;
mod unbound;
