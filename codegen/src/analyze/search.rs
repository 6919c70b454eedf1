//! `search`: which texts of an entry are searched, and how.

use super::declared::{Declared, FieldDecl, Owner};
use super::fields::named;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Boost, Name, Search, SearchText, Weight};
use crate::source::Spanned;
use crate::syntax::language::{FieldType, Structure};
use crate::syntax::node::{Entry, Node, Value};

/// The keys of `search:` that are not paths of fields.
const OPTIONS: [&str; 6] = ["language", "exact", "synonyms", "stop_words", "boost", "recency"];
/// Groups of synonyms, and words of each.
const MOST_GROUPS: usize = 200;
const MOST_WORDS: usize = 20;
const MOST_STOP_WORDS: usize = 500;

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.types.values() {
        let Some(search) = owner.node.entry("search") else { continue };
        for entry in paths(&search.node) {
            check_path(declared, owner, &entry.key, found);
        }
        for path in items(&search.node, "exact").iter().filter_map(Node::spanned_text) {
            check_path(declared, owner, &path, found);
        }
        check_synonyms(&search.node, found);
        check_stop_words(&search.node, found);
        for boost in search.node.get("boost").map_or(&[][..], Node::entries) {
            check_boost(owner, boost, found);
        }
        if texts(owner).is_empty() {
            let message = format!("nothing of `{}` is searched", owner.name.value);
            let help = "give at least one field a weight: `search: A`";
            found.push(Diagnostic::error(Code::BadSearch, search.key.span, message).help(help));
        }
    }
}

fn paths(search: &Node) -> impl Iterator<Item = &Entry> {
    search.entries().iter().filter(|entry| !OPTIONS.contains(&entry.key.value.as_str()))
}

fn items<'n>(search: &'n Node, key: &str) -> &'n [Node] {
    search.get(key).map_or(&[], Node::items)
}

fn check_path(declared: &Declared<'_>, owner: &Owner<'_>, path: &Spanned<String>, found: &mut Diagnostics) {
    let (first, rest) =
        path.value.split_once('.').map_or((path.value.as_str(), None), |(first, rest)| (first, Some(rest)));
    let at = |name: &str| Spanned { value: name.to_owned(), span: path.span };
    let field = match named(&at(first), &owner.fields) {
        Ok(field) => field,
        Err(unknown) => return found.push(*unknown),
    };
    let bad = |reason: String| Diagnostic::error(Code::BadSearch, path.span, reason);
    let Some(rest) = rest else {
        if field.ty.is_some() && !is_searchable(field) {
            found.push(bad(format!("`{first}` has no text that can be searched")));
        }
        return;
    };
    let inner = if field.is(Structure::Children) {
        Some(&field.fields)
    } else {
        let targets = field.node.get("to").map_or(&[][..], Node::one_or_many);
        let target = match targets {
            [target] if target.text() == Some("self") => Some(owner.name.value.as_str()),
            [target] => target.text(),
            _ => None,
        };
        if !field.is_relation() || target.is_none() {
            let message =
                format!("`{first}` is neither a relation to one type nor children, so it has no field `{rest}`");
            return found.push(bad(message));
        }
        target.and_then(|target| declared.types.get(target)).map(|target| &target.fields)
    };
    match inner.map(|fields| named(&at(rest), fields)) {
        Some(Ok(field)) if field.ty.is_some() && !field.takes().search => {
            found.push(bad(format!("`{}` is not a text that can be searched", path.value)));
        }
        Some(Err(unknown)) => found.push(*unknown),
        _ => {}
    }
}

fn is_searchable(field: &FieldDecl<'_>) -> bool {
    field.takes().search || field.is(Structure::Component) || field.is(Structure::Blocks)
}

fn check_synonyms(search: &Node, found: &mut Diagnostics) {
    let groups = items(search, "synonyms");
    let mut bad = |node: &Node, message: String| found.push(Diagnostic::error(Code::BadSearch, node.span, message));
    if groups.len() > MOST_GROUPS {
        bad(&groups[MOST_GROUPS], format!("there are more than {MOST_GROUPS} groups of synonyms"));
    }
    for group in groups {
        let words = group.items().len();
        if !(2..=MOST_WORDS).contains(&words) {
            bad(group, format!("a group of synonyms has 2 to {MOST_WORDS} words, and this has {words}"));
        }
        for word in group.items().iter().filter(|word| word.text().is_some_and(|text| !is_phrase(text))) {
            bad(word, "a synonym has letters or digits, and at most 100 characters".to_owned());
        }
    }
}

fn check_stop_words(search: &Node, found: &mut Diagnostics) {
    let words = items(search, "stop_words");
    let mut bad = |node: &Node, message: String| found.push(Diagnostic::error(Code::BadSearch, node.span, message));
    if words.len() > MOST_STOP_WORDS {
        bad(&words[MOST_STOP_WORDS], format!("there are more than {MOST_STOP_WORDS} stop words"));
    }
    let is_word = |text: &str| text.chars().all(char::is_alphanumeric) && (1..=100).contains(&text.chars().count());
    for word in words.iter().filter(|word| word.text().is_some_and(|text| !is_word(text))) {
        bad(word, "a stop word is one word of letters and digits, at most 100".to_owned());
    }
}

