//! The steps: each is done by the API and by the model.

use std::collections::BTreeMap;

use runtime::serde_json::{Value as Json, json};

use super::world::{Change, Entry, Ids, Release, Version};
use super::{Dice, Model, ask, moment};
use crate::client::Site;

impl Model {
    pub async fn step(&mut self, site: &Site, dice: &mut Dice) {
        let id = dice.one(self.world.there().map(|(id, _)| id.clone()));
        match (dice.below(20), id) {
            (0 | 1, _) | (_, None) => self.create(site, dice).await,
            (2 | 3, Some(id)) => self.rename(site, id).await,
            (4..=6, Some(id)) => self.relate(site, dice, id).await,
            (7, Some(id)) => self.publish(site, id).await,
            (8, Some(id)) => self.unpublish(site, id).await,
            (9, Some(id)) => self.discard(site, id).await,
            (10, Some(id)) => self.restore(site, dice, id).await,
            (11, Some(id)) => self.delete_or_undelete(site, dice, id).await,
            (12 | 13, Some(id)) => self.schedule(site, dice, id).await,
            (14 | 15, Some(id)) => self.prepare(site, dice, id).await,
            (16, _) => self.release(site, dice).await,
            (17 | 18, Some(id)) => self.merge(site, dice, id).await,
            _ => self.undo(site, dice).await,
        }
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("P {:04}", self.made)
    }

    /// Up to three entries that are not in the bin.
    fn some_entries(&self, dice: &mut Dice) -> Ids {
        (0..dice.below(4)).filter_map(|_| dice.one(self.world.there().map(|(id, _)| id.clone()))).collect()
    }

    async fn create(&mut self, site: &Site, dice: &mut Dice) {
        let (name, related, publish) = (self.name(), self.some_entries(dice), dice.below(2) == 0);
        let query = "mutation($name: String!, $publish: Boolean!, $related: ProductReferencesInput) {
            made: createProduct(publish: $publish, input: {
                name: $name, price: { amount: \"1\" }, variants: { create: [{ sku: $name, name: $name }] }, related: $related
            }) { id } }";
        let given = json!({ "name": name, "publish": publish, "related": set(&related) });
        let made = ask(site, query, given).await.expect("it is made");
        let entry = Entry::new((name, related), publish);
        self.world.entries.insert(made["id"].as_str().unwrap().to_owned(), entry);
    }

    async fn rename(&mut self, site: &Site, id: String) {
        let name = self.name();
        let input = json!({ "name": name, "variants": { "set": [{ "sku": name, "name": name }] } });
        let version = (name, self.world.draft(&id).1);
        self.update(site, id, input, version).await;
    }

    async fn relate(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let (name, before) = self.world.draft(&id);
        let related = self.some_entries(dice);
        if related != before {
            self.update(site, id, json!({ "related": set(&related) }), (name, related)).await;
        }
    }

