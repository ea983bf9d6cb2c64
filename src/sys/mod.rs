//! The only room with unsafe code: safe, typed functions over the system calls that the standard library lacks.

pub mod crypto;
pub mod poll;
pub mod privileges;
pub mod process;
pub mod signal;
pub mod socket;
pub mod storage;
