//! `generated/src/access.rs`: the roles; `generated/src/access/<type>.rs`: the rules of a content type, one per line.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use serde::Serialize;

use crate::emit::rust::{codes, ident, literal, literals, word};
use crate::emit::rust_file::RustFile;
use crate::schema::{Action, Area, Condition, ContentType, Fields, Given, Name, Role, Rule, Schema, Stage};

/// The file with the roles, which also lists the rules of all types.
pub fn registry(schema: &Schema) -> String {
    #[derive(Serialize)]
    struct Body {
        modules: Vec<String>,
        roles: Vec<String>,
        types: Vec<String>,
        reviews: Vec<String>,
    }
    let mut file = RustFile::new("The roles of the site, and who may do what.", "schema/");
    file.uses("runtime::access", ["AccessInfo", "Area", "ReviewInfo", "RoleInfo"].map(str::to_owned));
    let info = |ty: &ContentType| {
        let (table, module) = (literal(ty.name.snake()), ident(&ty.name));
        quote!(AccessInfo { table: #table, rules: #module::RULES })
    };
    let reviewed = || schema.types.iter().filter(|ty| !ty.stages.is_empty());
    if reviewed().next().is_some() {
        file.uses("runtime::access", ["StageInfo".to_owned()]);
    }
    let body = Body {
        modules: schema.types.iter().map(|ty| ident(&ty.name).to_string()).collect(),
        roles: codes(schema.roles.iter().map(role)),
        types: codes(schema.types.iter().map(info)),
        reviews: codes(reviewed().map(review)),
    };
    file.render("access.rs.j2", body)
}

fn review(ty: &ContentType) -> TokenStream {
    let (table, stages) = (literal(ty.name.snake()), ty.stages.iter().map(stage));
    quote!(ReviewInfo { table: #table, stages: &[#(#stages),*] })
}

fn stage(stage: &Stage) -> TokenStream {
    let list = |names: &[Name]| {
        let names = literals(names);
        quote!(&[#(#names),*])
    };
    let option = |names: &Option<Vec<Name>>| match names {
        Some(names) => {
            let names = list(names);
            quote!(Some(#names))
        }
        None => quote!(None),
    };
    let (name, movers, from) = (literal(stage.name.snake()), option(&stage.movers), option(&stage.from));
    let (approvals, approvers, own) = (Literal::u32_unsuffixed(stage.approvals), list(&stage.approvers), stage.own);
    quote!(StageInfo {
        name: #name, movers: #movers, from: #from, approvals: #approvals, approvers: #approvers, own: #own
    })
}

fn role(role: &Role) -> TokenStream {
    let (name, second) = (literal(role.name.snake()), role.second_factor);
    let manages = role.manages.iter().map(|area: &Area| word(&format!("{area:?}")));
    quote!(RoleInfo { name: #name, second_factor: #second, manages: &[#(Area::#manages),*] })
}

/// The file of one content type.
pub fn file(ty: &ContentType) -> String {
    #[derive(Serialize)]
    struct Body {
        rules: Vec<String>,
        lists: Vec<FieldList>,
    }
    let about = format!("Who may do what with `{}`.", ty.name.pascal());
    let mut file = RustFile::new(about, format!("schema/{}.yaml", ty.name.snake()));
    file.uses("runtime::access", ["RuleInfo".to_owned()]);
    if !ty.rules.is_empty() {
        file.uses("runtime::access", ["Action".to_owned()]);
    }
    let narrowed = ty.rules.iter().filter_map(|rule| Some(field_list(rule, rule.fields.as_ref()?)));
    let lists: Vec<_> = narrowed.collect();
    if !lists.is_empty() {
        file.uses("runtime::access", ["FieldLists".to_owned()]);
    }
    file.render("access/type.rs.j2", Body { rules: codes(ty.rules.iter().map(rule)), lists })
}

/// `RuleInfo::new("editor", Action::Update).fields(EDITOR_UPDATE_FIELDS)`
fn rule(rule: &Rule) -> TokenStream {
    let (role, action) = (literal(rule.role.snake()), word(&format!("{:?}", rule.action)));
    let mut info = quote!(RuleInfo::new(#role, Action::#action));
    let mut part = |name: &str, value: Option<TokenStream>| {
        let name = word(name);
        info.extend(value.map(|value| quote!(.#name(#value))));
    };
    let filter = |condition: &Option<Condition>| {
        condition.as_ref().map(|condition| literal(&condition.filter.to_string()).into_token_stream())
    };
    part("rows", filter(&rule.rows));
    part("check", filter(&rule.check));
    part("fields", rule.fields.as_ref().map(|_| fields_name(&rule.role, rule.action).into_token_stream()));
    part("set", (!rule.set.is_empty()).then(|| values(&rule.set)));
    info
}

fn values(set: &[Given]) -> TokenStream {
    let pairs = set.iter().map(|given| {
        let (field, value) = (literal(given.field.snake()), literal(&given.value.0.to_string()));
        quote!((#field, #value))
    });
    quote!(&[#(#pairs),*])
}

/// `EDITOR_UPDATE_FIELDS`
fn fields_name(role: &Name, action: Action) -> Ident {
    word(&format!("{}_{}_FIELDS", role.upper(), Name::new(action.as_str()).upper()))
}

/// The fields that a rule covers, by table.
#[derive(Serialize)]
struct FieldList {
    name: String,
    tables: Vec<OfTable>,
}

#[derive(Serialize)]
struct OfTable {
    table: String,
    fields: Vec<String>,
}

fn field_list(rule: &Rule, fields: &Fields) -> FieldList {
    let tables = fields.tables.iter().map(|(table, fields)| OfTable {
        table: literal(table.snake()).to_string(),
        fields: literals(fields).iter().map(ToString::to_string).collect(),
    });
    FieldList { name: fields_name(&rule.role, rule.action).to_string(), tables: tables.collect() }
}
