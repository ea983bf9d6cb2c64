//! gateway (scaffold; the map comes with the rooms).
#![deny(unsafe_code)]

pub mod bytes;
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
