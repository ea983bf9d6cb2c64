//! Octets and text: bounded readers and writers, hexadecimal, base 64, base 32, HTML and JSON.
#![forbid(unsafe_code)]

pub mod hex;
pub mod html;
pub mod json;
pub mod radix;
pub mod reader;
mod visible;
pub mod writer;

pub use reader::Reader;
pub use visible::visible;
pub use writer::Writer;
