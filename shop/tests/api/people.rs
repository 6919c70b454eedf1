//! Names behind ids: whom editors can mention, and who has done what.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, account, command};

const SEARCH: &str = "query($search: String) { people(search: $search) { id name } }";
const NAMED: &str = "query($ids: [ID!]) { people(ids: $ids) { id name } }";

fn code(answer: &Json) -> (&str, &Json) {
    let error = &answer["errors"][0]["extensions"];
    (error["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")), &error["inputPath"])
}

#[tokio::test]
async fn those_who_read_drafts_find_people_by_name_and_by_id() {
    let site = Site::empty().await;
    let (ada, editor) = account(&site, "ada@shop.example", "editor").await;
    let (bob, viewer) = account(&site, "bob@shop.example", "viewer").await;
    let (gone, _) = account(&site, "gone@shop.example", "editor").await;
    for (email, name) in [("ada", "Ada Lovelace"), ("bob", "Bob 100%"), ("gone", "Gone Ada")] {
        let sql = "update cms.user set name = $2 where email = $1";
        let email = format!("{email}@shop.example");
        sqlx::query(sql).bind(email).bind(name).execute(&site.db.pool).await.unwrap();
    }
    let sql = "update cms.user set disabled_at = now() where email = 'gone@shop.example'";
    sqlx::query(sql).execute(&site.db.pool).await.unwrap();

    let found = async |search: Json| {
        let answer = site.ask_with(&editor, SEARCH, json!({ "search": search })).await;
        answer["data"]["people"].clone()
    };
    let ada_shown = json!({ "id": ada, "name": "Ada Lovelace" });
    let bob_shown = json!({ "id": bob, "name": "Bob 100%" });
    assert_eq!(found(Json::Null).await, json!([ada_shown, bob_shown]));
    assert_eq!(found(json!("LOVE")).await, json!([ada_shown]), "without those whose account is disabled");
    assert_eq!(found(json!("%")).await, json!([bob_shown]), "a text, not a pattern");
    // History names former people too; nobody's address is told.
    let named = site.ask_with(&viewer, NAMED, json!({ "ids": [gone, ada] })).await;
    assert_eq!(named["data"]["people"], json!([{ "id": gone, "name": "Gone Ada" }, ada_shown]), "{named}");

    let created = command(&site.db, &["token", "create", "--name", "Importer", "--role", "editor"]);
    assert!(created.status.success(), "{created:?}");
    let token = String::from_utf8_lossy(&created.stderr).split_whitespace().next().unwrap().to_owned();
    let named = site.ask_with(&viewer, NAMED, json!({ "ids": [token] })).await;
    assert_eq!(named["data"]["people"], json!([{ "id": token, "name": "Importer" }]), "{named}");

    let wrong = site.ask_with(&viewer, NAMED, json!({ "ids": [ada, "post_1"] })).await;
    assert_eq!(code(&wrong), ("BAD_USER_INPUT", &json!(["ids", 1])));
    let both = format!("{{ people(search: \"a\", ids: [\"{ada}\"]) {{ id }} }}");
    assert_eq!(code(&site.ask_with(&viewer, &both, json!({})).await).0, "BAD_USER_INPUT");
    assert_eq!(code(&site.ask("{ people { id } }").await).0, "UNAUTHENTICATED");
    site.stop().await;
}

#[tokio::test]
async fn a_lock_names_the_person_who_has_it() {
    let site = Site::empty().await;
    let (_, editor) = account(&site, "ada@shop.example", "editor").await;
    let create = "mutation { made: createTag(input: { name: \"New\" }) { id } }";
    let tag = site.ask_as_developer(create, json!({})).await["data"]["made"]["id"].clone();
    let lock = "mutation($id: ID!) { lockEntry(id: $id) { isMine } }";
    let mine = site.ask_with(&editor, lock, json!({ "id": tag })).await;
    assert_eq!(mine["data"]["lockEntry"]["isMine"], true, "{mine}");
    let refused = site.ask_as_developer(lock, json!({ "id": tag })).await;
    let error = &refused["errors"][0];
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("Ada has been editing the entry since 20"), "{message}");
    assert_eq!(error["extensions"]["lock"]["name"], "Ada", "{refused}");
    site.stop().await;
}
