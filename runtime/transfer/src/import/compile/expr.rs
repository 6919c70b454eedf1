//! Compiles the expressions of a mapping: minijinja parses them, and every name is checked before a record is read.

use minijinja::machinery::ast::CompareOpKind::{Eq, In, Ne, NotIn};
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOp, Expr as Tree};
use minijinja::machinery::{Span, parse_expr};
use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Value};
use serde_json::Value as Json;

use super::compare::{Comparison, checked};
use super::keys::Of;
use super::{Compiler, get};
use crate::import::expr::{Begin, Code, Expr, Path, Run, Scope, Source, Step};
use crate::import::filters::{FUNCTIONS, LANGUAGE, SPENT, pattern};
use crate::import::near::nearest;
use crate::import::value;
use crate::import::yaml::{self, Node, Place};

/// Real expressions are shorter, and one can nest as deep as it is long.
const LONGEST: usize = 2_000;
/// Filters whose first argument names a filter or test.
const OF_FILTERS: [&str; 1] = ["map"];
const OF_TESTS: [&str; 2] = ["select", "reject"];
const OF_ATTRIBUTES: [&str; 2] = ["selectattr", "rejectattr"];
const KEYS: &str = "a key with blanks or punctuation is written `item[\"Variant Price\"]`";

impl Compiler {
    /// Compiles an expression given as text, as a constant, or as a map of `value` and keys that the caller reads.
    pub fn expr(&mut self, node: &Node, also: &[&str]) -> Option<Expr> {
        self.given = Of::Other;
        match &node.tree {
            yaml::Tree::Text(text) => self.code(node, text),
            yaml::Tree::Bool(_) | yaml::Tree::Number(_) => {
                let about = node.json().to_string();
                Some(Expr { source: Source::Const(node.json()), subjects: Vec::new(), about: format!("`{about}`") })
            }
            yaml::Tree::Map(_) if also.is_empty() => self.no_expr(node),
            yaml::Tree::Map(_) => {
                let known: Vec<&str> = ["value"].iter().chain(also).copied().collect();
                let entries = self.map(node, "a field", &known)?;
                let Some(value) = get(entries, "value") else {
                    let help = "write `value:` with an expression, such as `value: title`";
                    self.fault(node.place, "the source of the value is missing", Some(help.into()));
                    return None;
                };
                self.expr(value, &[])
            }
            yaml::Tree::Null | yaml::Tree::List(_) => self.no_expr(node),
        }
    }

    fn no_expr(&mut self, node: &Node) -> Option<Expr> {
        let help = "write one such as `title` or `price | money(\"EUR\")`, in quotes if it begins with a bracket";
        self.fault(node.place, format!("expected an expression, not {}", node.what()), Some(help.into()));
        None
    }

    fn code(&mut self, node: &Node, text: &str) -> Option<Expr> {
        let faults = self.faults.len();
        let start = self.start(node, text);
        // With the blank, no token is at position 0.
        let padded = format!(" {text}");
        let tree = self.parsed(start, &padded)?;
        let mut check = Check { compiler: self, text: &padded, start, names: Vec::new(), comparisons: Vec::new() };
        check.walk(&tree);
        let names = check.names.into();
        let text = checked(&padded, &check.comparisons);
        self.given = self.of(&tree);
        if self.faults.len() > faults {
            return None;
        }
        let mut subjects = Vec::new();
        collect(&tree, &mut subjects);
        let about = format!("`{}`", crate::import::money::shorten(padded.trim()));
        if let Some(path) = path(&tree) {
            return Some(Expr { source: Source::Path(path), subjects, about });
        }
        // The text cannot break out of the brackets, because it has been parsed as a whole.
        let whole = format!("({text})|{SPENT}");
        let code = match LANGUAGE.environment.compile_expression_owned(whole) {
            Ok(code) => code,
            Err(error) => {
                self.fault(start.place, value::message(error), None);
                return None;
            }
        };
        // Errors that do not depend on the record, such as too many arguments, also occur with an empty one.
        let nothing = Json::Object(serde_json::Map::new());
        let run = Run::new(&self.schema.site, false);
        let expr = Expr { source: Source::Code(Code { code, names }), subjects, about };
        if let Err(error) = expr.value(&Scope::root(&nothing, &run))
            && matches!(error.kind(), ErrorKind::TooManyArguments | ErrorKind::MissingArgument | ErrorKind::SyntaxError)
        {
            self.fault(start.place, value::message(error), None);
            return None;
        }
        Some(expr)
    }

