//! Bold, italics and strikethrough are read from our Markdown as they were in the HTML.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::super::markdown::joints::{Class, EMPHASIS, Joints, Piece, STRIKE, STRONG, claimed};
use super::super::{to_markdown, to_text, tree};

/// Letters with their marks; blanks are omitted, since marks on them are invisible.
type Marked = Vec<(char, u8)>;

fn letters(text: &str, marks: u8, found: &mut Marked) {
    found.extend(text.chars().filter(|letter| !letter.is_whitespace()).map(|letter| (letter, marks)));
}

fn of_markdown(markdown: &str) -> Marked {
    let mut found = Vec::new();
    let mut marks = 0;
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES) {
        let mark = match &event {
            Event::Start(Tag::Strong) | Event::End(TagEnd::Strong) => STRONG,
            Event::Start(Tag::Emphasis) | Event::End(TagEnd::Emphasis) => EMPHASIS,
            Event::Start(Tag::Strikethrough) | Event::End(TagEnd::Strikethrough) => STRIKE,
            _ => 0,
        };
        if matches!(event, Event::Start(_)) {
            assert_eq!(marks & mark, 0, "a mark in itself in {markdown:?}");
        }
        marks ^= mark;
        if let Event::Text(text) | Event::Code(text) = event {
            letters(&text, marks, &mut found);
        }
    }
    found
}

fn of_html(html: &str) -> Marked {
    fn walk(tree: &tree::Tree, id: usize, marks: u8, found: &mut Marked) {
        if let tree::Is::Text(text) = &tree.node(id).is {
            letters(text, marks, found);
        }
        let mark = match tree.name(id) {
            "b" | "strong" => STRONG,
            "i" | "em" => EMPHASIS,
            "s" => STRIKE,
            _ => 0,
        };
        tree.children(id).iter().for_each(|child| walk(tree, *child, marks | mark, found));
    }
    let mut found = Vec::new();
    walk(&tree::parse(html).unwrap(), tree::Tree::ROOT, 0, &mut found);
    found
}

#[test]
fn marks_are_kept() {
    for (html, markdown) in [
        ("<i>a<b>b</b></i>c", "*a**b***c"),
        ("<i><b>x</b></i>y", "***x***y"),
        ("<b><i>x</i></b>", "***x***"),
        ("<strong>a<em>b</em></strong>c", "**a*b***c"),
        ("<b>a <i>b</i></b>", "**a _b_**"),
        ("<b><i>a</i> b</b>", "**_a_ b**"),
        ("<i>a <b>b</b> c</i>", "_a **b** c_"),
        ("**<b>x</b>**", r"\*\***x**\*\*"),
        ("_<i>x</i>_", r"\__x_\_"),
        ("<b>**x**</b>", r"**\*\*x\*\***"),
        ("x<i>a</i><b>b</b>y", "x*a***b**y"),
        ("x<b>a</b><i>b</i>y", "x**a***b*y"),
        ("x<b><i>a</i></b>y", "x***a***y"),
        ("<i>a</i> <i>b</i>", "_a_ _b_"),
        ("<b>a</b> <b>b</b>", "**a** **b**"),
        ("<b><s>a</s></b> <s>b<i>c</i></s>", "**~~a~~** ~~b*c*~~"),
        ("x<s>a</s>y", "x~~a~~y"),
        ("<b>see <a href=/x>y</a></b>z", "**see** [**y**](/x)z"),
        ("<a href=/x><i>a<b>b</b></i>c</a>", "[*a**b***c](/x)"),
        ("<b>a<code>b</code></b>c", "**a**`b`c"),
        ("<h2><i>a<b>b</b></i>c</h2>", "## *a**b***c"),
        ("<i>a<b>b</b><br>c</i>", "_a**b**_  \n_c_"),
        ("<i>über</i>é<b>日本</b>語", "*über*é**日本**語"),
        ("<b>Cafe\u{301}</b>s", "**Cafe\u{301}**s"),
    ] {
        let written = to_markdown(html).unwrap();
        assert_eq!(written, markdown, "{html}");
        if !html.contains("<code>") {
            assert_eq!(of_markdown(&written), of_html(html), "{html}\n{written}");
        }
    }
}

