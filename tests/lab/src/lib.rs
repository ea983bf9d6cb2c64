//! A small internet in one process on loopback: signed zones, a resolver that answers from them, and MX hosts that record what they get.