    fn parsed<'t>(&mut self, start: Start, text: &'t str) -> Option<Tree<'t>> {
        if text.trim().is_empty() {
            self.fault(start.place, "an expression is missing", None);
            return None;
        }
        if text.len() > LONGEST + 1 {
            self.fault(start.place, format!("an expression may have at most {LONGEST} bytes"), None);
            return None;
        }
        match parse_expr(text) {
            Ok(tree) => Some(tree),
            Err(error) => {
                let at = error.range().map_or(0, |range| range.start);
                self.fault(start.at(text, at), value::message(error), Some(KEYS.to_owned()));
                None
            }
        }
    }

    /// Where the text of a node begins, after a quote, and whether the file contains it verbatim.
    fn start(&self, node: &Node, text: &str) -> Start {
        let index = |from_one: u64| usize::try_from(from_one).unwrap_or_default().saturating_sub(1);
        let line = self.lines.get(index(node.place.line)).map(String::as_str).unwrap_or_default();
        let begin = line.char_indices().nth(index(node.place.column)).map_or(line.len(), |(at, _)| at);
        let quote = u64::from(line[begin..].starts_with(['"', '\'']));
        let is_exact = line[begin + quote as usize..].starts_with(text);
        let quote = if is_exact { quote } else { 0 };
        Start { place: Place { column: node.place.column + quote, ..node.place }, is_exact }
    }
}

#[derive(Clone, Copy)]
struct Start {
    place: Place,
    is_exact: bool,
}

impl Start {
    /// The position of a byte of the text, which is preceded by a blank.
    fn at(self, text: &str, byte: usize) -> Place {
        let columns = match self.is_exact {
            true => text.get(1..byte).map_or(0, |before| before.chars().count() as u64),
            false => 0,
        };
        Place { column: self.place.column + columns, ..self.place }
    }
}

/// Walks an expression and notes unknown names.
struct Check<'c, 't> {
    compiler: &'c mut Compiler,
    text: &'t str,
    start: Start,
    /// The variables.
    names: Vec<String>,
    comparisons: Vec<Comparison>,
}

impl Check<'_, '_> {
    fn walk(&mut self, tree: &Tree<'_>) {
        self.reads(self.compiler.key_in(tree));
        match tree {
            Tree::Const(_) => {}
            Tree::Var(name) if self.names.iter().any(|known| known == name.id) => {}
            Tree::Var(name) => self.names.push(name.id.to_owned()),
            Tree::Slice(slice) => {
                self.walk(&slice.expr);
                [&slice.start, &slice.stop, &slice.step].into_iter().flatten().for_each(|part| self.walk(part));
            }
            Tree::UnaryOp(op) => self.walk(&op.expr),
            Tree::BinOp(op) => {
                if matches!(op.op, BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte) {
                    self.comparisons.extend(Comparison::find(self.text, op.span(), op.left.span()));
                }
                self.walk(&op.left);
                self.walk(&op.right);
            }
            Tree::Compare(compare) => {
                let is_order = |op: &CompareOp<'_>| !matches!(op.op, Eq | Ne | In | NotIn);
                if let Some(op) = compare.ops.iter().find(|op| is_order(op)) {
                    let help = Some("write `1 < size and size < 5`".to_owned());
                    self.fault(op.expr.span(), "comparisons stand one by one".into(), help);
                }
                self.walk(&compare.expr);
                compare.ops.iter().for_each(|op| self.walk(&op.expr));
            }
            Tree::IfExpr(choice) => {
                self.walk(&choice.test_expr);
                self.walk(&choice.true_expr);
                choice.false_expr.iter().for_each(|other| self.walk(other));
            }
            Tree::Filter(filter) => {
                let after = filter.expr.as_ref().map_or(0, |inner| inner.span().end_offset);
                filter.expr.iter().for_each(|inner| self.walk(inner));
                self.reads(self.compiler.key_of_rows(filter));
                self.known("filter", filter.name, &LANGUAGE.filters, after);
                self.named_filter(filter.name, &filter.args);
                self.args(&filter.args);
            }
            Tree::Test(test) => {
                self.walk(&test.expr);
                if matches!(test.name, "defined" | "undefined")
                    && let Some((key, _)) = self.compiler.key_in(&test.expr)
                {
                    self.compiler.asked_for.push(key);
                }
                self.known("test", test.name, &LANGUAGE.tests, test.expr.span().end_offset);
                if test.name == "matching" {
                    self.pattern(&test.args);
                }
                self.args(&test.args);
            }
            Tree::GetAttr(get) => self.walk(&get.expr),
            Tree::GetItem(get) => {
                self.walk(&get.expr);
                self.walk(&get.subscript_expr);
            }
            Tree::Call(call) => {
                match &call.expr {
                    Tree::Var(name) => self.known("function", name.id, &FUNCTIONS, call.span().start_offset),
                    other => {
                        let help = Some("write a filter, such as `name | lower`".to_owned());
                        self.fault(other.span(), "values have no methods".into(), help);
                    }
                }
                self.args(&call.args);
            }
            Tree::List(list) => list.items.iter().for_each(|item| self.walk(item)),
            Tree::Tuple(tuple) => tuple.items.iter().for_each(|item| self.walk(item)),
            Tree::Map(map) => map.keys.iter().chain(&map.values).for_each(|part| self.walk(part)),
        }
    }

