//! Fragments of Rust as tokens: identifiers, literals, and formatting of tokens on one line.

use proc_macro2::{Delimiter, Ident, Literal, Spacing, Span, TokenStream, TokenTree};

use crate::schema::{Name, Scalar};

/// The name of a field, function or module, escaped if it is a Rust keyword.
pub fn ident(name: &Name) -> Ident {
    let word = name.snake();
    match word {
        "self" | "super" | "crate" => self::word(&format!("{word}_")),
        // A keyword since the 2024 edition, which syn does not know yet.
        "gen" => Ident::new_raw(word, Span::call_site()),
        _ => syn::parse_str(word).unwrap_or_else(|_| Ident::new_raw(word, Span::call_site())),
    }
}

/// A name that is not a keyword, such as a type or constant.
pub fn word(word: &str) -> Ident {
    Ident::new(word, Span::call_site())
}

/// `Product`
pub fn pascal(name: &Name) -> Ident {
    word(&name.pascal())
}

/// `PRODUCT`
pub fn upper(name: &Name) -> Ident {
    word(&name.upper())
}

/// A string literal; a raw one if it would contain many escapes.
pub fn literal(text: &str) -> Literal {
    let literal = Literal::string(text);
    let quotes = text.matches(['"', '\\']).count();
    // Only quotes and backslashes may need escaping. A text that contains the end of a raw literal does not parse.
    if quotes == 0 || literal.to_string().len() != text.len() + 2 + quotes {
        return literal;
    }
    format!("r#\"{text}\"#").parse().unwrap_or(literal)
}

/// The names as string literals, for a list.
pub fn literals<'a>(names: impl IntoIterator<Item = &'a Name>) -> Vec<Literal> {
    names.into_iter().map(|name| literal(name.snake())).collect()
}

/// `Kind::Integer`
pub fn kind(scalar: Scalar) -> TokenStream {
    parsed(&scalar.kind())
}

/// The Rust type of one value.
pub fn scalar(scalar: Scalar) -> TokenStream {
    parsed(scalar.mapping().rust)
}

fn parsed(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("codegen bug: `{text}` is not Rust: {error}"))
}

/// The fragment formatted on one line: types, calls, lists and structs; no operators except `=`.
pub fn code(tokens: TokenStream) -> String {
    let mut code = String::new();
    write(tokens, &mut code);
    code
}

pub fn codes(tokens: impl IntoIterator<Item = TokenStream>) -> Vec<String> {
    tokens.into_iter().map(code).collect()
}

fn write(tokens: TokenStream, code: &mut String) {
    // Two words need a blank between them. The second `:` of a path is not the colon before a type.
    let (mut after_word, mut in_path) = (false, false);
    for token in tokens {
        let is_word = matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_));
        if is_word && after_word {
            code.push(' ');
        }
        let is_joint = matches!(&token, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint);
        match token {
            TokenTree::Ident(ident) => code.push_str(&ident.to_string()),
            TokenTree::Literal(literal) => code.push_str(&literal.to_string()),
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => code.push_str(", "),
                '=' => code.push_str(" = "),
                ':' if !is_joint && !in_path => code.push_str(": "),
                other => code.push(other),
            },
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::None => ("", ""),
                };
                code.push_str(open);
                write(group.stream(), code);
                code.push_str(close);
            }
        }
        (after_word, in_path) = (is_word, is_joint);
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn fragments_are_written_as_people_write_them() {
        for (tokens, text) in [
            (quote!(Option<Id<Product>>), "Option<Id<Product>>"),
            (quote!(entries: &[crate::content::Product]), "entries: &[crate::content::Product]"),
            (quote!(cx: &mut Cx<'_>), "cx: &mut Cx<'_>"),
            (quote!(Info { name: "a", of: &[&A, &B] }.many(true)), "Info { name: \"a\", of: &[&A, &B] }.many(true)"),
            (quote!(InStock = "in_stock"), "InStock = \"in_stock\""),
        ] {
            assert_eq!(code(tokens), text);
        }
    }

    #[test]
    fn literals_are_raw_where_they_would_be_full_of_escapes() {
        for (text, written) in [
            ("it's", r#""it's""#),
            (r#"{"a":"\\d"}"#, r##"r#"{"a":"\\d"}"#"##),
            ("a \"#\" b", r##""a \"#\" b""##),
            ("\"a\"\n", r#""\"a\"\n""#),
        ] {
            assert_eq!(literal(text).to_string(), written);
            assert_eq!(syn::parse_str::<syn::LitStr>(written).expect("a literal").value(), text);
        }
    }

    #[test]
    fn words_of_rust_are_names_nevertheless() {
        let written = |name: &str| ident(&Name::new(name)).to_string();
        assert_eq!(["type", "gen", "self", "name"].map(written), ["r#type", "r#gen", "self_", "name"]);
    }
}
