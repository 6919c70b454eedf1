//! What the model knows: entries with their revisions and relations, releases, and what deletions have taken.

use std::collections::{BTreeMap, BTreeSet};

pub type Ids = BTreeSet<String>;

/// A version of an entry: its name, and what it relates to; some of that may be in the bin, or not be live.
pub type Version = (String, Ids);

/// What a read shows of an entry: its name, and the names of those that it relates to and that relate to it.
pub type Seen = (String, Ids, Ids);

#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub revision: i64,
    pub live: Option<i64>,
    pub versions: BTreeMap<i64, Version>,
    /// What is live has lost these of its revision with their deletion, and did not get them back.
    pub lacks: Ids,
    pub is_deleted: bool,
}

impl Entry {
    pub fn new(version: Version, publish: bool) -> Self {
        let versions = BTreeMap::from([(1, version)]);
        Self { revision: 1, live: publish.then_some(1), versions, ..Self::default() }
    }

    pub fn version(&self, revision: i64) -> Version {
        self.versions[&revision].clone()
    }

    pub fn draft(&self) -> Version {
        self.version(self.revision)
    }

    pub fn live(&self) -> Option<Version> {
        let (name, related) = self.version(self.live?);
        Some((name, &related - &self.lacks))
    }

    pub fn save(&mut self, version: Version) {
        self.revision += 1;
        self.versions.insert(self.revision, version);
    }

    /// The draft has lost what is in the bin; a former revision comes from the history, which has not.
    pub fn publish(&mut self, revision: i64, in_bin: &Ids) {
        self.live = Some(revision);
        self.lacks = if revision == self.revision { &self.draft().1 & in_bin } else { Ids::new() };
    }

    pub fn end(&mut self) {
        self.live = None;
        self.lacks.clear();
    }