#[test]
fn marks_make_way_for_punctuation() {
    for (html, markdown) in [
        ("<b>Price:</b>10 EUR", "**Price**:10 EUR"),
        ("<b>Price:</b> 10 EUR", r"**Price\:** 10 EUR"),
        ("<a href=/x> <b> </b> <b>a:</b>b </a>c", "[**a**:b](/x) c"),
        ("<b>Note!</b>Read", "**Note**!Read"),
        ("<strong>100%</strong>cotton", "**100**%cotton"),
        ("x<b>(a)</b>", "x(**a)**"),
        ("x<b>(a)</b>y", "x(**a**)y"),
        ("x<i>“a”</i>y", "x“_a_”y"),
        ("<b>Wait...</b>go", "**Wait**...go"),
        ("<i>a <b>b:</b>c</i>", r"*a **b\:***_c_"),
        ("<b><i>Now!</i></b>x", "***Now***!x"),
        ("<b><s>10 €!</s></b>5 €", "**~~10~~** €!5 €"),
        ("<b>5€</b>x", "**5**€x"),
        ("<b>1.</b>x", "**1**.x"),
        ("<b>Yes</b>!", "**Yes**!"),
        ("x<b>!</b>y", "x!y"),
    ] {
        let written = to_markdown(html).unwrap();
        assert_eq!(written, markdown, "{html}");
        let (read, wanted) = (of_markdown(&written), of_html(html));
        let words =
            |marked: Marked| -> Marked { marked.into_iter().filter(|(letter, _)| letter.is_alphanumeric()).collect() };
        assert_eq!(words(read), words(wanted), "{html}\n{written}");
    }
}

#[test]
fn a_picture_without_an_address_is_its_text() {
    for (html, markdown) in [
        ("<img src='data:image/gif;base64,R0' alt='A lamp'>", "A lamp"),
        ("<img src=javascript:alert(1) alt='*A* <b>lamp</b>'>", r"\*A\* \<b>lamp\</b>"),
        ("<img alt='A lamp' title=x>", "A lamp"),
        ("<img src='' alt=a>b", "ab"),
        ("<b>See <img alt='a lamp'></b>", "**See a lamp**"),
        ("<a href=/x><img alt=a></a>", "[a](/x)"),
        ("<img src=data:x><img alt=' '>", ""),
        ("<code>a<img alt=b></code><pre>c<img src=/i.png alt=d></pre>", "`ab`\n\n```\ncd\n```"),
        ("<h2><img alt=a></h2><ul><li><img alt=b></ul>", "## a\n\n- b"),
    ] {
        assert_eq!(to_markdown(html).unwrap(), markdown, "{html}");
    }
    assert_eq!(to_text("<img src=/i.png alt=a><img alt=b>c").unwrap(), "c");
}

#[test]
fn code_beside_code_is_one() {
    for (html, markdown) in [
        ("<code>a</code><code>b</code>", "`ab`"),
        ("<code>2)</code><code>*</code>", "`2)*`"),
        ("<code>`</code><code>``</code>", "```` ``` ````"),
        ("<code>a</code><b><code>b</code></b>", "`a`**`b`**"),
        ("x<b><code>a</code></b><code>b</code>", "x`ab`"),
    ] {
        assert_eq!(to_markdown(html).unwrap(), markdown, "{html}");
    }
}

/// Four times the marks take about four times as long, not sixteen times.
#[test]
fn many_marks_cost_in_proportion() {
    let work = |times: usize| {
        let html = "<b>a<i>b</i></b><s>c<i>d:</i></s>".repeat(times);
        let clock =
            || Duration::from(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("a clock of the thread"));
        let before = clock();
        let written = to_markdown(&html).unwrap();
        assert!(written.len() > html.len() / 4);
        clock() - before
    };
    // The fastest of three runs, since other load on the machine only adds time.
    let quickest = |times: usize| (0..3).map(|_| work(times)).min().unwrap_or_default();
    let (some, more) = (quickest(1_500), quickest(6_000));
    assert!(more < some * 10, "{some:?} for some, {more:?} for four times as many");
}

