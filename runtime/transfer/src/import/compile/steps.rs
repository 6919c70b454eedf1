//! The steps of an expression, by the keys that name them.

use std::collections::BTreeSet;

use jiff::tz::Offset;
use regex::Regex;
use rust_decimal::Decimal;

use super::expr::SOURCES;
use super::{Compiler, get};
use crate::import::amount::{Fold, Money, Number, To};
use crate::import::date;
use crate::import::expr::{Expr, Source};
use crate::import::number::Point;
use crate::import::step::{Otherwise, Step};
use crate::import::yaml::{Entry, Node, Tree};

const STEPS: [&str; 29] = [
    "lowercase",
    "uppercase",
    "slugify",
    "html_to_markdown",
    "html_to_text",
    "prefix",
    "suffix",
    "truncate",
    "replace",
    "map",
    "date",
    "number",
    "boolean",
    "split",
    "filter",
    "join",
    "first",
    "last",
    "lowest",
    "highest",
    "sum",
    "limit",
    "distinct",
    "to_object",
    "pick",
    "omit",
    "parse_json",
    "money",
    "then",
];

impl Compiler {
    /// Appends what the entry stands for.
    pub fn step(&mut self, entry: &Entry, steps: &mut Vec<Step>, also: &[&str]) {
        let node = &entry.node;
        let step = match entry.key.as_str() {
            "trim" => self.switch(node, Step::Trim),
            "lowercase" => self.switch(node, Step::Lowercase),
            "uppercase" => self.switch(node, Step::Uppercase),
            "slugify" => self.switch(node, Step::Slugify),
            "html_to_markdown" => self.switch(node, Step::HtmlToMarkdown),
            "html_to_text" => self.switch(node, Step::HtmlToText),
            "parse_json" => self.switch(node, Step::ParseJson),
            "first" => self.switch(node, Step::First),
            "last" => self.switch(node, Step::Last),
            "lowest" => self.fold(node, To::Lowest),
            "highest" => self.fold(node, To::Highest),
            "sum" => self.fold(node, To::Sum),
            "filter" => self.test(node).map(|(test, negated)| Step::Filter { test, negated }),
            "distinct" => self.switch(node, Step::Distinct),
            "prefix" => self.plain(node, "a text").map(Step::Prefix),
            "suffix" => self.plain(node, "a text").map(Step::Suffix),
            "join" => self.plain(node, "the text between").map(Step::Join),
            "split" => self.separator(node).map(Step::Split),
            "truncate" => self.count(node).map(Step::Truncate),
            "limit" => self.count(node).map(Step::Limit),
            "pick" => self.texts(node, "a key").map(Step::Pick),
            "omit" => self.texts(node, "a key").map(Step::Omit),
            "replace" => self.replace(node, steps),
            "map" => self.table(node),
            "date" => self.date(node),
            "number" => self.number(node),
            "boolean" => self.boolean(node),
            "to_object" => self.key_and_value(node),
            "money" => self.money(node),
            "then" => self.then(node, steps),
            name => {
                let known: Vec<&str> =
                    SOURCES.iter().chain(&STEPS).chain(&["trim", "default"]).chain(also).copied().collect();
                self.unknown(entry.place, "key", name, &known);
                None
            }
        };
        steps.extend(step);
    }

    /// `slugify: true`; `false` is as if the line were not there.
    fn switch(&mut self, node: &Node, step: Step) -> Option<Step> {
        self.flag(node).and_then(|on| on.then_some(step))
    }

