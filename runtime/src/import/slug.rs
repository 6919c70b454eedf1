//! Slugs made from text: lower-case ASCII letters and digits in groups joined by `-`.

use sha2::{Digest, Sha256};

/// Characters of a slug at most.
pub const LONGEST: usize = 96;

/// `Crème brûlée & Co.` is `creme-brulee-co`; empty when the text has no letter or digit.
pub fn slugify(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            'A'..='Z' => slug.push(character.to_ascii_lowercase()),
            // `women's` is one word.
            '\'' | '’' => {}
            _ if character.is_ascii() => separate(&mut slug),
            _ => push_ascii(&mut slug, deunicode::deunicode_char(character).unwrap_or("-")),
        }
    }
    shorten(&mut slug);
    slug
}

/// The slug of a path of names, so that `Men/Tops` and `Women/Tops` differ; one that is cut ends in a hash of the whole.
pub fn of_path(names: &[&str]) -> String {
    let whole: Vec<String> = names.iter().map(|name| slugify(name)).filter(|slug| !slug.is_empty()).collect();
    let whole = whole.join("-");
    if whole.len() <= LONGEST {
        return whole;
    }
    let hash: String = Sha256::digest(whole.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}", whole[..LONGEST - 9].trim_end_matches('-'))
}

fn push_ascii(slug: &mut String, ascii: &str) {
    for character in ascii.chars() {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            'A'..='Z' => slug.push(character.to_ascii_lowercase()),
            _ => separate(slug),
        }
    }
}

fn separate(slug: &mut String) {
    if !slug.is_empty() && !slug.ends_with('-') {
        slug.push('-');
    }
}

/// Cuts between words where there are some.
fn shorten(slug: &mut String) {
    if slug.len() > LONGEST {
        let whole = slug.as_bytes()[LONGEST] == b'-';
        slug.truncate(LONGEST);
        if let (false, Some(end)) = (whole, slug.rfind('-')) {
            slug.truncate(end);
        }
    }
    while slug.ends_with('-') {
        slug.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_readable() {
        for (text, slug) in [
            ("Hoodies & Sweatshirts", "hoodies-sweatshirts"),
            ("  Crème brûlée, 2 Stück! ", "creme-brulee-2-stuck"),
            ("Women's Sale", "womens-sale"),
            ("Straße", "strasse"),
            ("Rust-1.0", "rust-1-0"),
            ("!!!", ""),
            ("", ""),
        ] {
            assert_eq!(slugify(text), slug, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        let slug = slugify(&"word ".repeat(40));
        assert_eq!(slug, ["word"; 19].join("-"));
        assert_eq!(slugify(&"x".repeat(200)).len(), LONGEST);
    }
}
