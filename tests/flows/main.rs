//! Mail from the client to the MX host, or not: the scenarios of RFC 7672 in one table, with the real binary.
//!
//! One small internet holds the domains of all scenarios. In each mode of DNSSEC (checked in the gateway, by the lab's resolver, by Unbound)
//! and at the levels `dane-only` and `dane`, one `gateway serve` is handed mail for all of them, after `gateway check` has foretold what
//! will come of it. Then everybody is looked at: the MX hosts, octet by octet, the log, the queue and the sender. Resolvers that are of no
//! use as a whole have worlds of their own in `carriers`; what Postfix thinks of the scenarios is in `agree`.

mod agree;
mod carriers;
mod flow;
mod leak;
mod matrix;
mod refusal;
mod rows;
mod run;
mod scenario;
mod seen;
mod stage;
