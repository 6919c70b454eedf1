//! Random sequences of everything that happens to entries, held against a simple model: after each step the drafts, what is live, and
//! what releases and moments will show are read and compared.

use std::collections::BTreeMap;

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

const STEPS: usize = 150;
const NAMES: &str = "first: 100, orderBy: [{ field: NAME, direction: ASC }]";

#[derive(Clone, Debug, Default)]
struct Entry {
    revision: i64,
    live: Option<i64>,
    names: BTreeMap<i64, String>,
    is_deleted: bool,
}

impl Entry {
    fn draft(&self) -> &str {
        &self.names[&self.revision]
    }

    fn status(&self) -> &'static str {
        match self.live {
            None => "DRAFT",
            live if live == Some(self.revision) => "PUBLISHED",
            Some(_) => "CHANGED",
        }
    }

    /// What is live after the change.
    fn after(&self, change: Change) -> Option<i64> {
        match change {
            _ if self.is_deleted => None,
            Change::Publish(revision) => Some(revision.unwrap_or(self.revision)),
            Change::Unpublish | Change::Delete => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Publish(Option<i64>),
    Unpublish,
    Delete,
}

#[derive(Clone, Debug, Default)]
struct Release {
    changes: BTreeMap<String, Change>,
    at: Option<usize>,
    /// What was live before and after, once it is published.
    done: Option<BTreeMap<String, (Option<i64>, Option<i64>)>>,
}

#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<String, Entry>,
    releases: BTreeMap<String, Release>,
    /// By hour.
    scheduled: BTreeMap<usize, (String, String, Change)>,
    made: usize,
}

/// Numbers that look random, the same in each run with a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }

    fn one<T: Clone>(&mut self, of: impl Iterator<Item = T>) -> Option<T> {
        let all: Vec<T> = of.collect();
        (!all.is_empty()).then(|| all[self.below(all.len())].clone())
    }
}

