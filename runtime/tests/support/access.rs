//! Access rules for the test shop, written as JSON:
//! `{"product": {"clerk": {"update": {"rows": {..}, "check": {..}, "fields": {"product": ["name"]}, "set": {"stock": 1}}}}}`.

use runtime::access::{AccessInfo, Action, RoleInfo, RuleInfo};
use runtime::content::{ContentInfo, SchemaInfo, SiteInfo};
use serde_json::{Map, Value as Json};

use super::schema::SHOP;

/// The shop with these rules.
pub fn with_rules(rules: &Json) -> &'static SchemaInfo {
    schema(SHOP.types, rules)
}

/// Types with rules. They are leaked, since those of a site are static.
pub fn schema(of: &'static [&'static ContentInfo], rules: &Json) -> &'static SchemaInfo {
    let types = members(rules);
    let access = types.iter().map(|(table, roles)| AccessInfo {
        table: leaked(table),
        rules: list(members(roles).iter().flat_map(|(role, actions)| of_role(role, actions))),
    });
    let mut roles: Vec<&String> = types.values().flat_map(|roles| members(roles).keys()).collect();
    roles.sort_unstable();
    roles.dedup();
    let roles = roles.into_iter().map(|name| RoleInfo { name: leaked(name), second_factor: false, manages: &[] });
    let SiteInfo { name, currency, currencies, limits } = SHOP.site;
    Box::leak(Box::new(SchemaInfo {
        site: SiteInfo { name, currency, currencies, limits },
        types: of,
        components: SHOP.components,
        roles: list(roles),
        access: list(access),
        reviews: &[],
        preview_urls: &[],
        resolvers: &[],
        queries: &[],
        mutations: &[],
        sdl: "",
        migrations: &[],
        catalog: "",
    }))
}

fn of_role(role: &str, actions: &Json) -> Vec<RuleInfo> {
    let rule = |(action, rule): (&String, &Json)| {
        let part = |name: &str| rule.get(name).filter(|part| !part.is_null());
        let filter = |name: &str| part(name).map(|filter| leaked(&filter.to_string()));
        let fields = |tables: &Json| {
            list(members(tables).iter().map(|(table, fields)| {
                let fields = fields.as_array().expect("a list").iter();
                (leaked(table), list(fields.map(|field| leaked(field.as_str().expect("a name")))))
            }))
        };
        let set = part("set").map(members).into_iter().flatten();
        RuleInfo {
            role: leaked(role),
            action: Action::named(action).expect(action),
            rows: filter("rows"),
            check: filter("check"),
            fields: part("fields").map(fields),
            set: list(set.map(|(field, value)| (leaked(field), leaked(&value.to_string())))),
        }
    };
    members(actions).iter().map(rule).collect()
}

fn members(json: &Json) -> &Map<String, Json> {
    json.as_object().expect("an object")
}

fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn list<T>(items: impl IntoIterator<Item = T>) -> &'static [T] {
    items.into_iter().collect::<Vec<_>>().leak()
}
