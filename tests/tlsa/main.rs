//! `gateway tlsa`: records, verdicts, what a server presents, the steps of a change of keys, and bad input.

mod bench;
mod live;
mod records;
mod refusals;
mod verdicts;
