//! Mail from the client to the MX host, or not: one test per row of the scenarios of RFC 7672 at level `dane-only`, with the real binary.
//!
//! Each test builds a small internet, runs `gateway serve` in it, submits mail and looks at everybody: the MX hosts, the log, the queue
//! and the sender. Then `gateway check` has to foretell the same. Rows that need other levels are not here.

mod address;
mod carriers;
mod flow;
mod record;
mod resolver;
mod route;
mod session;
mod stage;
mod tlsa;
