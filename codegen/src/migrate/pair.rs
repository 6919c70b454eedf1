//! Pairs names before with names after: by `was:` where it is new, otherwise by equality.

use std::collections::BTreeMap;

/// Both states of one thing.
#[derive(Clone, Copy, Debug)]
pub struct Pair<T> {
    pub before: T,
    pub after: T,
}

/// Names of the later state, with their `was:`.
pub type Hints<'a> = BTreeMap<&'a str, Option<&'a str>>;

/// For each name after, the name it had before; new names are omitted.
///
/// `was:` is a hint that stays in the schema after the rename. So a name that exists before is the same thing, whatever
/// `was:` says, unless another new name claims it: then the two renames are links of one chain.
pub fn sources<'a>(before: &[&'a str], after: &Hints<'a>) -> BTreeMap<&'a str, &'a str> {
    let mut sources = BTreeMap::new();
    for &name in after.keys() {
        if let Some(source) = source(name, before, after, after.len()) {
            sources.insert(name, source);
        }
    }
    unclaimed_twice(sources)
}

/// Names that cannot be taken over: `was:` names something that exists and is removed, but the new name belongs to
/// something else that exists.
pub fn taken<'a>(before: &[&'a str], after: &Hints<'a>) -> Vec<(&'a str, &'a str)> {
    let sources = sources(before, after);
    let is_taken = |(name, was): (&&'a str, &Option<&'a str>)| {
        let was = was.filter(|was| before.contains(was) && !after.contains_key(was) && was != name)?;
        // A name that could not be taken over keeps its own source.
        let kept = !sources.values().any(|source| *source == was);
        kept.then_some((*name, was))
    };
    after.iter().filter_map(is_taken).collect()
}

fn source<'a>(name: &'a str, before: &[&'a str], after: &Hints<'a>, depth: usize) -> Option<&'a str> {
    let known = before.contains(&name);
    let same = known.then_some(name);
    let was = after.get(name).copied().flatten().filter(|was| before.contains(was) && *was != name);
    let Some(was) = was else { return same };
    if known && !after.iter().any(|(other, hint)| *hint == Some(name) && !before.contains(other)) {
        return same;
    }
    let free = !after.contains_key(was) || (depth > 0 && source(was, before, after, depth - 1) != Some(was));
    if free { Some(was) } else { same }
}

/// If two names claim the same source, the first gets it.
fn unclaimed_twice<'a>(sources: BTreeMap<&'a str, &'a str>) -> BTreeMap<&'a str, &'a str> {
    let mut taken = Vec::new();
    let mut result = BTreeMap::new();
    for (name, source) in sources {
        if !taken.contains(&source) {
            taken.push(source);
            result.insert(name, source);
        }
    }
    result
}

/// Renames in an order in which no name is taken when it is assigned; a cycle goes through a temporary name.
pub fn in_order(mut renames: Vec<(String, String)>) -> Vec<(String, String)> {
    renames.retain(|(from, to)| from != to);
    let mut ordered = Vec::new();
    while !renames.is_empty() {
        let free = renames.iter().position(|(_, to)| !renames.iter().any(|(from, _)| from == to));
        let next = match free {
            Some(index) => renames.remove(index),
            None => {
                let aside = format!("{}__", renames[0].0);
                let from = std::mem::replace(&mut renames[0].0, aside.clone());
                (from, aside)
            }
        };
        ordered.push(next);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &[&str], after: &[(&str, Option<&str>)], expected: &[(&str, &str)]) {
        let hints = after.iter().copied().collect();
        assert_eq!(sources(before, &hints), expected.iter().copied().collect());
    }

    #[test]
    fn a_rename_is_followed_once() {
        check(&["title"], &[("name", Some("title"))], &[("name", "title")]);
        check(&["name"], &[("name", Some("title"))], &[("name", "name")]);
        check(&["name", "title"], &[("name", Some("title")), ("title", None)], &[("name", "name"), ("title", "title")]);
    }

    #[test]
    fn renames_can_be_a_chain() {
        check(&["a", "b"], &[("b", Some("a")), ("c", Some("b"))], &[("b", "a"), ("c", "b")]);
    }

    #[test]
    fn a_name_that_is_taken_over_is_found() {
        let taken_of = |before: &[&'static str], after: &[(&'static str, Option<&'static str>)]| {
            taken(before, &after.iter().copied().collect())
        };
        assert_eq!(taken_of(&["paint", "colour"], &[("colour", Some("paint"))]), [("colour", "paint")]);
        assert_eq!(taken_of(&["colour"], &[("colour", Some("paint"))]), []);
        assert_eq!(taken_of(&["paint"], &[("colour", Some("paint"))]), []);
        assert_eq!(taken_of(&["paint", "colour"], &[("colour", Some("paint")), ("paint", None)]), []);
        assert_eq!(taken_of(&["a", "b"], &[("b", Some("a")), ("c", Some("b"))]), []);
    }

    #[test]
    fn nothing_is_claimed_twice() {
        check(&["a"], &[("b", Some("a")), ("c", Some("a"))], &[("b", "a")]);
        check(&["a"], &[("b", Some("a")), ("a", Some("a"))], &[("a", "a")]);
    }

    #[test]
    fn a_name_keeps_what_it_has_unless_that_is_claimed_and_something_is_free() {
        check(&["a", "b"], &[("a", Some("b")), ("new", None)], &[("a", "a")]);
        check(&["a", "b"], &[("a", Some("b")), ("b", None), ("c", Some("a"))], &[("a", "a"), ("b", "b")]);
        check(&["a", "b"], &[("a", Some("b")), ("c", Some("a"))], &[("a", "b"), ("c", "a")]);
        // A name that was already gone cannot be a source.
        check(&[], &[("a", Some("gone"))], &[]);
        check(&["a"], &[("a", Some("gone")), ("b", Some("a"))], &[("a", "a")]);
    }

    #[test]
    fn a_circle_of_claims_ends() {
        let circle = [("a", Some("b")), ("b", Some("a")), ("c", Some("a")), ("d", Some("b"))];
        check(&["a", "b"], &circle, &[("a", "a"), ("b", "b")]);
    }

    #[test]
    fn no_name_is_taken_when_it_is_given() {
        let swap = in_order(vec![("a".into(), "b".into()), ("b".into(), "a".into())]);
        assert_eq!(swap, [("a", "a__"), ("b", "a"), ("a__", "b")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let chain = in_order(vec![("a".into(), "b".into()), ("b".into(), "c".into())]);
        assert_eq!(chain, [("b", "c"), ("a", "b")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