    async fn update(&mut self, site: &Site, id: String, input: Json, version: Version) {
        let entry = self.world.entry(&id);
        let query = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!) {
            made: updateProduct(id: $id, revision: $revision, input: $input) { revision } }";
        let late = json!({ "id": id, "revision": entry.revision - 1, "input": input });
        assert_eq!(ask(site, query, late).await, Err("REVISION_MISMATCH".to_owned()));
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision, "input": input })).await;
        entry.save(version);
        assert_eq!(made, Ok(json!({ "revision": entry.revision })));
    }

    /// A name or relations are given to a former revision: they collide with what others have changed since.
    async fn merge(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let (in_bin, theirs) = (self.world.in_bin(), self.world.draft(&id));
        let entry = &self.world.entries[&id];
        let Some((base, (name, related))) =
            dice.one(entry.versions.iter().map(|(base, version)| (*base, version.clone())))
        else {
            return;
        };
        let base_related = &related - &in_bin;
        let (input, ours, collides) = match dice.below(2) {
            0 => {
                let new = self.name();
                let input = json!({ "name": new, "variants": { "set": [{ "sku": new, "name": new }] } });
                (input, (new, theirs.1.clone()), name != theirs.0)
            }
            _ => {
                let new = self.some_entries(dice);
                let is_theirs = new == base_related;
                let collides = !is_theirs && base_related != theirs.1 && new != theirs.1;
                let merged = if is_theirs { theirs.1.clone() } else { new.clone() };
                (json!({ "related": set(&new) }), (theirs.0.clone(), merged), collides)
            }
        };
        let query = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!) {
            made: updateProduct(id: $id, revision: $revision, input: $input, onConflict: MERGE) { revision } }";
        let made = ask(site, query, json!({ "id": id, "revision": base, "input": input })).await;
        if collides {
            assert_eq!(made, Err("REVISION_MISMATCH".to_owned()));
            return;
        }
        let entry = self.world.entry(&id);
        if ours != theirs {
            entry.save(ours);
        }
        assert_eq!(made, Ok(json!({ "revision": entry.revision })));
    }

    async fn publish(&mut self, site: &Site, id: String) {
        let in_bin = self.world.in_bin();
        let entry = self.world.entry(&id);
        let query =
            "mutation($id: ID!, $revision: Int!) { made: publishProduct(id: $id, revision: $revision) { status } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision })).await;
        assert_eq!(made, Ok(json!({ "status": "PUBLISHED" })));
        entry.publish(entry.revision, &in_bin);
    }

    /// What is live may refer to it: then that has to be said.
    async fn unpublish(&mut self, site: &Site, id: String) {
        let refers = |other: &Entry| other.live().is_some_and(|(_, related)| related.contains(&id));
        let is_referenced = self.world.there().any(|(other, entry)| *other != id && refers(entry));
        let entry = self.world.entry(&id);
        let is_live = entry.live.is_some();
        let query = "mutation($id: ID!, $revision: Int!, $force: Boolean) {
            made: unpublishProduct(id: $id, revision: $revision, force: $force) { status } }";
        let given = |force: bool| json!({ "id": id, "revision": entry.revision, "force": force });
        if is_referenced && is_live {
            assert_eq!(ask(site, query, given(false)).await, Err("REFERENCED".to_owned()));
        }
        let made = ask(site, query, given(is_referenced)).await;
        assert_eq!(made, Ok(json!({ "status": "DRAFT" })));
        entry.end();
    }

    async fn discard(&mut self, site: &Site, id: String) {
        let (in_bin, draft) = (self.world.in_bin(), self.world.draft(&id));
        let entry = self.world.entry(&id);
        let query = "mutation($id: ID!, $revision: Int!) { made: discardProductDraft(id: $id, revision: $revision) { revision } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision })).await;
        let Some(live) = entry.live() else {
            assert_eq!(made, Err("CONFLICT".to_owned()));
            return;
        };
        let missing = &live.1 & &in_bin;
        if (&live.0, &live.1 - &in_bin) != (&draft.0, draft.1) {
            entry.save(live);
            assert_eq!(made, Ok(json!({ "revision": entry.revision })));
            entry.publish(entry.revision, &Ids::new());
            self.world.lose(&id, missing);
        } else {
            assert_eq!(made, Ok(json!({ "revision": entry.revision })));
            entry.publish(entry.revision, &in_bin);
        }
    }

    async fn restore(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let (in_bin, draft) = (self.world.in_bin(), self.world.draft(&id));
        let entry = self.world.entry(&id);
        let visible = |(name, related): &Version| (name.clone(), related - &in_bin);
        let others = entry.versions.iter().filter(|(_, version)| visible(version) != draft);
        let Some((from, version)) = dice.one(others.map(|(revision, version)| (*revision, visible(version)))) else {
            return;
        };
        let query = "mutation($id: ID!, $revision: Int!, $from: Int!) {
            made: restoreProduct(id: $id, revision: $revision, from: $from) { revision } }";
        let made = ask(site, query, json!({ "id": id, "revision": entry.revision, "from": from })).await;
        entry.save(version);
        assert_eq!(made, Ok(json!({ "revision": entry.revision })));
    }

    async fn delete_or_undelete(&mut self, site: &Site, dice: &mut Dice, id: String) {
        if let Some(id) = dice.one(self.world.in_bin().into_iter()).filter(|_| dice.below(3) > 0) {
            let query = "mutation($id: ID!) { made: undeleteProduct(id: $id) { revision } }";
            let made = ask(site, query, json!({ "id": id })).await.expect("it comes back");
            self.world.came_back(&id, made["revision"].as_i64().unwrap());
            self.world.relate_again(&[id]);
            return;
        }
        let entry = self.world.entry(&id);
        let query = "mutation($id: ID!, $revision: Int!) { made: deleteProduct(id: $id, revision: $revision) }";
        assert_eq!(ask(site, query, json!({ "id": id, "revision": entry.revision })).await, Ok(json!(id)));
        self.world.delete(&[id]);
    }

    async fn schedule(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let (hour, entry) = (dice.below(200), &self.world.entries[&id]);
        if let Some((change, of, _)) = self.world.scheduled.get(&hour) {
            let query = "mutation($id: ID!) { made: cancelScheduledChange(id: $id) { id } }";
            let made = ask(site, query, json!({ "id": change })).await;
            if self.world.entries[of].is_deleted {
                assert_eq!(made, Err("NOT_FOUND".to_owned()));
            } else {
                assert_eq!(made, Ok(json!({ "id": change })));
                self.world.scheduled.remove(&hour);
            }
            return;
        }
        let change = entry.some_change(dice);
        let (query, revision) = match change {
            Change::Publish(revision) => {
                ("made: schedulePublish(id: $id, at: $at, revision: $revision) { id }", revision)
            }
            _ => ("made: scheduleUnpublish(id: $id, at: $at, force: true) { id }", None),
        };
        let given = if matches!(change, Change::Publish(_)) { ", $revision: Int" } else { "" };
        let query = format!("mutation($id: ID!, $at: String!{given}) {{ {query} }}");
        let made = ask(site, &query, json!({ "id": id, "at": moment(hour), "revision": revision }))
            .await
            .expect("it is scheduled");
        self.world.scheduled.insert(hour, (made["id"].as_str().unwrap().to_owned(), id, change));
    }

    async fn prepare(&mut self, site: &Site, dice: &mut Dice, id: String) {
        let open = self.world.open().map(|(id, _)| id.clone());
        let release = match dice.one(open).filter(|_| dice.below(4) > 0) {
            Some(release) => release,
            None => {
                let made = ask(site, "mutation { made: createRelease(title: \"R\") { id } }", json!({})).await.unwrap();
                made["id"].as_str().unwrap().to_owned()
            }
        };
        let change = match dice.below(5) {
            0 => Change::Delete,
            _ => self.world.entries[&id].some_change(dice),
        };
        let (action, revision) = match change {
            Change::Publish(revision) => ("PUBLISH", revision),
            Change::Unpublish => ("UNPUBLISH", None),
            Change::Delete => ("DELETE", None),
        };
        let query = "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { made: addToRelease(id: $id, changes: $changes) { size } }";
        let changes =
            json!([{ "entry": id, "action": action, "revision": revision, "force": change == Change::Unpublish }]);
        let of = self.world.releases.entry(release.clone()).or_default();
        of.changes.insert(id, change);
        assert_eq!(
            ask(site, query, json!({ "id": release, "changes": changes })).await,
            Ok(json!({ "size": of.changes.len() }))
        );
        if dice.below(4) == 0 {
            self.schedule_release(site, dice.below(200), release).await;
        }
    }

    async fn schedule_release(&mut self, site: &Site, hour: usize, release: String) {
        let is_taken = |other: &Release| other.at == Some(hour);
        if self.world.scheduled.contains_key(&hour) || self.world.releases.values().any(is_taken) {
            return;
        }
        let query = "mutation($id: ID!, $at: String!) { made: scheduleRelease(id: $id, at: $at) { state } }";
        let made = ask(site, query, json!({ "id": release, "at": moment(hour) })).await;
        assert_eq!(made, Ok(json!({ "state": "SCHEDULED" })));
        self.world.releases.entry(release).or_default().at = Some(hour);
    }

    async fn release(&mut self, site: &Site, dice: &mut Dice) {
        let Some((id, mut release)) = dice.one(self.world.open().map(|(id, release)| (id.clone(), release.clone())))
        else {
            return;
        };
        let is_whole = release.changes.keys().all(|id| !self.world.entries[id].is_deleted);
        let check = ask(site, "query($id: ID!) { made: releaseCheck(id: $id) { code } }", json!({ "id": id })).await;
        assert_eq!(check.expect("it is checked") == json!([]), is_whole, "{release:?}");
        let made =
            ask(site, "mutation($id: ID!) { made: publishRelease(id: $id) { state } }", json!({ "id": id })).await;
        if !is_whole {
            assert_eq!(made, Err("NOT_FOUND".to_owned()), "{release:?}");
            return;
        }
        assert_eq!(made, Ok(json!({ "state": "PUBLISHED" })), "{release:?}");
        let (mut done, in_bin) = (BTreeMap::new(), self.world.in_bin());
        for (id, change) in &release.changes {
            let entry = self.world.entry(id);
            let after = entry.after(*change);
            done.insert(id.clone(), (entry.live, after));
            match after {
                Some(revision) => entry.publish(revision, &in_bin),
                None if *change == Change::Unpublish => entry.end(),
                None => {}
            }
        }
        let deleted: Vec<String> = release.of(Change::Delete).cloned().collect();
        self.world.delete(&deleted);
        release.done = Some(done);
        self.world.releases.insert(id, release);
    }

    async fn undo(&mut self, site: &Site, dice: &mut Dice) {
        let done = self.world.releases.iter().filter(|(_, release)| release.done.is_some());
        let Some((id, release)) = dice.one(done.map(|(id, release)| (id.clone(), release.clone()))) else { return };
        let live = release.done.clone().unwrap_or_default();
        let is_as_left = release.changes.iter().all(|(id, change)| {
            let entry = &self.world.entries[id];
            entry.live == live[id].1 && entry.is_deleted == (*change == Change::Delete)
        });
        let query = "mutation($id: ID!) { made: undoRelease(id: $id, force: true) { state changes { entry } } }";
        let made = ask(site, query, json!({ "id": id })).await;
        if !is_as_left {
            assert_eq!(made, Err("CONFLICT".to_owned()), "{release:?}");
            return;
        }
        assert_eq!(made.expect("it is undone")["state"], "UNDONE");
        self.world.releases.remove(&id);
        let back: Vec<String> = release.of(Change::Delete).cloned().collect();
        for id in &back {
            self.world.came_back(id, revision(site, id).await);
        }
        let in_bin = self.world.in_bin();
        for (id, (before, _)) in live {
            let entry = self.world.entry(&id);
            match before {
                Some(revision) => entry.publish(revision, &in_bin),
                None => entry.end(),
            }
        }
        for (id, most) in self.world.relate_again(&back) {
            // Each that comes back may be a revision of its own; those between are not known.
            let (entry, revision) = (self.world.entry(&id), revision(site, &id).await);
            assert!((entry.revision..entry.revision + most).contains(&revision), "{revision}: {entry:?}");
            let version = entry.versions.remove(&entry.revision).expect("it was saved");
            entry.versions.insert(revision, version);
            entry.revision = revision;
        }
    }
}

async fn revision(site: &Site, id: &str) -> i64 {
    let query = "query($id: ID!) { made: product(id: $id, stage: DRAFT) { revision } }";
    ask(site, query, json!({ "id": id })).await.unwrap()["revision"].as_i64().unwrap()
}

impl Release {
    /// The entries with this change.
    fn of(&self, change: Change) -> impl Iterator<Item = &String> {
        self.changes.iter().filter(move |(_, other)| **other == change).map(|(id, _)| id)
    }
}

impl Entry {
    /// A publication, of the draft or of a revision, or its end.
    fn some_change(&self, dice: &mut Dice) -> Change {
        match dice.below(3) {
            0 => Change::Unpublish,
            1 => Change::Publish(dice.one(self.versions.keys().copied())),
            _ => Change::Publish(None),
        }
    }
}

fn set(ids: &Ids) -> Json {
    json!({ "set": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() })
}
