//! Development secrets: the API token, the password of the private database.

use std::fs::File;
use std::io::Read;

use anyhow::Context;

/// This many random bytes as hexadecimal digits.
pub fn hex(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random)).context("no random numbers")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
