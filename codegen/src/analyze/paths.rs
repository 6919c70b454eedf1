//! `path`: the paths of a type's entries. No two types may have the same path, so that it says what it leads to.

use super::declared::{Declared, Owner};
use super::fields::named;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Name, PathPart, Scalar};
use crate::source::Spanned;
use crate::syntax::language::{FieldType, Structure};
use crate::syntax::node::Node;

/// Characters of a pattern.
const LONGEST: usize = 200;

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    let mut known: Vec<(&str, Spanned<String>, Vec<PathPart>)> = Vec::new();
    for (name, owner) in &declared.types {
        let Some(pattern) = owner.node.get("path").and_then(Node::spanned_text) else { continue };
        match parts(&pattern.value) {
            Err(reason) => found.push(bad(&pattern, &reason)),
            Ok(parts) => {
                check_fields(name, owner, &pattern, &parts, found);
                let same = known.iter().find(|(_, _, other)| overlap(other, &parts));
                if let Some((of, other, _)) = same {
                    let message = format!("`{}` and the paths of `{of}` can be the same path", pattern.value);
                    let diagnostic = Diagnostic::error(Code::BadPath, pattern.span, message);
                    found.push(diagnostic.also(other.span, "here").help("begin one of them with another segment"));
                }
                known.push((name, pattern, parts));
            }
        }
    }
}

fn bad(pattern: &Spanned<String>, reason: &str) -> Diagnostic {
    let message = format!("`{}` is not a pattern of paths: {reason}", pattern.value);
    let help = "write `/blog/{slug}`, or `/shop/{parent*}/{slug}` for a tree";
    Diagnostic::error(Code::BadPath, pattern.span, message).help(help)
}

/// The segments of a pattern, or why it is none.
pub fn parts(pattern: &str) -> Result<Vec<PathPart>, String> {
    let rest = pattern.strip_prefix('/').ok_or("it does not begin with `/`")?;
    if pattern.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} characters"));
    }
    let parts: Vec<_> = rest.split('/').map(part).collect::<Result<_, _>>()?;
    match parts.as_slice() {
        [texts @ .., PathPart::Above(_), PathPart::Slug(_)] | [texts @ .., PathPart::Slug(_)]
            if texts.iter().all(|part| matches!(part, PathPart::Text(_))) =>
        {
            Ok(parts)
        }
        [.., PathPart::Slug(_)] => Err("before the slug there is only fixed text and one `{relation*}`".to_owned()),
        _ => Err("it does not end with a slug in braces".to_owned()),
    }
}

fn part(segment: &str) -> Result<PathPart, String> {
    if let Some(field) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return Ok(match field.strip_suffix('*') {
            Some(relation) => PathPart::Above(Name::new(relation)),
            None => PathPart::Slug(Name::new(field)),
        });
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '~');
    let is_dots = matches!(segment, "." | "..");
    match !segment.is_empty() && !is_dots && segment.chars().all(is_plain) {
        true => Ok(PathPart::Text(segment.to_owned())),
        false => Err(format!("the segment `{segment}` has other characters than `A-Z a-z 0-9 - _ . ~`, or none")),
    }
}

fn check_fields(name: &str, owner: &Owner<'_>, pattern: &Spanned<String>, parts: &[PathPart], found: &mut Diagnostics) {
    for part in parts {
        let (PathPart::Slug(field) | PathPart::Above(field)) = part else { continue };
        let spanned = Spanned { value: field.snake().to_owned(), span: pattern.span };
        let declared = match named(&spanned, &owner.fields) {
            Err(unknown) => {
                found.push(*unknown);
                continue;
            }
            Ok(declared) => declared,
        };
        let node = declared.node;
        let is_unique = node.get("unique").is_some_and(|unique| unique.bool() == Some(true));
        let is_always_there = node.get("required").is_some_and(|required| required.bool() == Some(true));
        let fits = match part {
            PathPart::Above(_) => {
                declared.is(Structure::Relation)
                    && !declared.many()
                    && declared.targets(name).iter().map(|(to, _)| *to).eq([name])
            }
            _ => declared.ty == Some(FieldType::Scalar(Scalar::Slug)) && is_unique && is_always_there,
        };
        if !fits && declared.ty.is_some() {
            let needed = match part {
                PathPart::Above(_) => "a relation to one entry of this type",
                _ => "a `slug` with `unique: true` and `required: true`",
            };
            let message = format!("`{}` is not {needed}", field.snake());
            let diagnostic = Diagnostic::error(Code::BadPath, pattern.span, message);
            found.push(diagnostic.also(declared.name.span, "declared here"));
        }
    }
}

/// Whether two patterns have a path in common.
fn overlap(one: &[PathPart], other: &[PathPart]) -> bool {
    match (one, other) {
        ([], []) => true,
        // It takes no segment, or the next one.
        ([PathPart::Above(_), rest @ ..], _) => {
            overlap(rest, other) || other.split_first().is_some_and(|(_, shorter)| overlap(one, shorter))
        }
        (_, [PathPart::Above(_), ..]) => overlap(other, one),
        ([a, one @ ..], [b, other @ ..]) => {
            let differ = matches!((a, b), (PathPart::Text(a), PathPart::Text(b)) if a != b);
            !differ && overlap(one, other)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_overlap_if_a_path_fits_both() {
        let overlapping = |one, other| {
            let (one, other) = (parts(one).unwrap(), parts(other).unwrap());
            assert_eq!(overlap(&one, &other), overlap(&other, &one));
            overlap(&one, &other)
        };
        assert!(overlapping("/a/{slug}", "/a/{slug}"));
        assert!(overlapping("/{parent*}/{slug}", "/a/{slug}"));
        assert!(overlapping("/a/{parent*}/{slug}", "/a/b/c/{slug}"));
        assert!(overlapping("/{parent*}/{slug}", "/a/{parent*}/{slug}"));
        assert!(!overlapping("/{slug}", "/a/{slug}"));
        assert!(!overlapping("/a/{parent*}/{slug}", "/b/{slug}"));
        assert!(!overlapping("/a/b/{parent*}/{slug}", "/a/c/{parent*}/{slug}"));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for wrong in [
            "",
            "blog/{slug}",
            "/blog",
            "/blog/",
            "/{slug}/x",
            "/{slug}/{other}",
            "/a//{slug}",
            "/ä/{slug}",
            "/../{slug}",
            "/{slug*}",
        ] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }
}
