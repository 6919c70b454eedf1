//! Time-based one-time passwords (RFC 6238) with the parameters of every authenticator: SHA-1, six digits, steps of 30
//! seconds.

use ring::hmac;

use super::secret;

const STEP: i64 = 30;
const DIGITS: u32 = 1_000_000;
/// Steps before and after the current one, for clock differences and slow typing (RFC 6238, 5.2).
const DRIFT: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step that matches this code, among those after the last used one.
pub fn matching(key: &[u8], code: &str, now: i64, last_used: i64) -> Option<i64> {
    let present = now / STEP;
    let fits = |step: &i64| secret::same(self::code(key, *step).as_bytes(), code.as_bytes());
    // Every step is computed, so that the time does not reveal the matching one.
    let found: Vec<_> = (present - DRIFT..=present + DRIFT).filter(fits).collect();
    found.into_iter().find(|step| *step > last_used)
}

/// The code at a time, as an authenticator shows it.
pub fn at(key: &[u8], now: i64) -> String {
    code(key, now / STEP)
}

fn code(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // RFC 4226, 5.3: four bytes at the offset in the last half byte.
    let offset = usize::from(tag[tag.len() - 1] & 15);
    let bytes = [tag[offset] & 0x7f, tag[offset + 1], tag[offset + 2], tag[offset + 3]];
    format!("{:06}", u32::from_be_bytes(bytes) % DIGITS)
}

/// RFC 4648, without padding: the form in which authenticators accept a key.
pub fn base32(bytes: &[u8]) -> String {
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect::<Vec<_>>();
    let letter = |bits: &[u8]| {
        let value = bits.iter().fold(0, |value, bit| value << 1 | usize::from(*bit)) << (5 - bits.len());
        char::from(BASE32[value])
    };
    bits.chunks(5).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six digits; the key is that of RFC 4226.
    #[test]
    fn codes_of_the_specification() {
        let key = b"12345678901234567890";
        for (time, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(at(key, time), code);
            assert_eq!(matching(key, code, time, 0), Some(time / STEP));
            assert_eq!(matching(key, code, time, time / STEP), None, "used before");
            assert_eq!(matching(key, code, time + STEP, 0), Some(time / STEP), "a slow clock");
            assert_eq!(matching(key, code, time + 3 * STEP, 0), None);
        }
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
    }
}
