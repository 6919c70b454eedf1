//! Generated Rust is data: every file parses, is short, and contains no decisions.

use crate::support::{files, root, shop};
use syn::visit::{self, Visit};

/// Longer files do not get read.
const LONGEST: usize = 250;
/// The shop's product with its variants is the first file that a reader opens.
const LONGEST_PRODUCT: usize = 174;

#[test]
fn generated_files_are_thin() {
    let shipped = files(&shop().join("generated/src"), ".rs");
    let golden = files(&root().join("codegen/tests/cases"), ".rs");
    assert!(shipped.len() > 10 && !golden.is_empty(), "the files are not where this test looks");
    let found: Vec<_> = shipped.iter().chain(&golden).flat_map(|(path, text)| problems(path, text)).collect();
    assert!(found.is_empty(), "{found:#?}");
    let product = shipped["content/product.rs"].lines().count();
    assert!(product <= LONGEST_PRODUCT, "content/product.rs has {product} lines");
}

/// Proves that the test can fail: each of these is detected.
#[test]
fn what_is_not_thin_is_found() {
    for text in [
        "fn f() { if true {} }",
        "fn f() -> u8 { match 1 { _ => 2 } }",
        "fn f() { loop {} }",
        "fn f() { while true {} }",
        "fn f() { for _ in 0..1 {} }",
        "fn f() { let a = 1; g(a) }",
        "fn f() { x.unwrap() }",
        "fn f() { unsafe { g() } }",
        "static SQL: &str = \"select id from product\";",
        "#[derive(sqlx::FromRow)] struct A;",
        "use async_graphql::Object;",
        "record! { match }",
    ] {
        assert!(!problems("x.rs", text).is_empty(), "`{text}` is not found");
    }
    assert!(problems("x.rs", &"\n".repeat(LONGEST + 1)).len() == 1);
    assert!(problems("x.rs", "fn f() -> u8 { g(1) }\n// if it were a comment\n").is_empty());
}

fn problems(path: &str, text: &str) -> Vec<String> {
    let mut found = Found::default();
    if text.lines().count() > LONGEST {
        found.list.push(format!("{} lines", text.lines().count()));
    }
    match syn::parse_file(text) {
        Ok(file) => found.visit_file(&file),
        Err(error) => found.list.push(format!("is not Rust: {error}")),
    }
    found.list.into_iter().map(|problem| format!("{path}: {problem}")).collect()
}

#[derive(Default)]
struct Found {
    list: Vec<String>,
}

impl Found {
    fn body(&mut self, name: &syn::Ident, block: &syn::Block) {
        if block.stmts.len() > 1 {
            self.list.push(format!("`{name}` is more than one expression"));
        }
    }

    fn word(&mut self, word: &str) {
        let banned = ["if", "match", "loop", "while", "for", "unsafe", "unwrap", "expect"];
        let crates = ["async_graphql", "sqlx", "utoipa", "tokio"];
        if banned.contains(&word) || crates.contains(&word) {
            self.list.push(format!("`{word}`"));
        }
    }

    fn text(&mut self, text: &str) {
        let lower = text.to_lowercase();
        let sql = ["select ", "insert into ", "update ", "delete from ", "create table"];
        if sql.iter().any(|start| lower.trim_start().starts_with(start)) {
            self.list.push(format!("SQL: `{text}`"));
        }
    }

    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => self.tokens(group.stream()),
                proc_macro2::TokenTree::Ident(ident) => self.word(&ident.to_string()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        let word = match expr {
            syn::Expr::If(_) => "if",
            syn::Expr::Match(_) => "match",
            syn::Expr::Loop(_) => "loop",
            syn::Expr::While(_) => "while",
            syn::Expr::ForLoop(_) => "for",
            syn::Expr::Unsafe(_) => "unsafe",
            _ => "",
        };
        self.word(word);
        visit::visit_expr(self, expr);
    }

    fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
        self.word(&ident.to_string());
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.text(&literal.value());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // Doc comments may contain any word.
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }
}
