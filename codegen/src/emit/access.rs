//! `generated/src/access.rs`: the roles; `generated/src/access/<type>.rs`: the rules of a content type, a line each.

use crate::emit::rust_file::{RustFile, ident, list, text};
use crate::schema::{Action, Area, Condition, ContentType, Fields, Given, Name, Role, Rule, Schema};

/// The file of the roles, which lists the rules of all types.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("The roles of the site, and who may do what.", "schema/");
    file.uses("runtime::access", ["AccessInfo", "Area", "RoleInfo"].map(str::to_owned));
    let modules: Vec<_> = schema.types.iter().map(|ty| format!("mod {};", ident(&ty.name))).collect();
    file.item(modules.join("\n"));
    let roles: String = schema.roles.iter().map(|role| format!("\n    {},", self::role(role))).collect();
    file.item(format!("pub static ROLES: &[RoleInfo] = &[{roles}\n];"));
    let rules = schema.types.iter().map(|ty| {
        let (table, module) = (text(ty.name.snake()), ident(&ty.name));
        format!("\n    AccessInfo {{ table: {table}, rules: {module}::RULES }},")
    });
    let rules: String = rules.collect();
    file.item(format!("/// What is in none of the rules is denied.\npub static TYPES: &[AccessInfo] = &[{rules}\n];"));
    file.render()
}

fn role(role: &Role) -> String {
    let manages: Vec<_> = role.manages.iter().map(|area: &Area| format!("Area::{area:?}")).collect();
    let (name, second, manages) = (text(role.name.snake()), role.second_factor, manages.join(", "));
    format!("RoleInfo {{ name: {name}, second_factor: {second}, manages: &[{manages}] }}")
}

/// The file of one content type.
pub fn file(ty: &ContentType) -> String {
    let about = format!("Who may do what with `{}`.", ty.name.pascal());
    let mut file = RustFile::new(about, format!("schema/{}.yaml", ty.name.snake()));
    file.uses("runtime::access", ["RuleInfo".to_owned()]);
    if !ty.rules.is_empty() {
        file.uses("runtime::access", ["Action".to_owned()]);
    }
    let rules: String = ty.rules.iter().map(|rule| format!("\n    {},", self::rule(rule))).collect();
    let end = if rules.is_empty() { "" } else { "\n" };
    file.item(format!("pub static RULES: &[RuleInfo] = &[{rules}{end}];"));
    for rule in &ty.rules {
        if let Some(fields) = &rule.fields {
            file.uses("runtime::access", ["FieldLists".to_owned()]);
            file.item(field_lists(rule, fields));
        }
    }
    file.render()
}

fn rule(rule: &Rule) -> String {
    let mut line = format!("RuleInfo::new({}, Action::{:?})", text(rule.role.snake()), rule.action);
    let mut part = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line += &format!(".{name}({value})");
        }
    };
    let filter =
        |condition: &Option<Condition>| condition.as_ref().map(|condition| text(&condition.filter.to_string()));
    part("rows", filter(&rule.rows));
    part("check", filter(&rule.check));
    part("fields", rule.fields.as_ref().map(|_| fields_name(&rule.role, rule.action)));
    part("set", (!rule.set.is_empty()).then(|| values(&rule.set)));
    line
}

fn values(set: &[Given]) -> String {
    let pair = |given: &Given| format!("({}, {})", text(given.field.snake()), text(&given.value.0.to_string()));
    format!("&[{}]", set.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// `EDITOR_UPDATE_FIELDS`
fn fields_name(role: &Name, action: Action) -> String {
    format!("{}_{}_FIELDS", role.upper(), action.name().upper())
}

fn field_lists(rule: &Rule, fields: &Fields) -> String {
    let lists = fields.tables.iter().map(|(table, fields)| {
        let names: Vec<_> = fields.iter().map(|name| text(name.snake())).collect();
        let open = format!("    ({}, &[", text(table.snake()));
        format!("\n{},", list(&open, &names, "])", 4))
    });
    let lists: String = lists.collect();
    format!("const {}: FieldLists = &[{lists}\n];", fields_name(&rule.role, rule.action))
}