    fn args(&mut self, args: &[CallArg<'_>]) {
        for arg in args {
            match arg {
                CallArg::Pos(tree) | CallArg::Kwarg(_, tree) | CallArg::PosSplat(tree) | CallArg::KwargSplat(tree) => {
                    self.walk(tree);
                }
            }
        }
    }

    /// Checks named arguments, and constants that must be valid.
    fn named_filter(&mut self, name: &str, args: &[CallArg<'_>]) {
        let constant = |place: usize| match args.get(place) {
            Some(CallArg::Pos(tree)) => tree.as_const().map(|value| (value, tree.span())),
            _ => None,
        };
        let text = |place: usize| constant(place).and_then(|(value, span)| Some((value.as_str()?.to_owned(), span)));
        let test = match name {
            _ if OF_TESTS.contains(&name) => text(0),
            _ if OF_ATTRIBUTES.contains(&name) => text(1),
            _ => None,
        };
        if let Some((test, span)) = &test {
            self.known("test", test, &LANGUAGE.tests, span.start_offset);
        }
        if let Some((filter, span)) = text(0).filter(|_| OF_FILTERS.contains(&name)) {
            self.known("filter", &filter, &LANGUAGE.filters, span.start_offset);
        }
        match name {
            "regex_replace" => self.pattern(args),
            _ if test.is_some_and(|(test, _)| test == "matching") => {
                self.pattern(args.get(if OF_TESTS.contains(&name) { 1 } else { 2 }..).unwrap_or_default());
            }
            "money" => {
                let known = self.compiler.schema.site.currencies;
                if let Some((code, span)) = text(0).filter(|(code, _)| !known.contains(&code.as_str())) {
                    let help = format!(
                        "the site has {} (`currencies` in schema/cms.yaml); a key is written without quotes",
                        known.join(", ")
                    );
                    self.fault(span, format!("`{code}` is not a currency of the site"), Some(help));
                }
            }
            _ => {}
        }
    }

    fn pattern(&mut self, args: &[CallArg<'_>]) {
        let Some(CallArg::Pos(tree)) = args.first() else { return };
        if let Some(Err(error)) = tree.as_const().as_ref().and_then(Value::as_str).map(pattern) {
            self.fault(tree.span(), error.detail().unwrap_or("this is not a regular expression").to_owned(), None);
        }
    }

    /// Notes a key of the record, which is in the text from `after` on.
    fn reads(&mut self, key: Option<(String, usize)>) {
        if let Some((name, after)) = key {
            let place = self.at(self.find(&name, after));
            self.compiler.reads(name, place);
        }
    }

    fn find(&self, name: &str, after: usize) -> usize {
        self.text.get(after..).and_then(|rest| rest.find(name)).map_or(after, |at| after + at)
    }

    /// Searches for the name in the text from `after` on.
    fn known(&mut self, what: &str, name: &str, known: &[&str], after: u32) {
        if known.contains(&name) {
            return;
        }
        let place = self.at(self.find(name, after as usize));
        let help = match (nearest(name, known.iter().copied()), what) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, "function") => KEYS.to_owned(),
            (None, _) => "docs/import.md has a table of them".to_owned(),
        };
        self.compiler.fault(place, format!("unknown {what} `{name}`"), Some(help));
    }

    fn fault(&mut self, span: Span, message: String, help: Option<String>) {
        let place = self.at(span.start_offset as usize);
        self.compiler.fault(place, message, help);
    }

    fn at(&self, offset: usize) -> Place {
        self.start.at(self.text, offset)
    }
}

/// The path, if the expression is nothing else.
fn path(tree: &Tree<'_>) -> Option<Path> {
    match tree {
        Tree::Var(name) => {
            let of = |begin: Begin| Path { begin, steps: Vec::new() };
            Some(match name.id {
                "item" => of(Begin::Item),
                "parent" => of(Begin::Parent),
                "record" => of(Begin::Record),
                // It is not a key of the record.
                "loop" => return None,
                key => Path { begin: Begin::Item, steps: vec![Step::Key(key.to_owned())] },
            })
        }
        Tree::GetAttr(get) => {
            let mut path = path(&get.expr)?;
            path.steps.push(Step::Key(get.name.to_owned()));
            Some(path)
        }
        Tree::GetItem(get) => {
            let mut path = path(&get.expr)?;
            let key = get.subscript_expr.as_const()?;
            path.steps.push(match key.kind() {
                ValueKind::String => Step::Key(key.as_str()?.to_owned()),
                ValueKind::Number => Step::At(key.as_i64()?),
                _ => return None,
            });
            Some(path)
        }
        _ => None,
    }
}

/// Collects the paths that an expression begins with.
fn collect(tree: &Tree<'_>, subjects: &mut Vec<Path>) {
    if let Some(path) = path(tree) {
        subjects.push(path);
        return;
    }
    match tree {
        Tree::Filter(filter) => filter.expr.iter().for_each(|inner| collect(inner, subjects)),
        Tree::Slice(slice) => collect(&slice.expr, subjects),
        Tree::List(list) => list.items.iter().for_each(|item| collect(item, subjects)),
        Tree::BinOp(op) if matches!(op.op, BinOpKind::ScOr | BinOpKind::Add) => {
            collect(&op.left, subjects);
            collect(&op.right, subjects);
        }
        Tree::IfExpr(choice) => {
            collect(&choice.true_expr, subjects);
            choice.false_expr.iter().for_each(|other| collect(other, subjects));
        }
        _ => {}
    }
}
