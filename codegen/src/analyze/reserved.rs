//! Names that the system, GraphQL or Rust needs for itself, and names that make bad ids.

use super::declared::{Declared, FieldDecl};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::Name;
use crate::source::{Span, Spanned};
use crate::syntax::language::{Place, Structure};
use crate::syntax::node::Node;

/// Columns that every entry has.
pub const SYSTEM: &[&str] = &["id", "revision", "status", "created_at", "updated_at", "published_at"];
/// Root fields that every API has.
const ROOT: &[&str] = &["node", "nodes"];
/// Columns that children have.
const CHILDREN: &[&str] = &["id", "parent_id", "position"];

/// Words that not even `r#` makes a name of a field.
const NEVER_A_FIELD: &[&str] = &["crate", "self", "super"];

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Types that every API or every generated file has.
const TYPES: &[&str] = &[
    "AnyId",
    "ArgumentInfo",
    "BigInt",
    "Blocks",
    "BlocksInfo",
    "Boolean",
    "Box",
    "Children",
    "Component",
    "ComponentInfo",
    "ComputedInfo",
    "Content",
    "ContentInfo",
    "Context",
    "Cx",
    "Date",
    "DateTime",
    "Decimal",
    "Default",
    "Duration",
    "EntryStatus",
    "Enum",
    "EnumInfo",
    "Err",
    "Error",
    "Field",
    "FieldInfo",
    "FieldType",
    "FieldValue",
    "Float",
    "Future",
    "Hooks",
    "Id",
    "Info",
    "Int",
    "InverseInfo",
    "Json",
    "Kind",
    "Limits",
    "Money",
    "MoneyInput",
    "Mutation",
    "Mutations",
    "Node",
    "None",
    "NullsOrder",
    "Ok",
    "OnDelete",
    "OperationInfo",
    "Option",
    "OrderDirection",
    "PageInfo",
    "Queries",
    "Query",
    "ReadCx",
    "Record",
    "Relation",
    "RelationInfo",
    "Required",
    "Result",
    "Returns",
    "Rules",
    "Schema",
    "SchemaInfo",
    "Self",
    "Send",
    "Server",
    "Shape",
    "Site",
    "SiteBuilder",
    "SiteCode",
    "SiteInfo",
    "Some",
    "Stage",
    "Store",
    "String",
    "Subscription",
    "Sync",
    "Time",
    "Timestamp",
    "Uuid",
    "Value",
    "Vec",
];

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.owners() {
        check_type(owner.name, found);
    }
    for (name, owner) in &declared.types {
        check_type_id(name, owner.name.span, found);
        for entry in owner.node.get("computed").map_or(&[][..], Node::entries) {
            check_word(&entry.key, SYSTEM, "field", found);
        }
        if let Some(plural) = owner.node.get("plural").and_then(Node::spanned_text) {
            check_word(&plural, ROOT, "plural", found);
        }
        for field in &owner.fields {
            if let Some(inverse) = field.node.get("inverse").and_then(Node::spanned_text) {
                check_word(&inverse, SYSTEM, "inverse", found);
            }
            if field.is(Structure::Children) {
                check_type_id(&format!("{name}_{}", field.singular()), field.name.span, found);
            }
        }
    }
    declared.owners().flat_map(|owner| owner.all_fields()).for_each(|field| check_field(field, found));
    for key in ["queries", "mutations"] {
        for entry in declared.site.and_then(|site| site.get(key)).map_or(&[][..], Node::entries) {
            check_word(&entry.key, ROOT, "operation", found);
            for argument in entry.node.get("args").map_or(&[][..], Node::entries) {
                check_word(&argument.key, &[], "argument", found);
            }
        }
    }
}

fn check_type(name: &Spanned<String>, found: &mut Diagnostics) {
    let pascal = Name::new(&name.value).pascal();
    if TYPES.contains(&pascal.as_str()) {
        let message = format!("every API has a type `{pascal}` already");
        found.push(Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name"));
    } else {
        check_word(name, &[], "type", found);
    }
}

fn check_field(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let taken = match field.place {
        Place::Type => SYSTEM,
        Place::Children => CHILDREN,
        Place::Component => &[],
    };
    check_word(field.name, taken, "field", found);
    for value in field.node.get("values").map_or(&[][..], Node::one_or_many) {
        if value.text() == Some("self") {
            let message = "a value cannot have the name `self`";
            found
                .push(Diagnostic::error(Code::ReservedName, value.span, message).help("Rust has this word for itself"));
        }
    }
}

fn check_word(name: &Spanned<String>, taken: &[&str], what: &str, found: &mut Diagnostics) {
    if taken.contains(&name.value.as_str()) {
        let message = format!("the name `{}` is taken by the system", name.value);
        found.push(Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name"));
    } else if keywords(what).contains(&name.value.as_str()) {
        let message = format!("`{}` is a word of Rust and cannot name a {what}", name.value);
        found.push(Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name"));
    }
}

/// Fields and arguments may have most words of Rust, which generated code writes as `r#type`.
fn keywords(what: &str) -> &'static [&'static str] {
    if matches!(what, "field" | "argument") { NEVER_A_FIELD } else { KEYWORDS }
}

/// The prefix of a TypeID has letters and `_` alone; ours may have digits, which other software need not read.
fn check_type_id(table: &str, span: Span, found: &mut Diagnostics) {
    if table.len() > 63 {
        let message = format!("`{table}` has {} characters, and the prefix of an id has at most 63", table.len());
        found.push(Diagnostic::error(Code::NameTooLong, span, message).help("choose a shorter name"));
    } else if table.contains(|c: char| c.is_ascii_digit()) {
        let message = format!("ids that begin with `{table}` are not TypeIDs to other software");
        found.push(
            Diagnostic::warning(Code::NotTypeId, span, message).help("use a name without digits, or ignore this"),
        );
    }
}
