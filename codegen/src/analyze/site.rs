//! `cms.yaml`: currencies, locales, and the arguments and results of own queries and mutations.

use std::collections::BTreeMap;

use model::currency::is_known;

use super::build::scalar;
use super::declared::{Declared, Owner};
use super::options::bad_default;
use super::relations::written_twice;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Scalar, literal};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Entry, Node};
use crate::syntax::shape::suggest;

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.types.values() {
        let computed = owner.node.get("computed").map_or(&[][..], Node::entries);
        for entry in computed {
            check_arguments(entry, found);
            check_depends_on(entry, declared, found);
        }
    }
    let Some(site) = declared.site else { return };
    if let Some(settings) = site.get("site") {
        let one = settings.get("currency").and_then(Node::spanned_text);
        one.iter().for_each(|code| check_currency(code, found));
        check_list(settings.get("currencies"), check_currency, found);
        check_list(settings.get("locales"), check_locale, found);
        settings.get("collation").and_then(Node::spanned_text).iter().for_each(|tag| check_locale(tag, found));
    }
    for field in declared.types.values().flat_map(Owner::all_fields) {
        field.node.get("collation").and_then(Node::spanned_text).iter().for_each(|tag| check_locale(tag, found));
    }
    for key in ["queries", "mutations"] {
        for operation in site.get(key).map_or(&[][..], Node::entries) {
            check_returns(operation, declared, found);
            check_arguments(operation, found);
            check_depends_on(operation, declared, found);
        }
    }
}

fn check_depends_on(entry: &Entry, declared: &Declared<'_>, found: &mut Diagnostics) {
    let named = entry.node.get("depends_on").map_or(&[][..], Node::items).iter().filter_map(Node::spanned_text);
    for name in named.filter(|name| !declared.knows_type(&name.value)) {
        let diagnostic =
            Diagnostic::error(Code::UnknownType, name.span, format!("unknown content type `{}`", name.value));
        found.push(suggest(diagnostic, &name.value, declared.types.keys().copied()));
    }
}

fn check_list(list: Option<&Node>, check: fn(&Spanned<String>, &mut Diagnostics), found: &mut Diagnostics) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for item in list.map_or(&[][..], Node::items).iter().filter_map(Node::spanned_text) {
        check(&item, found);
        if let Some(first) = seen.insert(item.value.clone(), item.span) {
            found.push(written_twice(&item.value, item.span, first));
        }
    }
}

fn check_currency(code: &Spanned<String>, found: &mut Diagnostics) {
    if is_known(&code.value) {
        return;
    }
    let message = format!("`{}` is not a currency of ISO 4217", code.value);
    let diagnostic = Diagnostic::error(Code::UnknownCurrency, code.span, message);
    let upper = code.value.to_uppercase();
    found.push(match is_known(&upper) {
        true => diagnostic.label(format!("write `{upper}`")),
        false => diagnostic.help("write the three-letter code, such as `EUR`"),
    });
}

/// Language, script, region, variants: `de`, `pt-BR`, `zh-Hant-TW`.
fn is_locale(tag: &str) -> bool {
    let (mut parts, lengths) =
        (tag.split('-').peekable(), |part: &str, from: usize, to: usize| (from..=to).contains(&part.len()));
    let lower = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    let language = parts.next().is_some_and(|part| lower(part) && lengths(part, 2, 3));
    let script =
        |part: &&str| part.len() == 4 && part.starts_with(|c: char| c.is_ascii_uppercase()) && lower(&part[1..]);
    let region = |part: &&str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_uppercase()))
            || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    parts.next_if(script);
    parts.next_if(region);
    let variant = |part: &str| lengths(part, 5, 8) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    language && parts.all(variant)
}

fn check_locale(tag: &Spanned<String>, found: &mut Diagnostics) {
    if !tag.value.is_ascii() || !is_locale(&tag.value) {
        let message = format!("`{}` is not a BCP 47 tag of a language", tag.value);
        let help = "write a language, and a region if it matters: `en`, `pt-BR`";
        found.push(Diagnostic::error(Code::BadLocale, tag.span, message).help(help));
    }
}

fn check_returns(operation: &Entry, declared: &Declared<'_>, found: &mut Diagnostics) {
    let of = operation.node.get("returns").and_then(|returns| returns.get("type")?.spanned_text());
    let Some(of) = of.filter(|of| scalar(&of.value).is_none() && !declared.knows_type(&of.value)) else { return };
    let message = format!("`{}` is neither a content type nor a scalar field type", of.value);
    let diagnostic = Diagnostic::error(Code::UnknownType, of.span, message);
    let scalars = Scalar::ALL.into_iter().map(|scalar| scalar.mapping().yaml);
    found.push(suggest(diagnostic, &of.value, declared.types.keys().copied().chain(scalars)));
}

/// The arguments of an operation or of a computed field.
fn check_arguments(operation: &Entry, found: &mut Diagnostics) {
    for argument in operation.node.get("args").map_or(&[][..], Node::entries) {
        let Some(default) = argument.node.get("default") else { continue };
        let Some(scalar) = argument.node.text_of("type").and_then(scalar) else { continue };
        if argument.node.flag("many") {
            let message = "a list argument cannot have a default";
            found.push(Diagnostic::error(Code::BadDefault, default.span, message).help("remove the default"));
        } else if let Err(reason) = literal::parse(scalar.mapping(), &default.written(), &literal::ANY) {
            found.push(bad_default(scalar, &reason, default.span));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_locale;

    #[test]
    fn locales_are_tags_of_languages() {
        assert!(["en", "pt-BR", "zh-Hant-TW", "es-419", "de-CH-1996x"].into_iter().all(is_locale));
        assert!(!["", "english", "EN", "en_US", "en-us", "de-"].into_iter().any(is_locale));
    }
}
