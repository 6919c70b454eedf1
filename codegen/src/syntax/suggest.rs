//! 'Did you mean': finds the known word nearest to the one written.

/// The nearest of `known`, if it is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A longer word is not a typo, and the distance has quadratic cost.
    if word.len() > 64 {
        return None;
    }
    let small = word.to_lowercase();
    let most = match word.chars().count() {
        0..3 => 0,
        length => length / 3,
    };
    known
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= most)
        .map(|candidate| (strsim::osa_distance(&small, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["string", "text", "relation", "required"];
        assert_eq!(nearest("strng", known), Some("string"));
        assert_eq!(nearest("txet", known), Some("text"));
        assert_eq!(nearest("Requierd", known), Some("required"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(nearest("E", ["A", "B"]), None);
    }
}
