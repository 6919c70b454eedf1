//! `Parent`: the trace that a request is part of, from its headers (<https://www.w3.org/TR/trace-context/>).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// The maximum length of a `tracestate` to pass on.
const LONGEST_STATE: usize = 512;

impl Parent {
    /// Parses a `traceparent`; `None` if it is invalid.
    pub fn read(header: &str) -> Option<Self> {
        let mut parts = header.splitn(5, '-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may have more parts.
        let is_whole = version != "ff" && (version != "00" || parts.next().is_none());
        hexadecimal(version, 2).filter(|_| is_whole)?;
        let parent = Self {
            trace: hexadecimal(trace, 32)?,
            span: u64::try_from(hexadecimal(span, 16)?).ok()?,
            flags: u8::try_from(hexadecimal(flags, 2)?).ok()?,
        };
        (parent.trace != 0 && parent.span != 0).then_some(parent)
    }

    /// A `tracestate`, if it can be passed on. Its content is not parsed.
    pub fn state(header: &str) -> Option<String> {
        let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let is_well = (1..=LONGEST_STATE).contains(&header.len()) && header.bytes().all(is_plain);
        is_well.then(|| header.to_owned())
    }

    pub fn trace(&self) -> u128 {
        self.trace
    }

    pub fn span(&self) -> u64 {
        self.span
    }

    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

/// Lower case only, as the standard requires.
fn hexadecimal(text: &str, length: usize) -> Option<u128> {
    let is_hex = text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u128::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_parent_is_one() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |text: &str| Parent::read(&text.replace('T', TRACE));
        for (valid, is_sampled) in [("00-T-00f067aa0ba902b7-01", true), ("01-T-00f067aa0ba902b7-02-more", false)] {
            let parent = of(valid).unwrap_or_else(|| panic!("{valid}"));
            assert_eq!(format!("{:032x} {:016x}", parent.trace, parent.span), format!("{TRACE} 00f067aa0ba902b7"));
            assert_eq!(parent.is_sampled(), is_sampled, "{valid}");
        }
        for wrong in [
            "",
            "00-T-00f067aa0ba902b7",
            "00-T-00f067aa0ba902b7-01-more",
            "ff-T-00f067aa0ba902b7-01",
            "00-T-0000000000000000-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-ada@shop.example-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(Parent::state("vendor=1,other=a:b").as_deref(), Some("vendor=1,other=a:b"));
        assert!(Parent::state("").is_none() && Parent::state(&"a".repeat(513)).is_none());
    }
}
