//! HTML that is written as Markdown and rendered again shows the same text, and nothing in it becomes active.

use std::collections::BTreeSet;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use super::{blanks, to_markdown, to_text, tree};

mod marks;

#[test]
fn html_becomes_markdown() {
    for (html, markdown) in [
        ("plain text ", "plain text"),
        ("<p>One <b>two</b></p><p>three</p>", "One **two**\n\nthree"),
        ("<p>one<p>two<div>three</div>four", "one\n\ntwo\n\nthree\n\nfour"),
        ("<h2>Care &amp; wash</h2>cold", "## Care & wash\n\ncold"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol start=3><li>c</li><li><p>d</p><p>e</p></li></ol>", "3. c\n\n4. d\n\n   e"),
        ("<ul><li>a</ul><ul><li>b</ul>", "- a\n\n+ b"),
        ("<blockquote>a<p>b</blockquote>", "> a\n>\n> b"),
        ("a<hr>b", "a\n\n***\n\nb"),
        ("Tom &amp; Jerry&trade;<script>alert(1)</script><style>p{}</style>", "Tom & Jerry™"),
        ("<table><tr><th>Size</th></tr><tr><td>L</td></tr></table>", "| Size |\n| --- |\n| L |"),
        ("<table><tr><td>a|b</td><td>c<br>d</td></tr></table>", "|  |  |\n| --- | --- |\n| a\\|b | c d |"),
        ("<a href='/x'>y</a>", "[y](/x)"),
        ("<a href='/a b(1)'>x</a>", "[x](</a b(1)>)"),
        (
            "<a href='https://a.example/?a=1&copy=2' title='A \"b\"'>x</a>",
            r#"[x](https://a.example/?a=1&copy=2 "A \"b\"")"#,
        ),
        ("<img src='/i.png' alt='A lamp'>", "![A lamp](/i.png)"),
        ("<b> spaced </b>text", "**spaced** text"),
        ("<b>a</b><b>b</b><i>c</i> <i>d</i>e", "**ab**_c_ *d*e"),
        ("x<b>\"a\"</b>x", "x\"**a**\"x"),
        ("<pre>  two\n    four</pre>", "```\n  two\n    four\n```"),
        ("<pre><code class='language-rust'>let a = `b`;</code></pre>", "```rust\nlet a = `b`;\n```"),
        ("<code>a`b</code>", "``a`b``"),
        ("<p>a<br><br>b&nbsp;c", "a  \n\\\nb\u{a0}c"),
        ("<b>a<p>b</p></b>", "**a**\n\n**b**"),
    ] {
        assert_eq!(to_markdown(html).unwrap(), markdown, "{html}");
    }
}

#[test]
fn text_that_is_no_markdown_does_not_become_some() {
    for (html, markdown) in [
        ("Size 2*3*4, code a_b_c, *new*", r"Size 2\*3\*4, code a_b_c, \*new\*"),
        ("<p>Size 2*3*4, code a_b_c, *new*</p>", r"Size 2\*3\*4, code a_b_c, \*new\*"),
        ("# 1 seller\n- not a list\n1. not a list", "\\# 1 seller\n\\- not a list\n1\\. not a list"),
        ("<p># 1 seller</p>", r"\# 1 seller"),
        ("<p>1986. A good year</p>", r"1986\. A good year"),
        ("<p>a<br>---", "a  \n\\---"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("&amp;lt; &lt;b&gt; AT&T", r"\&lt; \<b> AT&T"),
        (
            "see https://a.example or www.a.example, a@b.example",
            r"see https\://a.example or www\.a.example, a\@b.example",
        ),
        ("[x](y) ![z](w)", r"\[x\](y) !\[z\](w)"),
        ("wow!<a href=/x>y</a>", r"wow\![y](/x)"),
        ("a|b<br>--|--", "a\\|b  \n\\--\\|--"),
    ] {
        assert_eq!(to_markdown(html).unwrap(), markdown, "{html}");
    }
}

#[test]
fn what_is_escaped_does_not_come_alive() {
    for (html, markdown) in [
        ("<pre>&lt;img src=x onerror=alert(1)&gt;</pre>", "```\n<img src=x onerror=alert(1)>\n```"),
        ("<p>&lt;script&gt;alert(1)&lt;/script&gt;", r"\<script>alert(1)\</script>"),
        ("<p>&amp;lt;script&amp;gt;", r"\&lt;script\&gt;"),
        ("<a href=\"javascript:alert(1)\">x</a>", "x"),
        ("<a href=\" java\nscript:alert(1)\">x</a>", "x"),
        ("<a href=\"\u{1}VBScript:x\">x</a><a href='data:text/html,x'>y</a>", "xy"),
        ("<img src='data:image/png;base64,x' alt=a>b", "ab"),
        ("<a href='/x' title='\" onclick=alert(1)'>x</a>", r#"[x](/x "\" onclick=alert(1)")"#),
        ("<img alt='](javascript:alert(1))' src='/i.png'>", r"![\](javascript:alert(1))](/i.png)"),
        ("<a href='/x\"><img src=x onerror=alert(1)>'>y</a>", "[y](</x%22%3E%3Cimg src=x onerror=alert(1)%3E>)"),
        ("<svg><script>alert(1)</script></svg>a", "a"),
        ("<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">a", "a"),
        ("<a href='/x'>](javascript:alert(1))</a>", r"[\](javascript:alert(1))](/x)"),
    ] {
        assert_eq!(to_markdown(html).unwrap(), markdown, "{html}");
    }
}

#[test]
fn html_becomes_text() {
    for (html, text) in [
        (
            "<p>Cocona&reg; <b>performance</b>&nbsp;fabric</p>\n<!-- x --><ul><li>a &lt; b</li><li>&#8364; &#x41; &unknown;</li></ul>",
            "Cocona® performance\u{a0}fabric\na < b\n€ A &unknown;",
        ),
        ("&Uuml;ber Pi&ntilde;a &AElig; 5 m&sup2; &frac12; &check;&rarr;&hearts;", "Über Piña Æ 5 m² ½ ✓→♥"),
        ("10&#150;20 &#147;x&#148; &copy 2020", "10–20 “x” © 2020"),
        ("&amp;lt;b&amp;gt; &#x110000;&#0;&#1;&#129;", "&lt;b&gt; \u{fffd}\u{fffd}"),
        ("<table><tr><td>a</td><td>b<br>c</td></tr><tr><td>d</td></tr></table>", "a b c\nd"),
        ("one\ntwo", "one two"),
    ] {
        assert_eq!(to_text(html).unwrap(), text, "{html}");
    }
}

#[test]
fn hostile_html_is_refused_before_it_costs() {
    for (html, reason) in [
        ("<div>".repeat(200_000), "nested elements"),
        ("<b><i>".repeat(100_000), "nested elements"),
        // Each paragraph opens all of them again.
        (
            format!(
                "<p>{}</p>{}",
                (0..200).map(|n| format!("<b c={n}>")).collect::<String>(),
                "<p>x</p>".repeat(5_000)
            ),
            "elements and texts",
        ),
        ("<p>".repeat(300_000), "elements and texts"),
    ] {
        let started = std::time::Instant::now();
        assert!(to_markdown(&html).unwrap_err().contains(reason), "{}", &html[..40]);
        assert!(started.elapsed().as_secs() < 10, "{}", &html[..40]);
    }
}

/// The visible text without blanks, and the elements of the rendering.
struct Shown {
    text: String,
    elements: BTreeSet<String>,
    targets: Vec<String>,
}

fn render(markdown: &str) -> Shown {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let mut shown = Shown { text: String::new(), elements: BTreeSet::new(), targets: Vec::new() };
    let mut in_image = 0;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Text(text) | Event::Code(text) if in_image == 0 => {
                shown.text.extend(text.chars().filter(|letter| !letter.is_whitespace()));
            }
            Event::Html(html) | Event::InlineHtml(html) => panic!("raw HTML: {html} in {markdown:?}"),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => panic!("{markdown:?}"),
            Event::Start(Tag::Link { dest_url, .. }) => shown.targets.push(dest_url.into_string()),
            Event::Start(Tag::Image { dest_url, .. }) => {
                in_image += 1;
                shown.targets.push(dest_url.into_string());
            }
            Event::End(TagEnd::Image) => in_image -= 1,
            _ => {}
        }
    }
    let mut rendered = String::new();
    html::push_html(&mut rendered, Parser::new_ext(markdown, options));
    let tree = tree::parse(&rendered).unwrap();
    let mut open = vec![tree::Tree::ROOT];
    while let Some(id) = open.pop() {
        open.extend(tree.children(id));
        let name = tree.name(id);
        if !name.is_empty() {
            shown.elements.insert(name.to_owned());
        }
        assert!(tree.attribute(id, "onerror").is_none() && tree.attribute(id, "onclick").is_none(), "{rendered}");
    }
    shown
}

/// Syntax of Markdown and HTML, entities and addresses, which texts must not turn into.
fn nasty() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("a"),
        Just("b1"),
        Just(" "),
        Just(" "),
        Just("\n"),
        Just("\n\n"),
        Just("*"),
        Just("**"),
        Just("_"),
        Just("`"),
        Just("``"),
        Just("~~"),
        Just("["),
        Just("]"),
        Just("]("),
        Just("("),
        Just(")"),
        Just("!"),
        Just("<"),
        Just(">"),
        Just("#"),
        Just("# "),
        Just("- "),
        Just("-"),
        Just("---"),
        Just("+ "),
        Just("1. "),
        Just("2)"),
        Just("="),
        Just("==="),
        Just("|"),
        Just("|-|"),
        Just(":-"),
        Just("\\"),
        Just("\\*"),
        Just("&"),
        Just("&amp;"),
        Just("&lt;"),
        Just("&#42;"),
        Just(";"),
        Just("copy"),
        Just("\""),
        Just("'"),
        Just("http://"),
        Just("www."),
        Just("a@b.example"),
        Just("javascript:"),
        Just("<b>"),
        Just("<script>"),
        Just("é"),
        Just("“"),
        Just("\u{a0}"),
        Just("    "),
        Just("\t"),
        Just("[^1]"),
        Just("[x]: /y"),
        Just("[ ] "),
        Just("x=1"),
    ];
    proptest::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

#[derive(Clone, Debug)]
enum Html {
    Text(String),
    Element(&'static str, Vec<Html>),
    Link(String, Vec<Html>),
    Image(String, String),
    Void(&'static str),
}

fn some_html() -> impl Strategy<Value = Vec<Html>> {
    let leaf = prop_oneof![
        6 => nasty().prop_map(Html::Text),
        1 => (nasty(), nasty()).prop_map(|(to, alt)| Html::Image(to, alt)),
        1 => prop_oneof![Just("br"), Just("hr")].prop_map(Html::Void),
    ];
    let element = prop_oneof![
        Just("p"),
        Just("div"),
        Just("b"),
        Just("i"),
        Just("em"),
        Just("strong"),
        Just("s"),
        Just("span"),
        Just("ul"),
        Just("ol"),
        Just("li"),
        Just("blockquote"),
        Just("code"),
        Just("pre"),
        Just("h2"),
        Just("h6"),
        Just("sup"),
        Just("dl"),
        Just("dt"),
    ];
    let tree = leaf.prop_recursive(5, 40, 5, move |inner| {
        let children = proptest::collection::vec(inner, 0..5);
        prop_oneof![
            6 => (element.clone(), children.clone()).prop_map(|(name, children)| Html::Element(name, children)),
            1 => (nasty(), children.clone()).prop_map(|(to, children)| Html::Link(to, children)),
            1 => proptest::collection::vec(children, 1..4)
                .prop_map(|cells| Html::Element("table", vec![Html::Element("tr", cells.into_iter().map(|cell| Html::Element("td", cell)).collect())])),
        ]
    });
    proptest::collection::vec(tree, 0..5)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn source(html: &[Html]) -> String {
    let mut out = String::new();
    for each in html {
        match each {
            Html::Text(text) => out.push_str(&escaped(text)),
            Html::Element(name, inside) => out.push_str(&format!("<{name}>{}</{name}>", source(inside))),
            Html::Link(to, inside) => {
                out.push_str(&format!("<a href=\"{}\" title=\"{0}\">{}</a>", escaped(to), source(inside)))
            }
            Html::Image(to, alt) => {
                out.push_str(&format!("<img src=\"{}\" alt=\"{}\" title=\"{1}\">", escaped(to), escaped(alt)))
            }
            Html::Void(name) => out.push_str(&format!("<{name}>")),
        }
    }
    out
}

/// The texts of a tree in the order in which a browser shows them, computed independently of the writer. A picture
/// without a usable address is its text.
fn visible(html: &str) -> String {
    fn walk(tree: &tree::Tree, id: usize, code: bool, out: &mut String) {
        let code = code || matches!(tree.name(id), "code" | "pre");
        let address = tree.attribute(id, "src").and_then(blanks::address);
        let picture = tree.name(id) == "img" && (code || address.is_none());
        let shown = match &tree.node(id).is {
            tree::Is::Text(text) => text,
            _ if picture => tree.attribute(id, "alt").unwrap_or_default(),
            _ => "",
        };
        out.extend(shown.chars().filter(|letter| !letter.is_whitespace()));
        tree.children(id).iter().for_each(|child| walk(tree, *child, code, out));
    }
    let mut out = String::new();
    walk(&tree::parse(html).unwrap(), tree::Tree::ROOT, false, &mut out);
    out
}

#[track_caller]
fn is_faithful(html: &str) -> Result<(), TestCaseError> {
    let markdown = to_markdown(html).unwrap();
    let shown = render(&markdown);
    prop_assert_eq!(&shown.text, &visible(html), "{}\n--- is\n{}", html, markdown);
    for (made, of) in [
        (&["strong"][..], &["<b>", "<strong>"][..]),
        (&["em"], &["<i>", "<em>"]),
        (&["del"], &["<s>"]),
        (&["a"], &["<a "]),
        (&["img"], &["<img "]),
        (&["ul"], &["<ul>"]),
        (&["ol"], &["<ol>"]),
        (&["code"], &["<code>", "<pre>"]),
        (&["pre"], &["<pre>"]),
        (&["table"], &["<table>"]),
        (&["h2"], &["<h2>"]),
        (&["h6"], &["<h6>"]),
        (&["hr"], &["<hr>"]),
        (&["blockquote"], &["<blockquote>"]),
        (&["h1", "h3", "h4", "h5", "input", "sup", "script"], &["never"]),
    ] {
        if made.iter().any(|made| shown.elements.contains(*made)) {
            prop_assert!(of.iter().any(|of| html.contains(of)), "{:?} in\n{}\n--- of\n{}", made, markdown, html);
        }
    }
    for target in shown.targets {
        let scheme = target.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
        let safe = !scheme.contains(':')
            || ["http:", "https:", "mailto:", "tel:", "ftp:"].iter().any(|known| scheme.starts_with(known));
        prop_assert!(safe, "{} in {}", target, markdown);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn html_shows_the_same_text_as_markdown(html in some_html()) {
        is_faithful(&source(&html))?;
    }

    #[test]
    fn plain_text_shows_itself(text in nasty()) {
        is_faithful(&escaped(&text))?;
    }

    #[test]
    fn any_bytes_of_html_are_safe(html in "(<[a-z]{1,3}( [a-z]{2}=['\"]?)?|</[a-z]{1,2}>|>|&[a-z#0-9]{1,4};?|[a-z*_\\[\\]()!`'\" \n#-]{1,3}){0,30}") {
        let markdown = to_markdown(&html).unwrap();
        render(&markdown);
        to_text(&html).unwrap();
    }
}