fn moment(hour: usize) -> String {
    format!("2034-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24)
}

async fn ask(site: &Site, query: &str, variables: Json) -> Result<Json, String> {
    let answer = site.ask_as_developer(query, variables).await;
    match answer["errors"][0]["extensions"]["code"].as_str() {
        None => Ok(answer["data"]["made"].clone()),
        Some("INTERNAL" | "TIMEOUT" | "UNAVAILABLE") => panic!("{answer}"),
        Some(code) => Err(code.to_owned()),
    }
}

/// The names that a read sees, in its order, with the number that it counts.
async fn names(site: &Site, arguments: &str) -> Vec<String> {
    let query =
        format!("{{ made: products({NAMES} {arguments}) {{ totalCount nodes {{ name variants {{ name }} }} }} }}");
    let found = ask(site, &query, json!({})).await.expect("it is read");
    let nodes = found["nodes"].as_array().unwrap();
    assert_eq!(found["totalCount"], nodes.len());
    let name = |node: &Json| {
        // The children belong to the same version.
        assert_eq!(node["variants"], json!([{ "name": node["name"] }]), "{arguments}");
        node["name"].as_str().unwrap().to_owned()
    };
    nodes.iter().map(name).collect()
}

impl Model {
    /// The names that are live if these are the live revisions.
    fn shown(&self, live: impl Fn(&str, &Entry) -> Option<i64>) -> Vec<String> {
        let there = self.entries.iter().filter(|(_, entry)| !entry.is_deleted);
        let mut names: Vec<String> =
            there.filter_map(|(id, entry)| Some(entry.names[&live(id, entry)?].clone())).collect();
        names.sort();
        names
    }

    fn with_release(&self, release: &Release) -> Vec<String> {
        self.shown(|id, entry| match release.changes.get(id) {
            Some(change) => entry.after(*change),
            None => entry.live,
        })
    }

    /// What is live at an hour.
    fn at(&self, hour: usize) -> Vec<String> {
        let mut due: BTreeMap<usize, Vec<(String, Change)>> = BTreeMap::new();
        for (at, (_, id, change)) in self.scheduled.range(..=hour) {
            due.entry(*at).or_default().push((id.clone(), *change));
        }
        for release in self.releases.values().filter(|release| release.done.is_none()) {
            if let Some(at) = release.at.filter(|at| *at <= hour) {
                due.entry(at).or_default().extend(release.changes.iter().map(|(id, change)| (id.clone(), *change)));
            }
        }
        let last: BTreeMap<String, Change> = due.into_values().flatten().collect();
        self.shown(|id, entry| match last.get(id) {
            Some(change) => entry.after(*change),
            None => entry.live,
        })
    }

    async fn compare(&self, site: &Site, dice: &mut Dice) {
        assert_eq!(names(site, "").await, self.shown(|_, entry| entry.live), "live");
        assert_eq!(names(site, "stage: DRAFT").await, self.shown(|_, entry| Some(entry.revision)), "drafts");
        let open = self.releases.iter().filter(|(_, release)| release.done.is_none());
        if let Some((id, release)) = dice.one(open) {
            assert_eq!(names(site, &format!("release: \"{id}\"")).await, self.with_release(release), "{release:?}");
        }
        let hour = dice.below(200);
        assert_eq!(names(site, &format!("at: \"{}\"", moment(hour))).await, self.at(hour), "at {hour}");
        if let Some((id, entry)) = dice.one(self.entries.iter().filter(|(_, entry)| !entry.is_deleted)) {
            let query = "query($id: ID!) { made: product(id: $id, stage: DRAFT) { revision status } }";
            let found = ask(site, query, json!({ "id": id })).await.unwrap();
            assert_eq!(found, json!({ "revision": entry.revision, "status": entry.status() }), "{entry:?}");
        }
    }

    async fn step(&mut self, site: &Site, dice: &mut Dice) {
        let there = self.entries.iter().filter(|(_, entry)| !entry.is_deleted).map(|(id, _)| id.clone());
        let id = dice.one(there);
        match (dice.below(16), id) {
            (0 | 1, _) | (_, None) => self.create(site, dice).await,
            (2..=4, Some(id)) => self.update(site, id).await,
            (5, Some(id)) => self.publish(site, id).await,
            (6, Some(id)) => self.unpublish(site, id).await,
            (7, Some(id)) => self.discard(site, id).await,
            (8, Some(id)) => self.restore(site, dice, id).await,
            (9, Some(id)) => self.delete_or_undelete(site, dice, id).await,
            (10 | 11, Some(id)) => self.schedule(site, dice, id).await,
            (12 | 13, Some(id)) => self.prepare(site, dice, id).await,
            (14, _) => self.release(site, dice).await,
            _ => self.undo(site, dice).await,
        }
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("P {:04}", self.made)
    }

    async fn create(&mut self, site: &Site, dice: &mut Dice) {
        let (name, publish) = (self.name(), dice.below(2) == 0);
        let query = "mutation($name: String!, $publish: Boolean!) { made: createProduct(publish: $publish, input: {
            name: $name, price: { amount: \"1\" }, variants: { create: [{ sku: $name, name: $name }] } }) { id } }";
        let made = ask(site, query, json!({ "name": name, "publish": publish })).await.expect("it is made");
        let entry =
            Entry { revision: 1, live: publish.then_some(1), names: BTreeMap::from([(1, name)]), is_deleted: false };
        self.entries.insert(made["id"].as_str().unwrap().to_owned(), entry);
    }

    async fn update(&mut self, site: &Site, id: String) {
        let name = self.name();
        let entry = self.entries.get_mut(&id).unwrap();
        let query = "mutation($id: ID!, $revision: Int!, $name: String!) { made: updateProduct(id: $id, revision: $revision, input: {
            name: $name, variants: { set: [{ sku: $name, name: $name }] } }) { revision } }";
        let late = json!({ "id": id, "revision": entry.revision - 1, "name": name });
        assert_eq!(ask(site, query, late).await, Err("REVISION_MISMATCH".to_owned()));
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision, "name": name })).await;
        entry.revision += 1;
        entry.names.insert(entry.revision, name);
        assert_eq!(made, Ok(json!({ "revision": entry.revision })));
    }

    async fn publish(&mut self, site: &Site, id: String) {
        let entry = self.entries.get_mut(&id).unwrap();
        let query =
            "mutation($id: ID!, $revision: Int!) { made: publishProduct(id: $id, revision: $revision) { status } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision })).await;
        assert_eq!(made, Ok(json!({ "status": "PUBLISHED" })));
        entry.live = Some(entry.revision);
    }

    async fn unpublish(&mut self, site: &Site, id: String) {
        let entry = self.entries.get_mut(&id).unwrap();
        let query =
            "mutation($id: ID!, $revision: Int!) { made: unpublishProduct(id: $id, revision: $revision) { status } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision })).await;
        assert_eq!(made, Ok(json!({ "status": "DRAFT" })));
        entry.live = None;
    }

    async fn discard(&mut self, site: &Site, id: String) {
        let entry = self.entries.get_mut(&id).unwrap();
        let query = "mutation($id: ID!, $revision: Int!) { made: discardProductDraft(id: $id, revision: $revision) { revision } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision })).await;
        match entry.live {
            None => assert_eq!(made, Err("CONFLICT".to_owned())),
            Some(live) if entry.names[&live] == entry.draft() => {
                assert_eq!(made, Ok(json!({ "revision": entry.revision })));
                entry.live = Some(entry.revision);
            }
            Some(live) => {
                entry.revision += 1;
                assert_eq!(made, Ok(json!({ "revision": entry.revision })));
                entry.names.insert(entry.revision, entry.names[&live].clone());
                entry.live = Some(entry.revision);
            }
        }
    }

    async fn restore(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let entry = self.entries.get_mut(&id).unwrap();
        let others = entry.names.iter().filter(|(_, name)| *name != entry.draft()).map(|(revision, _)| *revision);
        let Some(from) = dice.one(others) else { return };
        let query = "mutation($id: ID!, $revision: Int!, $from: Int!) {
            made: restoreProduct(id: $id, revision: $revision, from: $from) { revision } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision, "from": from })).await;
        entry.revision += 1;
        assert_eq!(made, Ok(json!({ "revision": entry.revision })));
        entry.names.insert(entry.revision, entry.names[&from].clone());
    }

    async fn delete_or_undelete(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let gone = self.entries.iter().filter(|(_, entry)| entry.is_deleted).map(|(id, _)| id.clone());
        if let Some(id) = dice.one(gone).filter(|_| dice.below(3) > 0) {
            let query = "mutation($id: ID!) { made: undeleteProduct(id: $id) { revision } }";
            let made = ask(site, query, json!({ "id": id })).await.expect("it comes back");
            self.entries.get_mut(&id).unwrap().came_back(&made);
            return;
        }
        let entry = self.entries.get_mut(&id).unwrap();
        let query = "mutation($id: ID!, $revision: Int!) { made: deleteProduct(id: $id, revision: $revision) }";
        assert_eq!(ask(site, query, json!({ "id": id, "revision": entry.revision })).await, Ok(json!(id)));
        (entry.is_deleted, entry.live) = (true, None);
    }

    async fn schedule(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let (hour, entry) = (dice.below(200), &self.entries[&id]);
        if let Some((change, ..)) = self.scheduled.remove(&hour) {
            let query = "mutation($id: ID!) { made: cancelScheduledChange(id: $id) { id } }";
            let made = ask(site, query, json!({ "id": change })).await;
            // That of a deleted entry can't be cancelled, and comes to nothing.
            assert!(made.is_ok() || made == Err("NOT_FOUND".to_owned()), "{made:?}");
            return;
        }
        let change = entry.some_change(dice);
        let (query, revision) = match change {
            Change::Publish(revision) => {
                ("made: schedulePublish(id: $id, at: $at, revision: $revision) { id }", revision)
            }
            _ => ("made: scheduleUnpublish(id: $id, at: $at) { id }", None),
        };
        let given = if matches!(change, Change::Publish(_)) { ", $revision: Int" } else { "" };
        let query = format!("mutation($id: ID!, $at: String!{given}) {{ {query} }}");
        let made = ask(site, &query, json!({ "id": id, "at": moment(hour), "revision": revision }))
            .await
            .expect("it is scheduled");
        self.scheduled.insert(hour, (made["id"].as_str().unwrap().to_owned(), id, change));
    }

    async fn prepare(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let open = self.releases.iter().filter(|(_, release)| release.done.is_none()).map(|(id, _)| id.clone());
        let release = match dice.one(open).filter(|_| dice.below(4) > 0) {
            Some(release) => release,
            None => {
                let made = ask(site, "mutation { made: createRelease(title: \"R\") { id } }", json!({})).await.unwrap();
                made["id"].as_str().unwrap().to_owned()
            }
        };
        let change = match dice.below(5) {
            0 => Change::Delete,
            _ => self.entries[&id].some_change(dice),
        };
        let (action, revision) = match change {
            Change::Publish(revision) => ("PUBLISH", revision),
            Change::Unpublish => ("UNPUBLISH", None),
            Change::Delete => ("DELETE", None),
        };
        let query = "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { made: addToRelease(id: $id, changes: $changes) { size } }";
        let changes = json!([{ "entry": id, "action": action, "revision": revision }]);
        let of = self.releases.entry(release.clone()).or_default();
        of.changes.insert(id, change);
        assert_eq!(
            ask(site, query, json!({ "id": release, "changes": changes })).await,
            Ok(json!({ "size": of.changes.len() }))
        );
        if dice.below(4) == 0 {
            let hour = dice.below(200);
            let is_free =
                !self.scheduled.contains_key(&hour) && self.releases.values().all(|other| other.at != Some(hour));
            if is_free {
                let query = "mutation($id: ID!, $at: String!) { made: scheduleRelease(id: $id, at: $at) { state } }";
                let made = ask(site, query, json!({ "id": release, "at": moment(hour) })).await;
                assert_eq!(made, Ok(json!({ "state": "SCHEDULED" })));
                self.releases.get_mut(&release).unwrap().at = Some(hour);
            }
        }
    }

    async fn release(&mut self, site: &Site, dice: &mut Dice) {
        let open = self.releases.iter().filter(|(_, release)| release.done.is_none()).map(|(id, _)| id.clone());
        let Some(id) = dice.one(open) else { return };
        let mut release = self.releases[&id].clone();
        let is_whole = release.changes.keys().all(|id| !self.entries[id].is_deleted);
        let check = ask(site, "query($id: ID!) { made: releaseCheck(id: $id) { code } }", json!({ "id": id })).await;
        assert_eq!(check.expect("it is checked") == json!([]), is_whole, "{release:?}");
        let made =
            ask(site, "mutation($id: ID!) { made: publishRelease(id: $id) { state } }", json!({ "id": id })).await;
        if !is_whole {
            assert_eq!(made, Err("NOT_FOUND".to_owned()), "{release:?}");
            return;
        }
        assert_eq!(made, Ok(json!({ "state": "PUBLISHED" })), "{release:?}");
        let mut done = BTreeMap::new();
        for (id, change) in &release.changes {
            let entry = self.entries.get_mut(id).unwrap();
            let after = entry.after(*change);
            done.insert(id.clone(), (entry.live, after));
            (entry.live, entry.is_deleted) = (after, *change == Change::Delete);
        }
        release.done = Some(done);
        self.releases.insert(id, release);
    }

    async fn undo(&mut self, site: &Site, dice: &mut Dice) {
        let done = self.releases.iter().filter(|(_, release)| release.done.is_some()).map(|(id, _)| id.clone());
        let Some(id) = dice.one(done) else { return };
        let Release { changes, done, .. } = self.releases[&id].clone();
        let is_as_left = changes.iter().all(|(id, change)| {
            let (entry, after) = (&self.entries[id], done.as_ref().unwrap()[id].1);
            entry.live == after && entry.is_deleted == (*change == Change::Delete)
        });
        let query = "mutation($id: ID!) { made: undoRelease(id: $id) { state changes { entry } } }";
        let made = ask(site, query, json!({ "id": id })).await;
        if !is_as_left {
            assert_eq!(made, Err("CONFLICT".to_owned()), "{changes:?}");
            return;
        }
        assert_eq!(made.expect("it is undone")["state"], "UNDONE");
        self.releases.remove(&id);
        for (id, change) in changes {
            let entry = self.entries.get_mut(&id).unwrap();
            if change == Change::Delete {
                let query = "query($id: ID!) { made: product(id: $id, stage: DRAFT) { revision } }";
                entry.came_back(&ask(site, query, json!({ "id": id })).await.unwrap());
            }
            entry.live = done.as_ref().unwrap()[&id].0;
        }
    }
}

impl Entry {
    /// Out of the bin, as it was, with a revision of its own.
    fn came_back(&mut self, made: &Json) {
        let (name, revision) = (self.draft().to_owned(), made["revision"].as_i64().unwrap());
        assert!(revision >= self.revision, "{self:?}");
        (self.revision, self.is_deleted, self.live) = (revision, false, None);
        self.names.insert(revision, name);
    }

    /// A publication, of the draft or of a revision, or its end.
    fn some_change(&self, dice: &mut Dice) -> Change {
        match dice.below(3) {
            0 => Change::Unpublish,
            1 => Change::Publish(dice.one(self.names.keys().copied())),
            _ => Change::Publish(None),
        }
    }
}

#[tokio::test]
async fn whatever_happens_to_entries_is_what_the_model_says() {
    let seed = std::env::var("TYPECASE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let rounds = std::env::var("TYPECASE_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for seed in seed..seed + rounds {
        println!("seed {seed}");
        let site = Site::empty().await;
        let (mut model, mut dice) = (Model::default(), Dice::new(seed));
        for _ in 0..STEPS {
            model.step(&site, &mut dice).await;
            model.compare(&site, &mut dice).await;
        }
        site.stop().await;
    }
}
