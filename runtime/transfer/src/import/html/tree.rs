//! Parses HTML into a tree. HTML that is too deep or has too many nodes is refused while it is parsed, before it costs
//! time or memory.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, ExpandedName, LocalName, ParseOpts, QualName, local_name, ns, parse_fragment};

/// The deepest nesting of elements.
pub const DEEPEST: usize = 256;
/// The most elements and texts. A few bytes of HTML can create many of them.
const MOST: usize = 200_000;
/// Bytes parsed between two checks of the limits.
const PIECE: usize = 1024;

pub struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
pub struct Node {
    pub is: Is,
    pub children: Vec<usize>,
    parent: Option<usize>,
    depth: usize,
}

#[derive(Default)]
pub enum Is {
    /// The root, a comment, or another node that shows nothing.
    #[default]
    Other,
    Text(String),
    Element {
        name: LocalName,
        attributes: Vec<(LocalName, String)>,
    },
}

impl Tree {
    pub const ROOT: usize = 0;

    pub fn node(&self, id: usize) -> &Node {
        &self.nodes[id]
    }

    pub fn children(&self, id: usize) -> &[usize] {
        &self.nodes[id].children
    }

    pub fn name(&self, id: usize) -> &str {
        match &self.nodes[id].is {
            Is::Element { name, .. } => name,
            _ => "",
        }
    }

    pub fn attribute(&self, id: usize, wanted: &str) -> Option<&str> {
        match &self.nodes[id].is {
            Is::Element { attributes, .. } => {
                attributes.iter().find(|(name, _)| &**name == wanted).map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }
}

pub fn parse(html: &str) -> Result<Tree, String> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = parse_fragment(Sink::default(), options, context, Vec::new(), false);
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        parser.process(StrTendril::from(piece));
        parser.tokenizer.sink.sink.check()?;
        rest = after;
    }
    let sink = parser.finish();
    sink.check()?;
    Ok(Tree { nodes: sink.nodes.into_inner() })
}

/// Builds the tree from the parser's calls.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    deepest: RefCell<usize>,
}

#[derive(Clone)]
struct Handle {
    id: usize,
    name: Rc<QualName>,
}

impl Default for Sink {
    fn default() -> Self {
        Self { nodes: RefCell::new(vec![Node::default()]), deepest: RefCell::new(0) }
    }
}

impl Sink {
    fn check(&self) -> Result<(), String> {
        if *self.deepest.borrow() > DEEPEST {
            return Err(too_deep());
        }
        match self.nodes.borrow().len() > MOST {
            true => Err(format!("this HTML has more than {MOST} elements and texts")),
            false => Ok(()),
        }
    }

    fn add(&self, is: Is, name: QualName) -> Handle {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { is, ..Node::default() });
        Handle { id: nodes.len() - 1, name: Rc::new(name) }
    }

    /// `before`: an index among the children; at the end if `None`.
    fn put(&self, parent: usize, child: NodeOrText<Handle>, before: Option<usize>) {
        let mut nodes = self.nodes.borrow_mut();
        let place = before.unwrap_or(nodes[parent].children.len());
        let id = match child {
            NodeOrText::AppendText(text) => {
                let previous = place.checked_sub(1).map(|place| nodes[parent].children[place]);
                if let Some(Is::Text(known)) = previous.map(|previous| &mut nodes[previous].is) {
                    known.push_str(&text);
                    return;
                }
                nodes.push(Node { is: Is::Text(text.to_string()), ..Node::default() });
                nodes.len() - 1
            }
            NodeOrText::AppendNode(handle) => {
                detach(&mut nodes, handle.id);
                handle.id
            }
        };
        let place = place.min(nodes[parent].children.len());
        nodes[id].parent = Some(parent);
        nodes[id].depth = nodes[parent].depth + 1;
        let mut deepest = self.deepest.borrow_mut();
        *deepest = nodes[id].depth.max(*deepest);
        nodes[parent].children.insert(place, id);
    }

    /// The parent and the index in it.
    fn place(&self, id: usize) -> Option<(usize, usize)> {
        place(&self.nodes.borrow(), id)
    }
}

pub fn too_deep() -> String {
    format!("this HTML has more than {DEEPEST} nested elements")
}

/// Searches from the end, because nodes that move are recent.
fn place(nodes: &[Node], id: usize) -> Option<(usize, usize)> {
    let parent = nodes[id].parent?;
    let place = nodes[parent].children.iter().rposition(|child| *child == id)?;
    Some((parent, place))
}

fn detach(nodes: &mut [Node], id: usize) {
    if let Some((parent, place)) = place(nodes, id) {
        nodes[parent].children.remove(place);
        nodes[id].parent = None;
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: Tree::ROOT, name: Rc::new(QualName::new(None, ns!(), local_name!(""))) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let attributes = attributes.into_iter().map(|each| (each.name.local, each.value.to_string())).collect();
        self.add(Is::Element { name: name.local.clone(), attributes }, name)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.add(Is::Other, QualName::new(None, ns!(), local_name!("")))
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.add(Is::Other, QualName::new(None, ns!(), local_name!("")))
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.put(parent.id, child, None);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        match self.place(element.id) {
            Some(_) => self.append_before_sibling(element, child),
            None => self.append(previous, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let Some((parent, place)) = self.place(sibling.id) {
            self.put(parent, child, Some(place));
        }
    }

    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &Handle) {
        detach(&mut self.nodes.borrow_mut(), target.id);
    }

    fn reparent_children(&self, node: &Handle, parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        let moved = std::mem::take(&mut nodes[node.id].children);
        for id in &moved {
            nodes[*id].parent = Some(parent.id);
        }
        nodes[parent.id].children.extend(moved);
    }
}
