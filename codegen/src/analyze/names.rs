//! Plurals and singulars derived from names, for when the author gives none.

/// The usual English plural; `plural:` overrides it.
pub fn plural(name: &str) -> String {
    let vowel = |c: char| "aeiou".contains(c);
    if let Some(stem) = name.strip_suffix('y').filter(|stem| !stem.ends_with(vowel)) {
        return format!("{stem}ies");
    }
    match ["s", "x", "z", "ch", "sh"].iter().any(|end| name.ends_with(end)) {
        true => format!("{name}es"),
        false => format!("{name}s"),
    }
}

/// The reverse of [`plural`], close enough for the name of a row; `singular:` overrides it.
pub fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let sibilant =
        name.strip_suffix("es").filter(|stem| ["ss", "x", "z", "ch", "sh"].iter().any(|end| stem.ends_with(end)));
    match sibilant.or_else(|| name.strip_suffix('s').filter(|stem| !stem.is_empty() && !stem.ends_with('s'))) {
        Some(stem) => stem.to_owned(),
        None => format!("{name}_item"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_singulars_are_the_usual_ones() {
        for (one, many) in [("product", "products"), ("category", "categories"), ("day", "days"), ("box", "boxes")] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many), one);
        }
        assert_eq!(singular("address"), "address_item");
    }
}
