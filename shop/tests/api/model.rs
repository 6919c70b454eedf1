//! Random sequences of everything that happens to entries, held against a simple model: after each step the drafts, what is live, and
//! what releases and moments will show are read and compared.

mod steps;
mod world;

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;
use world::{Ids, Seen, World};

const STEPS: usize = 150;
const NAMES: &str = "first: 100, orderBy: [{ field: NAME, direction: ASC }]";

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
    let answer = site.ask_as_developer(query, variables.clone()).await;
    if query.starts_with("mutation") {
        let mutation = query.split_once("made: ").and_then(|(_, rest)| rest.split_once('('));
        println!("{} {variables} {}", mutation.map_or("", |(name, _)| name), answer["data"]["made"]);
    }
    match answer["errors"][0]["extensions"]["code"].as_str() {
        None => Ok(answer["data"]["made"].clone()),
        Some("INTERNAL" | "TIMEOUT" | "UNAVAILABLE") => panic!("{answer}"),
        Some(code) => Err(code.to_owned()),
    }
}

/// What a read sees, in the order of the names, with the number that it counts.
async fn seen(site: &Site, arguments: &str) -> Vec<Seen> {
    let query = format!(
        "{{ made: products({NAMES} {arguments}) {{ totalCount nodes {{
            name variants {{ name }} related {{ name }} relatedTo {{ name }} relatedToConnection {{ totalCount }}
        }} }} }}"
    );
    let found = ask(site, &query, json!({})).await.expect("it is read");
    let nodes = found["nodes"].as_array().unwrap();
    assert_eq!(found["totalCount"], nodes.len());
    let name = |node: &Json| node["name"].as_str().unwrap().to_owned();
    let names = |nodes: &Json| nodes.as_array().unwrap().iter().map(name).collect::<Ids>();
    let of = |node: &Json| {
        // The children belong to the same version.
        assert_eq!(node["variants"], json!([{ "name": node["name"] }]), "{arguments}");
        let from = names(&node["relatedTo"]);
        assert_eq!(node["relatedToConnection"]["totalCount"], from.len());
        (name(node), names(&node["related"]), from)
    };
    nodes.iter().map(of).collect()
}

#[derive(Debug, Default)]
struct Model {
    world: World,
    made: usize,
}

impl Model {
    async fn compare(&self, site: &Site, dice: &mut Dice) {
        let world = &self.world;
        assert_eq!(seen(site, "").await, world.shown(|_, entry| entry.live()), "live");
        assert_eq!(seen(site, "stage: DRAFT").await, world.shown(|_, entry| Some(entry.draft())), "drafts");
        if let Some((id, release)) = dice.one(world.open()) {
            assert_eq!(seen(site, &format!("release: \"{id}\"")).await, world.with_release(release), "{release:?}");
        }
        let hour = dice.below(200);
        assert_eq!(seen(site, &format!("at: \"{}\"", moment(hour))).await, world.at(hour), "at {hour}");
        if let Some((id, entry)) = dice.one(world.there()) {
            let query = "query($id: ID!) { made: product(id: $id, stage: DRAFT) { revision status } }";
            let found = ask(site, query, json!({ "id": id })).await.unwrap();
            assert_eq!(found, json!({ "revision": entry.revision, "status": entry.status() }), "{entry:?}");
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