/// Nested marks, and text between them.
fn marked_html(marks: &'static [&'static str]) -> impl Strategy<Value = String> {
    const WORDS: [&str; 20] =
        ["a", "bc", "1", "é", "x y", " ", " ", ".", ":", "(", ")", "!", "*", "_", "~", "-", "“", "€", "%", "&amp;"];
    let text = prop_oneof![
        3 => proptest::sample::select(&WORDS[..6]).prop_map(str::to_owned),
        1 => proptest::sample::select(&WORDS[..]).prop_map(str::to_owned),
    ];
    let node = text.prop_recursive(4, 24, 4, move |inner| {
        let inside = proptest::collection::vec(inner, 1..4);
        (proptest::sample::select(marks), inside)
            .prop_map(|(mark, inside)| format!("<{mark}>{}</{mark}>", inside.concat()))
    });
    proptest::collection::vec(node, 1..6).prop_map(|nodes| nodes.concat())
}

/// How many of a thousand marked letters lost a mark.
fn lost(strategy: impl Strategy<Value = String>) -> (usize, usize) {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut marked, mut lost) = (0, 0);
    for _ in 0..400 {
        let html = strategy.new_tree(&mut runner).unwrap().current();
        let written = to_markdown(&html).unwrap();
        for ((letter, is), (_, wanted)) in of_markdown(&written).into_iter().zip(of_html(&html)) {
            if letter.is_alphanumeric() && wanted != 0 {
                marked += 1;
                lost += usize::from(is != wanted);
            }
        }
    }
    (lost * 1000 / marked, marked)
}

#[test]
fn few_marks_are_lost() {
    for (marks, most) in [(&["b", "i"][..], 1), (&["b"], 0), (&["i"], 0), (&["s"], 0), (&["b", "i", "s"], 10)] {
        let (lost, of) = lost(marked_html(marks));
        println!("{marks:?}: {lost} of a thousand letters ({of})");
        assert!(lost <= most, "{marks:?}: {lost} of a thousand letters");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_mark_is_where_none_was(html in marked_html(&["b", "i", "s", "strong", "em", "span"])) {
        let written = to_markdown(&html).unwrap();
        let (read, wanted) = (of_markdown(&written), of_html(&html));
        let text = |marked: &Marked| marked.iter().map(|(letter, _)| *letter).collect::<String>();
        prop_assert_eq!(text(&read), text(&wanted), "{}\n{}", html, written);
        for (is, of) in read.iter().zip(&wanted) {
            prop_assert_eq!(is.1 & !of.1, 0, "{}\n{}", html, written);
        }
    }

    #[test]
    fn a_reader_finds_what_is_claimed(parts in proptest::collection::vec(("[ab.(!“€ ]|a b", 0_u8..8), 1..9)) {
        let pieces: Vec<Piece> = parts.iter().map(|(text, wanted)| Piece {
            first: Class::of(text.chars().next().unwrap()),
            last: Class::of(text.chars().next_back().unwrap()),
            wanted: *wanted,
            weight: 1000,
        }).collect();
        let joints = Joints::new().between(&pieces, Class::Punctuation);
        prop_assert_eq!(joints.len(), pieces.len() + 1);
        let mut written = "|".to_owned();
        let mut wanted = vec![('|', 0)];
        for ((joint, (text, _)), marks) in joints.iter().zip(&parts).zip(claimed(&pieces, &joints, Class::Punctuation)) {
            written.push_str(&format!("{joint}{text}"));
            letters(text, marks, &mut wanted);
        }
        written.push_str(&format!("{}|", joints.last().unwrap()));
        wanted.push(('|', 0));
        prop_assert_eq!(of_markdown(&written), wanted, "{}", written);
    }
}
