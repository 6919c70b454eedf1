//! `lifecycle.review`: the stages that an entry passes before it is published, and who moves it.

use std::collections::BTreeSet;

use super::unknown_role;
use crate::analyze::declared::{Declared, Owner};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{ContentType, Name, Role, Stage};
use crate::source::Span;
use crate::syntax::node::{Entry, Node, Value};
use crate::syntax::shape::suggest;

/// The stages of a type in their order; none if its entries are not reviewed.
pub fn of(owner: &Owner<'_>, roles: &[Role], found: &mut Diagnostics) -> Vec<Stage> {
    let lifecycle = owner.node.get("lifecycle");
    let Some(review) = lifecycle.and_then(|lifecycle| lifecycle.entry("review")) else { return Vec::new() };
    if let Some(drafts) = lifecycle.and_then(|lifecycle| lifecycle.entry("drafts"))
        && drafts.node.bool() == Some(false)
    {
        let message = "without drafts, an entry is public before anyone can review it";
        let diagnostic = Diagnostic::error(Code::BadReview, review.key.span, message);
        found.push(diagnostic.also(drafts.key.span, "no drafts"));
    }
    let nodes = review.node.get("stages").map_or(&[][..], Node::items);
    if nodes.len() < 2 {
        let message = "a review has at least two stages: where an entry begins, and where it may be published";
        found.push(Diagnostic::error(Code::BadReview, review.key.span, message));
    }
    check_twice(nodes, found);
    for (place, node) in nodes.iter().enumerate() {
        check(place, node, nodes, roles, found);
    }
    nodes.iter().filter_map(stage).collect()
}

/// A type with a review has a field of this name in the API.
const STAGE: &str = "review_stage";

pub fn check_names(ty: &ContentType, declared: &Declared<'_>, found: &mut Diagnostics) {
    let fields = ty.fields.iter().map(|field| &field.name);
    let inverses = ty.inverses.iter().map(|inverse| &inverse.name);
    let mut names = fields.chain(inverses).chain(ty.computed.iter().map(|computed| &computed.name));
    let is_taken = !ty.stages.is_empty() && names.any(|name| name.snake() == STAGE);
    if let Some(owner) = declared.types.get(ty.name.snake()).filter(|_| is_taken) {
        let message = format!("`{}` has a review, which gives it a field `{STAGE}` already", ty.name.snake());
        refuse(owner.name.span, &message, found);
    }
}

fn stage(node: &Node) -> Option<Stage> {
    let approvals = node.get("approvals").map_or(0, number);
    let movers = names(node, "move");
    Some(Stage {
        name: Name::new(node.text_of("name")?),
        from: names(node, "from"),
        approvals,
        approvers: match approvals {
            0 => Vec::new(),
            _ => names(node, "approve").or_else(|| movers.clone()).unwrap_or_default(),
        },
        own: node.flag("own"),
        movers,
    })
}

fn names(node: &Node, key: &str) -> Option<Vec<Name>> {
    let list = node.get(key)?.items().iter().filter_map(Node::text);
    Some(list.map(Name::new).collect())
}

fn number(node: &Node) -> u32 {
    match &node.value {
        Value::Number(digits) => digits.parse().unwrap_or_default(),
        _ => 0,
    }
}

fn check_twice(nodes: &[Node], found: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for name in nodes.iter().filter_map(|node| node.get("name")?.spanned_text()) {
        if !seen.insert(name.value.clone()) {
            let message = format!("the review has two stages `{}`", name.value);
            found.push(Diagnostic::error(Code::BadReview, name.span, message));
        }
    }
}

fn check(place: usize, node: &Node, nodes: &[Node], roles: &[Role], found: &mut Diagnostics) {
    for name in ["move", "approve"].iter().flat_map(|key| node.get(key).map_or(&[][..], Node::items)) {
        let Some(name) = name.spanned_text() else { continue };
        if name.value == Role::ANONYMOUS {
            refuse(name.span, "visitors take no part in a review", found);
        } else if roles.iter().all(|role| role.name.snake() != name.value) {
            found.push(unknown_role(&name, roles));
        }
    }
    let stages = nodes.iter().filter_map(|node| node.text_of("name"));
    for name in node.get("from").map_or(&[][..], Node::items).iter().filter_map(Node::spanned_text) {
        if stages.clone().all(|stage| stage != name.value) {
            let message = format!("the review has no stage `{}`", name.value);
            found.push(suggest(Diagnostic::error(Code::BadReview, name.span, message), &name.value, stages.clone()));
        }
    }
    let mut misplaced = |key: &str, message: &str| {
        if let Some(Entry { key, .. }) = node.entry(key) {
            refuse(key.span, message, found);
        }
    };
    let approvals = node.get("approvals").map_or(0, number);
    if place == 0 {
        misplaced("approvals", "an entry begins at the first stage, without approvals");
    }
    if approvals == 0 {
        misplaced("approve", "without `approvals`, nobody needs to approve");
        misplaced("own", "without `approvals`, nobody needs to approve");
    } else if node.get("approve").or_else(|| node.get("move")).is_none_or(|roles| roles.items().is_empty()) {
        misplaced("approvals", "it says in neither `approve` nor `move` who may approve");
    }
}

fn refuse(span: Span, message: &str, found: &mut Diagnostics) {
    found.push(Diagnostic::error(Code::BadReview, span, message));
}
