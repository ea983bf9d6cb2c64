//! Exit codes (sysexits.h).

/// All went well.
pub const OK: u8 = 0;
/// The answer is no: bogus, no match.
pub const NO: u8 = 1;
/// The command line was used wrongly.
pub const USAGE: u8 = 64;
/// The input was wrong.
pub const DATA: u8 = 65;
/// A file or object that was named does not exist.
pub const NO_INPUT: u8 = 66;
/// A service is unavailable: the mail would be refused.
pub const UNAVAILABLE: u8 = 69;
/// The operating system refused something.
pub const SYSTEM: u8 = 71;
/// Reading or writing failed.
pub const INPUT_OUTPUT: u8 = 74;
/// Not now; try again later.
pub const TEMPORARY: u8 = 75;
/// The configuration cannot be used.
pub const CONFIG: u8 = 78;
