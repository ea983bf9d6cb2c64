//! Octets and text: bounded readers and writers, hexadecimal, base 64, base 32 and JSON.
#![forbid(unsafe_code)]

pub mod json;