    pub fn status(&self) -> &'static str {
        match self.live {
            None => "DRAFT",
            live if live == Some(self.revision) => "PUBLISHED",
            Some(_) => "CHANGED",
        }
    }

    /// The revision that is live after the change.
    pub fn after(&self, change: Change) -> Option<i64> {
        match change {
            _ if self.is_deleted => None,
            Change::Publish(revision) => Some(revision.unwrap_or(self.revision)),
            Change::Unpublish | Change::Delete => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Publish(Option<i64>),
    Unpublish,
    Delete,
}

#[derive(Clone, Debug, Default)]
pub struct Release {
    pub changes: BTreeMap<String, Change>,
    pub at: Option<usize>,
    /// What was live before and after, once it is published.
    pub done: Option<BTreeMap<String, (Option<i64>, Option<i64>)>>,
}

/// A relation that a deletion took.
#[derive(Clone, Debug, Default)]
pub struct Lost {
    /// The revisions that had it, draft or live.
    by: BTreeSet<i64>,
    of_draft: bool,
}

#[derive(Debug, Default)]
pub struct World {
    pub entries: BTreeMap<String, Entry>,
    pub releases: BTreeMap<String, Release>,
    /// By hour.
    pub scheduled: BTreeMap<usize, (String, String, Change)>,
    /// By the entry that had the relation, and its target.
    lost: BTreeMap<(String, String), Lost>,
}

impl World {
    pub fn there(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter().filter(|(_, entry)| !entry.is_deleted)
    }

    pub fn in_bin(&self) -> Ids {
        self.entries.iter().filter(|(_, entry)| entry.is_deleted).map(|(id, _)| id.clone()).collect()
    }

    pub fn open(&self) -> impl Iterator<Item = (&String, &Release)> {
        self.releases.iter().filter(|(_, release)| release.done.is_none())
    }

    pub fn entry(&mut self, id: &str) -> &mut Entry {
        self.entries.get_mut(id).expect("the model knows it")
    }

    /// The draft, without what is in the bin, as a new revision would start from it.
    pub fn draft(&self, id: &str) -> Version {
        let (name, related) = self.entries[id].draft();
        (name, &related - &self.in_bin())
    }

    /// Whatever relates to them loses that, unless it goes as well.
    pub fn delete(&mut self, gone: &[String]) {
        let in_bin = self.in_bin();
        for (id, entry) in &mut self.entries {
            if entry.is_deleted || gone.contains(id) {
                continue;
            }
            for target in gone {
                let mut lost = Lost::default();
                if entry.versions[&entry.revision].1.contains(target) && !in_bin.contains(target) {
                    lost.of_draft = true;
                    lost.by.insert(entry.revision);
                }
                if let Some(live) = entry.live.filter(|live| entry.versions[live].1.contains(target))
                    && entry.lacks.insert(target.clone())
                {
                    lost.by.insert(live);
                }
                if !lost.by.is_empty() {
                    self.lost.insert((id.clone(), target.clone()), lost);
                }
            }
        }
        for id in gone {
            let entry = self.entry(id);
            entry.is_deleted = true;
            entry.end();
        }
    }

    /// A draft would relate to these if they were not in the bin.
    pub fn lose(&mut self, id: &str, targets: Ids) {
        let revision = self.entries[id].revision;
        for target in targets {
            let lost = self.lost.entry((id.to_owned(), target)).or_default();
            lost.by.insert(revision);
            lost.of_draft = true;
        }
    }

    /// Out of the bin, as it was; `revision` is its new one.
    pub fn came_back(&mut self, id: &str, revision: i64) {
        let entry = self.entry(id);
        assert!(revision >= entry.revision, "{entry:?}");
        let draft = entry.draft();
        (entry.revision, entry.is_deleted) = (revision, false);
        entry.versions.insert(revision, draft);
    }

    /// After some came back: what they lack waits for its target, and what relates to them does so again, as the returned entries do
    /// by up to so many revisions.
    pub fn relate_again(&mut self, back: &[String]) -> Vec<(String, i64)> {
        let in_bin = self.in_bin();
        for id in back {
            let missing = &self.entries[id].draft().1 & &in_bin;
            let entry = self.entry(id);
            let revision = entry.revision;
            if let Some((_, related)) = entry.versions.get_mut(&revision) {
                related.retain(|id| !missing.contains(id));
            }
            for target in missing {
                self.lost.entry((id.clone(), target)).or_default().of_draft = true;
            }
        }
        let mut regained: BTreeMap<String, Ids> = BTreeMap::new();
        for ((id, target), lost) in std::mem::take(&mut self.lost) {
            if in_bin.contains(&id) || in_bin.contains(&target) {
                self.lost.insert((id, target), lost);
                continue;
            }
            let entry = self.entry(&id);
            if entry.live.is_some_and(|live| lost.by.contains(&live)) {
                entry.lacks.remove(&target);
            }
            if lost.of_draft && !entry.draft().1.contains(&target) {
                regained.entry(id).or_default().insert(target);
            }
        }
        let mut saved = Vec::new();
        for (id, targets) in regained {
            let entry = self.entry(&id);
            let (name, related) = entry.draft();
            let version = (name, &related | &targets);
            if back.contains(&id) {
                entry.versions.insert(entry.revision, version);
            } else {
                entry.save(version);
                saved.push((id, i64::try_from(targets.len()).expect("a small number")));
            }
        }
        saved
    }

    /// What is seen if these are the versions to be seen.
    pub fn shown(&self, of: impl Fn(&str, &Entry) -> Option<Version>) -> Vec<Seen> {
        let all: BTreeMap<&String, Version> =
            self.there().filter_map(|(id, entry)| Some((id, of(id, entry)?))).collect();
        let names = |ids: &Ids| ids.iter().filter_map(|id| Some(all.get(id)?.0.clone())).collect();
        let from =
            |id: &String| all.values().filter(|(_, ids)| ids.contains(id)).map(|(name, _)| name.clone()).collect();
        let mut seen: Vec<Seen> = all.iter().map(|(id, (name, ids))| (name.clone(), names(ids), from(id))).collect();
        seen.sort();
        seen
    }

    pub fn with_release(&self, release: &Release) -> Vec<Seen> {
        self.shown(|id, entry| match release.changes.get(id) {
            Some(change) => entry.after(*change).map(|revision| entry.version(revision)),
            None => entry.live(),
        })
    }

    /// What is live at an hour.
    pub fn at(&self, hour: usize) -> Vec<Seen> {
        let mut due: BTreeMap<usize, Vec<(String, Change)>> = BTreeMap::new();
        for (at, (_, id, change)) in self.scheduled.range(..=hour) {
            due.entry(*at).or_default().push((id.clone(), *change));
        }
        for (_, release) in self.open() {
            if let Some(at) = release.at.filter(|at| *at <= hour) {
                due.entry(at).or_default().extend(release.changes.iter().map(|(id, change)| (id.clone(), *change)));
            }
        }
        let last: BTreeMap<String, Change> = due.into_values().flatten().collect();
        self.with_release(&Release { changes: last, ..Release::default() })
    }
}