fn is_phrase(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric) && text.chars().count() <= 100
}

fn check_boost(owner: &Owner<'_>, boost: &Entry, found: &mut Diagnostics) {
    let field = match named(&boost.key, &owner.fields) {
        Ok(field) => field,
        Err(unknown) => return found.push(*unknown),
    };
    let Some(values) = values(field) else {
        let message = format!("`{}` is neither an enum nor a boolean", boost.key.value);
        return found.push(Diagnostic::error(Code::BadSearch, boost.key.span, message));
    };
    for entry in boost.node.entries() {
        if !values.contains(&entry.key.value) {
            let message = format!("`{}` is not a value of `{}`", entry.key.value, boost.key.value);
            found.push(Diagnostic::error(Code::BadSearch, entry.key.span, message));
        }
        if factor(&entry.node).is_none_or(|factor| !(0.1..=10.0).contains(&factor)) {
            let message = format!("`{}` must be a number from 0.1 to 10", entry.key.value);
            found.push(Diagnostic::error(Code::BadSearch, entry.node.span, message));
        }
    }
}

/// What a field of choices can be; `None` for other fields.
fn values(field: &FieldDecl<'_>) -> Option<Vec<String>> {
    if field.is(Structure::Enum) && !field.node.flag("many") {
        let values = field.node.get("values")?;
        let names = values.items().iter().filter_map(|item| item.text().or_else(|| item.text_of("name")));
        let keys = values.entries().iter().map(|entry| entry.key.value.as_str());
        return Some(names.chain(keys).map(str::to_owned).collect());
    }
    let is_boolean = matches!(field.ty, Some(FieldType::Scalar(scalar)) if scalar.mapping().yaml == "boolean");
    is_boolean.then(|| ["true", "false"].map(str::to_owned).to_vec())
}

fn factor(node: &Node) -> Option<f32> {
    match &node.value {
        Value::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// `None` if nothing of the type is searched.
pub fn of(owner: &Owner<'_>) -> Option<Search> {
    let texts = texts(owner);
    let search = owner.node.get("search");
    let groups = search.map_or(&[][..], |search| items(search, "synonyms"));
    let stop_words = search.map_or(&[][..], |search| items(search, "stop_words"));
    let words = |group: &Node| group.items().iter().filter_map(Node::text).map(str::to_owned).collect();
    let boosts =
        search.and_then(|search| search.get("boost")).map_or(&[][..], Node::entries).iter().flat_map(|boost| {
            boost.node.entries().iter().filter_map(|entry| {
                let field = Name::new(&boost.key.value);
                Some(Boost { field, value: entry.key.value.clone(), factor: factor(&entry.node)? })
            })
        });
    let recency = search.and_then(|search| match &search.get("recency")?.value {
        Value::Number(digits) => digits.parse().ok(),
        _ => None,
    });
    (!texts.is_empty()).then(|| Search {
        language: search.and_then(|search| search.text_of("language")).unwrap_or("simple").to_owned(),
        synonyms: groups.iter().map(words).collect(),
        stop_words: stop_words.iter().filter_map(Node::text).map(str::to_owned).collect(),
        boosts: boosts.collect(),
        recency,
        texts,
    })
}

/// In the order of the fields, then the paths.
fn texts(owner: &Owner<'_>) -> Vec<SearchText> {
    let search = owner.node.get("search");
    let exact: Vec<&str> =
        search.map_or(&[][..], |search| items(search, "exact")).iter().filter_map(Node::text).collect();
    let is_key = |field: &FieldDecl<'_>| {
        let is_slug = matches!(field.ty, Some(FieldType::Scalar(scalar)) if scalar.mapping().yaml == "slug");
        is_slug || field.node.flag("unique")
    };
    let mut texts: Vec<SearchText> = Vec::new();
    let mut add = |path: &str, weight: Option<Weight>, is_exact: bool| {
        let names: Vec<Name> = path.split('.').map(Name::new).collect();
        match texts.iter_mut().find(|text| text.path == names) {
            Some(text) => text.exact |= is_exact,
            None => texts.push(SearchText { path: names, weight, exact: is_exact }),
        }
    };
    for field in owner.fields.iter().filter(|field| !field.dropped) {
        let inner = field.fields.iter().filter(|inner| !inner.dropped).map(|inner| (Some(field), inner));
        for (children, field) in std::iter::once((None, field)).chain(inner) {
            let Some(weight) = field.node.text_of("search").and_then(weight) else { continue };
            let path =
                children.map_or_else(String::new, |children: &FieldDecl<'_>| format!("{}.", children.name.value));
            let path = path + &field.name.value;
            add(&path, Some(weight), is_key(field) || exact.contains(&path.as_str()));
        }
    }
    for entry in search.into_iter().flat_map(paths) {
        let weight = entry.node.text().and_then(weight).unwrap_or(Weight::D);
        add(&entry.key.value, Some(weight), exact.contains(&entry.key.value.as_str()));
    }
    exact.iter().for_each(|path| add(path, None, true));
    texts
}

fn weight(word: &str) -> Option<Weight> {
    match word {
        "A" => Some(Weight::A),
        "B" => Some(Weight::B),
        "C" => Some(Weight::C),
        "D" => Some(Weight::D),
        _ => None,
    }
}
