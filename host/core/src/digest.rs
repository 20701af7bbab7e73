//! SHA-256 as people compare it: in hexadecimal digits.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

/// The SHA-256 of the bytes.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// The bytes in hexadecimal digits, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all that is written");
        digits
    })
}
