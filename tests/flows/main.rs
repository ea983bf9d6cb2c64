//! Mail from the client to the MX host, or not: the scenarios of RFC 7672 in one table, with the real binary.
//!
//! One small internet holds the domains of all scenarios. In each mode of DNSSEC and at each level one `gateway serve` is handed mail for
//! all of them, after `gateway check` has foretold what will come of it; then everybody is looked at: the MX hosts, octet by octet, the
//! log, the queue and the sender. What resolvers do to all their answers has worlds of its own in
//! `carriers`; what Postfix thinks of the scenarios is in `agree`.

mod agree;
mod carriers;
mod flow;
mod leak;
mod matrix;
mod rows;
mod run;
mod scenario;
mod seen;
mod stage;
