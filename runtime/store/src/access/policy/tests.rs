//! The rules of an actor, without a database.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::{Access, Policy, Role, Used, names_reader};
use crate::Stage;
use crate::access::{Action, Actor, Area, Identity, Origin, Scope};
use base::error::Code;
use model::access::{AccessInfo, RoleInfo, RuleInfo};
use model::content::{
    ArgumentInfo, ComputedInfo, ContentInfo, FieldInfo, Limits, OperationInfo, Returns, SchemaInfo, Shape, SiteInfo,
};
use model::kind::Kind;

static NOTE: ContentInfo = ContentInfo {
    name: "Note",
    table: "note",
    former: &[],
    plural: "notes",
    drafts: true,
    counted: false,
    retention: model::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)),
        FieldInfo::new("secret", "secret", Shape::Scalar(Kind::String)),
        FieldInfo::new("lines", "lines", Shape::Children(&LINE)),
    ],
    inverses: &[],
    computed: &[
        ComputedInfo { name: "isLoud", kind: Kind::Boolean, with: &[], args: &[], depends_on: None },
        ComputedInfo { name: "isSecret", kind: Kind::Boolean, with: &[], args: &[], depends_on: None },
    ],
    constraints: &[],
};

static LINE: ContentInfo = ContentInfo {
    name: "Line",
    table: "line",
    plural: "lines",
    owner: Some(&NOTE),
    fields: &[
        FieldInfo::new("text", "text", Shape::Scalar(Kind::String)),
        FieldInfo::new("cost", "cost", Shape::Scalar(Kind::Integer)),
    ],
    computed: &[],
    ..NOTE
};

const SOME: &[(&str, &[&str])] = &[("note", &["title", "lines", "is_loud"]), ("line", &["text"])];

const fn rule(role: &'static str, action: Action) -> RuleInfo {
    RuleInfo { role, action, rows: None, check: None, fields: None, set: &[] }
}

static SITE: SchemaInfo = SchemaInfo {
    site: SiteInfo {
        name: "Test",
        currency: "EUR",
        currencies: &["EUR"],
        limits: Limits { depth: 9, cost: 9, aliases: 9, batch: 9, page: 9, list: 9, body: 9 },
    },
    types: &[&NOTE],
    components: &[],
    roles: &[
        RoleInfo { name: "anonymous", second_factor: false, manages: &[] },
        RoleInfo { name: "editor", second_factor: false, manages: &[Area::Audit] },
    ],
    access: &[AccessInfo {
        table: "note",
        rules: &[
            RuleInfo { fields: Some(SOME), ..rule("anonymous", Action::Read) },
            rule("editor", Action::Read),
            rule("editor", Action::ReadDrafts),
        ],
    }],
    reviews: &[],
    preview_urls: &[],
    resolvers: &[],
    queries: &[CALL],
    mutations: &[],
    sdl: "",
    migrations: &[],
    catalog: "",
};

const ARGUMENTS: &[ArgumentInfo] = &[];

const CALL: OperationInfo = OperationInfo {
    name: "bestOf",
    args: ARGUMENTS,
    returns: Returns::Scalar { kind: Kind::Boolean, many: false },
    roles: &["editor"],
    depends_on: None,
};

fn access(actor: Actor) -> Access {
    Policy::new(&SITE).access(Arc::new(actor))
}

fn visitor() -> Access {
    access(Actor::anonymous(Origin::default()))
}

fn editor(scopes: Option<Vec<Scope>>) -> Access {
    let identity = Identity::Token { id: uuid::Uuid::from_u128(1) };
    access(Actor { identity, role: "editor".into(), scopes, ..Actor::anonymous(Origin::default()) })
}

#[test]
fn a_rule_with_fields_is_about_those_alone() {
    let refused = |used: Used| visitor().must_use(&NOTE, used, Stage::Live).err().map(|problem| problem.message);
    for used in [Used::Type, Used::Field("title"), Used::Field("lines"), Used::Computed("isLoud")] {
        assert_eq!(refused(used), None, "{used:?}");
    }
    assert_eq!(refused(Used::Field("secret")).as_deref(), Some("you may not read `Note.secret`"));
    assert_eq!(refused(Used::Computed("isSecret")).as_deref(), Some("you may not read `Note.isSecret`"));
    assert!(refused(Used::Author).is_some());
    let of_line = |field| visitor().must_use(&LINE, Used::Field(field), Stage::Live);
    assert_eq!((of_line("text"), of_line("cost").is_err()), (Ok(()), true));
    let all = [Used::Field("secret"), Used::Computed("isSecret"), Used::Author];
    assert!(all.into_iter().all(|used| editor(None).must_use(&NOTE, used, Stage::Draft).is_ok()));
    assert!(access(Actor::system()).must_use(&NOTE, Used::Computed("isSecret"), Stage::Draft).is_ok());
}

