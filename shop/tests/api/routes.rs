//! The resolvers of the root fields are compared with the SDL when a server starts.

use runtime::Database;
use runtime::content::SchemaInfo;
use runtime::graphql::Api;
use runtime::hooks::HookSet;
use runtime::store::Limits;

use crate::client::standing;
use crate::reads::Plain;

/// Files of two versions of the schema compiled together, as after a merge: reported at start, with the field.
#[tokio::test]
async fn a_server_does_not_start_where_a_root_field_and_its_answer_are_not_one() {
    let started = |sdl: String| {
        let schema: &'static SchemaInfo = Box::leak(Box::new(SchemaInfo { sdl: sdl.leak(), ..generated::SCHEMA }));
        let database = Database::connect_lazy("postgres://nobody@localhost/none", Limits::COMMAND, schema);
        let api = Api::new(database.expect("an address"), standing(), HookSet::default(), generated::site(Plain));
        api.err().map(|error| error.problems[0].message.clone())
    };
    assert_eq!(started(generated::SCHEMA.sdl.to_owned()), None);
    for (root, field, sdl) in [
        ("Query", "productBySlug", generated::SCHEMA.sdl.replace("  productBySlug(", "  productBySlag(")),
        ("Query", "another", generated::SCHEMA.sdl.replace("type Query {", "type Query {\n  another: Int")),
        ("Mutation", "publishPost", generated::SCHEMA.sdl.replace("  publishPost(", "  publishPosts(")),
    ] {
        let told = started(sdl).unwrap_or_else(|| panic!("{root}.{field}: it starts"));
        let said = |name: &str| told.contains(&format!("`{root}.{name}`"));
        assert!(said(field) || said("productBySlag") || said("publishPosts"), "{told}");
        assert!(told.contains("cargo xtask generate"), "{told}");
    }
}
