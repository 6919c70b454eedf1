//! Ids: UUIDv7 in the database, TypeIDs (`product_01h455vb4pex5vsknk084sn02q`) in the API, `Id<T>` in Rust.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use uuid::Uuid;

/// Crockford's base32 in lower case, as in the TypeID specification 0.3.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX: usize = 26;

/// The TypeID prefix of accounts.
pub const USER_PREFIX: &str = "user";

/// The id of an entry, typed by its content type.
pub struct Id<T> {
    uuid: Uuid,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    pub const fn new(uuid: Uuid) -> Self {
        Self { uuid, of: PhantomData }
    }

    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

/// The TypeID of a row of `table`.
pub fn encode(table: &str, uuid: Uuid) -> String {
    let mut id = Vec::with_capacity(table.len() + 1 + SUFFIX);
    write(table, uuid, &mut id);
    id.into_iter().map(char::from).collect()
}

/// Appends the TypeID to a buffer.
pub fn write(table: &str, uuid: Uuid, out: &mut Vec<u8>) {
    out.extend_from_slice(table.as_bytes());
    out.push(b'_');
    out.extend_from_slice(&suffix(uuid));
}

/// The 26 characters encode two zero bits and then the 128 bits, most significant first, 5 at a time.
fn suffix(uuid: Uuid) -> [u8; SUFFIX] {
    let mut bits = uuid.as_u128();
    let mut suffix = [b'0'; SUFFIX];
    for place in suffix.iter_mut().rev() {
        *place = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    suffix
}

/// The table and UUID of a TypeID; `None` if it is not one.
pub fn decode(id: &str) -> Option<(&str, Uuid)> {
    let (table, suffix) = id.rsplit_once('_')?;
    // A first character above `7` would exceed 128 bits.
    if suffix.len() != SUFFIX || suffix.as_bytes()[0] > b'7' || !is_prefix(table) {
        return None;
    }
    let mut bits = 0_u128;
    for byte in suffix.bytes() {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits = bits << 5 | digit as u128;
    }
    Some((table, Uuid::from_u128(bits)))
}

/// The UUID of a TypeID of this table.
pub fn decode_as(table: &str, id: &str) -> Option<Uuid> {
    decode(id).filter(|(found, _)| *found == table).map(|(_, uuid)| uuid)
}

/// Digits are our extension: the specification allows letters and `_` only, but table names may contain digits.
fn is_prefix(table: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    table.starts_with(|first: char| first.is_ascii_lowercase()) && !table.ends_with('_') && table.bytes().all(inner)
}

/// The nil id, for a record that is not saved yet.
impl<T> Default for Id<T> {
    fn default() -> Self {
        Self::new(Uuid::nil())
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

/// The prefix of a type's ids.
pub trait Named {
    fn table() -> &'static str;
}

/// The API form: `product_01h455vb4pex5vsknk084sn02q`.
impl<T: Named> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(T::table(), self.uuid))
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.uuid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification's `valid.yml`, the cases with a prefix.
    #[test]
    fn valid_ids_of_the_specification() {
        for (id, table, uuid) in [
            ("prefix_0123456789abcdefghjkmnpqrs", "prefix", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
            ("prefix_01h455vb4pex5vsknk084sn02q", "prefix", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("pre_fix_00000000000000000000000000", "pre_fix", "00000000-0000-0000-0000-000000000000"),
            ("prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "prefix", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ] {
            let uuid = Uuid::parse_str(uuid).unwrap();
            assert_eq!(decode(id), Some((table, uuid)), "{id}");
            assert_eq!(encode(table, uuid), id);
        }
    }

    /// From the specification's `invalid.yml`.
    #[test]
    fn invalid_ids_of_the_specification() {
        for id in [
            "PREFIX_00000000000000000000000000",
            "pre.fix_00000000000000000000000000",
            "préfix_00000000000000000000000000",
            "  prefix_00000000000000000000000000",
            "_00000000000000000000000000",
            "_",
            "",
            "prefix_1234567890123456789012345",
            "prefix_123456789012345678901234567",
            "prefix_1234567890123456789012345 ",
            "prefix_0123456789ABCDEFGHJKMNPQRS",
            "prefix_123456789-123456789-123456",
            "prefix_ooooooiiiiiiuuuuuuulllllll",
            "prefix_i23456789ol23456789oi23456",
            "prefix_123456789-0123456789-0123456",
            "prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "_prefix_00000000000000000000000000",
            "prefix__00000000000000000000000000",
        ] {
            assert_eq!(decode(id), None, "{id}");
        }
    }

    #[test]
    fn an_id_of_another_type_is_none_of_this_one() {
        let uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
        assert_eq!(decode_as("product", &encode("product", uuid)), Some(uuid));
        assert_eq!(decode_as("product", &encode("brand", uuid)), None);
    }
}