#[test]
fn what_no_rule_allows_is_denied() {
    let drafts = visitor().must_read_any(&NOTE, Stage::Draft).expect_err("no rule lets visitors");
    assert_eq!((drafts.code, drafts.message.as_str()), (Code::Unauthenticated, "you may not read drafts of `Note`"));
    let create = editor(None).must(&NOTE, Action::Create).expect_err("no rule lets editors");
    assert_eq!((create.code, create.message.as_str()), (Code::Forbidden, "you may not create `Note`"));
    assert!(editor(None).must(&NOTE, Action::Read).is_ok());
    let nobody = access(Actor { role: "no such".into(), ..Actor::anonymous(Origin::default()) });
    assert!(nobody.must_read_any(&NOTE, Stage::Live).is_err());
}

#[test]
fn scopes_narrow_what_a_token_may_do() {
    let content = |table: Option<&str>, action| Scope::Content { table: table.map(str::to_owned), action };
    let may = |scope: Scope| {
        let token = editor(Some(vec![scope]));
        (
            token.must(&NOTE, Action::Read).is_ok(),
            token.must(&NOTE, Action::ReadDrafts).is_ok(),
            token.must_call(&CALL).is_ok(),
        )
    };
    assert_eq!(may(content(None, None)), (true, true, false));
    assert_eq!(may(content(Some("note"), Some(Action::Read))), (true, false, false));
    assert_eq!(may(content(Some("other"), None)), (false, false, false));
    assert_eq!(may(content(None, Some(Action::ReadDrafts))), (false, true, false));
    assert_eq!(may(Scope::Operation("bestOf".into())), (false, false, true));
    assert_eq!(may(Scope::Operation("worstOf".into())), (false, false, false));
    assert!(editor(None).must_call(&CALL).is_ok());
    assert_eq!(visitor().must_call(&CALL).unwrap_err().message, "you may not call `bestOf`");
    assert!(access(Actor::system()).must_call(&CALL).is_ok());
}

#[test]
fn areas_are_managed_by_roles_and_not_by_tokens_with_scopes() {
    assert!(editor(None).manages(Area::Audit) && !editor(None).manages(Area::Users));
    assert!(!editor(Some(Vec::new())).manages(Area::Audit) && !visitor().manages(Area::Audit));
    assert!(access(Actor::system()).manages(Area::Users));
}

static READER: RoleInfo = RoleInfo { name: "reader", second_factor: false, manages: &[] };

fn class(identity: Identity, scopes: Option<Vec<Scope>>, heeds_reader: bool) -> Option<String> {
    let role = Role { info: &READER, rules: HashMap::new(), heeds_publication: false, heeds_reader };
    let actor = Actor { identity, role: "reader".to_owned(), scopes, origin: Origin::default() };
    Access { actor: Arc::new(actor), role: Some(Arc::new(role)) }.class()
}

#[test]
fn a_class_has_what_the_rules_use_and_no_more() {
    let user = |id| Identity::User { id: Uuid::from_u128(id), session: Uuid::from_u128(id + 100) };
    assert_eq!(class(user(1), None, false), class(user(2), None, false));
    assert_ne!(class(user(1), None, true), class(user(2), None, true));
    assert_eq!(class(user(1), None, true), class(user(1), None, true));
    let token = Identity::Token { id: Uuid::from_u128(3) };
    let scopes = |table: &str| Some(vec![Scope::Content { table: Some(table.to_owned()), action: None }]);
    let classes = [
        class(token.clone(), None, false),
        class(token.clone(), scopes("product"), false),
        class(token.clone(), scopes("post"), false),
        class(token.clone(), Some(Vec::new()), false),
        class(user(1), None, true),
        class(Identity::Anonymous, None, false),
    ];
    for (place, of) in classes.iter().enumerate() {
        assert!(of.is_some() && !classes[..place].contains(of), "{classes:?}");
    }
    assert_eq!(class(token, None, true), class(Identity::Token { id: Uuid::nil() }, None, true), "it has no user");
    assert_eq!(class(Identity::System, None, false), None);
    assert_eq!(class(Identity::Developer, None, false), None);
}

#[test]
fn a_rule_names_the_reader_anywhere() {
    assert!(names_reader(&json!({ "or": [{ "not": { "createdBy": { "in": ["$user"] } } }] })));
    assert!(!names_reader(&json!({ "name": { "eq": "user" }, "$user": { "eq": 1 } })));
}