    pub fn separator(&mut self, node: &Node) -> Option<String> {
        let text = self.plain(node, "the text between")?;
        if text.is_empty() {
            self.fault(node.place, "the text between is empty", None);
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// For steps that are needed twice, or in lists of their own.
    fn then(&mut self, node: &Node, steps: &mut Vec<Step>) -> Option<Step> {
        let Tree::List(items) = &node.tree else {
            self.fault(node.place, format!("`then` is a list of steps, and this is {}", node.what()), None);
            return None;
        };
        for item in items {
            match &item.tree {
                Tree::Map(entries) => entries.iter().for_each(|entry| self.step(entry, steps, &[])),
                _ => self.fault(
                    item.place,
                    format!("a step such as `slugify: true` is expected, and this is {}", item.what()),
                    None,
                ),
            }
        }
        None
    }

    /// `{ find: " cm", with: "" }`, `{ pattern: "[0-9]+", with: "#" }`, or several of them.
    fn replace(&mut self, node: &Node, steps: &mut Vec<Step>) -> Option<Step> {
        if let Tree::List(items) = &node.tree {
            for item in items {
                let step = self.replace(item, steps);
                steps.extend(step);
            }
            return None;
        }
        let entries = self.map(node, "`replace`", &["find", "pattern", "with"])?;
        let with = match get(entries, "with") {
            Some(with) => self.plain(with, "a text")?,
            None => String::new(),
        };
        match (get(entries, "find"), get(entries, "pattern")) {
            (Some(find), None) => {
                let find = self.separator(find)?;
                let pattern = Regex::new(&regex::escape(&find)).ok()?;
                Some(Step::Replace { pattern, with: with.replace('$', "$$") })
            }
            (None, Some(pattern)) => self.pattern(pattern).map(|pattern| Step::Replace { pattern, with }),
            _ => {
                self.fault(node.place, "`replace` needs `find` or `pattern`, not both", None);
                None
            }
        }
    }

    fn table(&mut self, node: &Node) -> Option<Step> {
        let entries = self.map(node, "`map`", &["values", "otherwise", "fallback"])?;
        let Some(Tree::Map(values)) = get(entries, "values").map(|values| &values.tree) else {
            self.fault(node.place, "`map` needs `values`, a map from what the source has to what is meant", None);
            return None;
        };
        let values = values.iter().map(|entry| (entry.key.clone(), entry.node.json())).collect();
        let otherwise = match (get(entries, "otherwise"), get(entries, "fallback")) {
            (_, Some(fallback)) => Otherwise::Value(fallback.json()),
            (Some(otherwise), None) => match self.one_of(otherwise, &["error", "keep", "missing"])? {
                "keep" => Otherwise::Keep,
                "missing" => Otherwise::Missing,
                _ => Otherwise::Error,
            },
            (None, None) => Otherwise::Error,
        };
        Some(Step::Map { values, otherwise })
    }

    fn date(&mut self, node: &Node) -> Option<Step> {
        let (formats, offset) = match &node.tree {
            Tree::Bool(true) => return Some(Step::Date { formats: Vec::new(), offset: Offset::UTC }),
            Tree::Map(_) => {
                let entries = self.map(node, "`date`", &["formats", "offset"])?;
                let formats = match get(entries, "formats") {
                    Some(formats) => self.texts(formats, "a format")?,
                    None => Vec::new(),
                };
                (formats, get(entries, "offset"))
            }
            _ => (self.texts(node, "a format")?, None),
        };
        let Some(node) = offset else { return Some(Step::Date { formats, offset: Offset::UTC }) };
        let given = self.plain(node, "an offset")?;
        match date::offset(&given) {
            Some(offset) => Some(Step::Date { formats, offset }),
            None => {
                self.fault(
                    node.place,
                    format!("`{given}` is no offset from UTC"),
                    Some("write one such as \"+02:00\" or \"UTC\"".into()),
                );
                None
            }
        }
    }

    /// `true`, or `{ decimal: ",", times: 0.001, round: 2 }`.
    fn number(&mut self, node: &Node) -> Option<Step> {
        let mut number = Number { point: Point::Guess, times: None, round: None };
        if matches!(node.tree, Tree::Bool(true)) {
            return Some(Step::Number(number));
        }
        let entries = self.map(node, "`number`", &["decimal", "times", "round"])?;
        number.point = self.point(get(entries, "decimal"))?;
        if let Some(times) = get(entries, "times") {
            let text = self.plain(times, "a factor")?;
            number.times = Decimal::from_str_exact(&text).ok();
            if number.times.is_none() {
                self.fault(times.place, format!("`{text}` is no number"), None);
            }
        }
        if let Some(round) = get(entries, "round") {
            number.round = Some(u32::try_from(self.count(round)?).unwrap_or(28).min(28));
        }
        Some(Step::Number(number))
    }

    /// `true`, or `{ decimal: "," }`.
    fn fold(&mut self, node: &Node, to: To) -> Option<Step> {
        if matches!(node.tree, Tree::Bool(_)) {
            return self.switch(node, Step::Fold(Fold { to, point: Point::Guess }));
        }
        let entries = self.map(node, "`lowest`, `highest` and `sum`", &["decimal"])?;
        let point = self.point(get(entries, "decimal"))?;
        Some(Step::Fold(Fold { to, point }))
    }

    fn point(&mut self, node: Option<&Node>) -> Option<Point> {
        let Some(node) = node else { return Some(Point::Guess) };
        Some(match self.one_of(node, &[".", ","])? {
            "." => Point::Dot,
            _ => Point::Comma,
        })
    }

    fn boolean(&mut self, node: &Node) -> Option<Step> {
        let (mut yes, mut no) = (None, None);
        if !matches!(node.tree, Tree::Bool(true)) {
            let entries = self.map(node, "`boolean`", &["yes", "no"])?;
            for (key, words) in [("yes", &mut yes), ("no", &mut no)] {
                if let Some(node) = get(entries, key) {
                    *words = Some(self.texts(node, "a word")?);
                }
            }
        }
        let set = |given: Option<Vec<String>>, usual: &[&str]| -> BTreeSet<String> {
            let usual = || usual.iter().map(|&word| word.to_owned()).collect();
            given.unwrap_or_else(usual).iter().map(|word| word.to_lowercase()).collect()
        };
        let yes = set(yes, &["true", "yes", "y", "1", "on"]);
        let no = set(no, &["false", "no", "n", "0", "off"]);
        Some(Step::Boolean { yes, no })
    }

    fn key_and_value(&mut self, node: &Node) -> Option<Step> {
        let entries = self.map(node, "`to_object`", &["key", "value"])?;
        let mut name = |key: &str| match get(entries, key) {
            Some(node) => self.plain(node, "a key"),
            None => Some(if key == "key" { "name".into() } else { key.into() }),
        };
        Some(Step::ToObject { key: name("key")?, value: name("value")? })
    }

    /// `true`, a currency, or `{ currency: USD | {path: currency}, decimal: ",", minor: true, round: true }`.
    fn money(&mut self, node: &Node) -> Option<Step> {
        let mut money = Money { currency: None, point: Point::Guess, minor: false, round: false };
        match &node.tree {
            Tree::Bool(true) => {}
            Tree::Text(_) => money.currency = Some(self.currency(node)?),
            _ => {
                let entries = self.map(node, "`money`", &["currency", "decimal", "minor", "round"])?;
                if let Some(currency) = get(entries, "currency") {
                    money.currency = Some(self.currency(currency)?);
                }
                money.point = self.point(get(entries, "decimal"))?;
                for (key, flag) in [("minor", &mut money.minor), ("round", &mut money.round)] {
                    if let Some(node) = get(entries, key) {
                        *flag = self.flag(node)?;
                    }
                }
            }
        }
        Some(Step::Money(Box::new(money)))
    }

    fn currency(&mut self, node: &Node) -> Option<Expr> {
        let Tree::Text(code) = &node.tree else { return self.expr(node, &[]) };
        let known = self.schema.site.currencies;
        if !known.contains(&code.as_str()) {
            let help = format!(
                "the site has {} (`currencies` in schema/cms.yaml); for a path write `{{ path: {code} }}`",
                known.join(", ")
            );
            self.fault(node.place, format!("`{code}` is no currency of the site"), Some(help));
            return None;
        }
        let source = Source::Const(code.as_str().into());
        Some(Expr { source, trim: false, steps: Vec::new(), default: None, about: format!("`{code}`") })
    }
}
