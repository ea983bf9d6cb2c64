//! Resource records.

use super::{Class, Name, Rdata, RecordType};

/// One resource record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner name.
    pub name: Name,
    /// Class.
    pub class: Class,
    /// Time to live in seconds.
    pub ttl: u32,
    /// The data, which knows its type.
    pub data: Rdata,
}

impl Record {
    /// The record type.
    pub fn rtype(&self) -> RecordType {
        self.data.rtype()
    }
}

/// Zone-file form on one line.
impl std::fmt::Display for Record {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
