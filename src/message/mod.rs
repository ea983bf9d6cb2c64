//! Internet messages (RFC 5322) and MIME (RFC 2045 to 2047, RFC 2231) as octets: found, changed and written without touching the rest.
#![forbid(unsafe_code)]
