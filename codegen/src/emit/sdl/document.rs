//! An SDL document as data: built by the emitter, printed, and read back to find breaking changes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// Definitions in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub definitions: Vec<Definition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub kind: Kind,
    pub name: String,
    pub description: String,
    pub implements: Vec<String>,
    /// `@oneOf`, `@specifiedBy(url: "…")`; empty for none.
    pub directive: String,
    /// Fields, input fields, enum values or union members, by kind.
    pub members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    Input,
}

/// A field, an argument, an enum value (without a type) or a member of a union (name only).
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub name: String,
    pub description: String,
    pub args: Vec<Member>,
    /// `[Product!]!`; empty if the kind of member has no type.
    pub ty: String,
    /// A literal: `LIVE`, `20`.
    pub default: Option<String>,
    pub deprecated: Option<String>,
}

impl Kind {
    /// The keyword that opens a definition.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Object => "type",
            Self::Interface => "interface",
            Self::Union => "union",
            Self::Enum => "enum",
            Self::Input => "input",
        }
    }

    pub const ALL: [Self; 6] = [Self::Scalar, Self::Object, Self::Interface, Self::Union, Self::Enum, Self::Input];
}

impl Definition {
    pub fn new(kind: Kind, name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            description: description.into(),
            implements: Vec::new(),
            directive: String::new(),
            members: Vec::new(),
        }
    }

    pub fn implements(mut self, interface: &str) -> Self {
        self.implements.push(interface.to_owned());
        self
    }

    pub fn directive(mut self, directive: impl Into<String>) -> Self {
        self.directive = directive.into();
        self
    }

    pub fn member(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    pub fn members(mut self, members: impl IntoIterator<Item = Member>) -> Self {
        self.members.extend(members);
        self
    }

    /// The types that this definition refers to.
    fn mentions(&self) -> impl Iterator<Item = &str> {
        let of_members = self.members.iter().flat_map(|member| {
            let named = if self.kind == Kind::Union { &member.name } else { &member.ty };
            std::iter::once(named.as_str()).chain(member.args.iter().map(|arg| arg.ty.as_str()))
        });
        of_members.chain(self.implements.iter().map(String::as_str)).map(type_name)
    }
}

impl Member {
    pub fn new(name: impl Into<String>, ty: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            args: Vec::new(),
            ty: ty.into(),
            default: None,
            deprecated: None,
        }
    }

    /// A value of an enum.
    pub fn value(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(name, "", description)
    }

    /// A member of a union.
    pub fn of_union(name: impl Into<String>) -> Self {
        Self::new(name, "", "")
    }

    pub fn args(mut self, args: impl IntoIterator<Item = Self>) -> Self {
        self.args.extend(args);
        self
    }

    pub fn default(mut self, literal: impl Into<String>) -> Self {
        self.default = Some(literal.into());
        self
    }

    pub fn deprecated(mut self, reason: Option<String>) -> Self {
        self.deprecated = reason;
        self
    }
}

impl Document {
    pub fn by_name(&self) -> BTreeMap<&str, &Definition> {
        self.definitions.iter().map(|definition| (definition.name.as_str(), definition)).collect()
    }

    /// Removes types that are not reachable from `Query` or `Mutation`, such as filters of unused field types.
    pub fn keep_reachable(&mut self) {
        let names = self.definitions.iter().map(|definition| definition.name.as_str());
        let places: BTreeMap<_, _> = names.zip(0..).collect();
        let mut reached = vec![false; self.definitions.len()];
        let mut open = vec!["Query", "Mutation", "Subscription"];
        while let Some(name) = open.pop() {
            let Some(&place) = places.get(name) else { continue };
            if !std::mem::replace(&mut reached[place], true) {
                open.extend(self.definitions[place].mentions());
            }
        }
        let mut reached = reached.into_iter();
        self.definitions.retain(|_| reached.next() == Some(true));
    }
}

/// `[Product!]!` → `Product`.
pub fn type_name(ty: &str) -> &str {
    let inner = ty.trim_start_matches('[');
    let end = inner.bytes().position(|byte| matches!(byte, b']' | b'!'));
    &inner[..end.unwrap_or(inner.len())]
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, definition) in self.definitions.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            definition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_description(f, &self.description, "")?;
        write!(f, "{} {}", self.kind.keyword(), self.name)?;
        if !self.implements.is_empty() {
            write!(f, " implements {}", self.implements.join(" & "))?;
        }
        if !self.directive.is_empty() {
            write!(f, " {}", self.directive)?;
        }
        match self.kind {
            Kind::Scalar => f.write_char('\n'),
            Kind::Union => {
                let names: Vec<_> = self.members.iter().map(|member| member.name.as_str()).collect();
                writeln!(f, " = {}", names.join(" | "))
            }
            _ => {
                f.write_str(" {\n")?;
                self.members.iter().try_for_each(|member| write_member(f, member, "  "))?;
                f.write_str("}\n")
            }
        }
    }
}

fn write_member(f: &mut fmt::Formatter<'_>, member: &Member, indent: &str) -> fmt::Result {
    write_description(f, &member.description, indent)?;
    write!(f, "{indent}{}", member.name)?;
    if !member.args.is_empty() {
        f.write_str("(\n")?;
        member.args.iter().try_for_each(|arg| write_member(f, arg, &format!("{indent}  ")))?;
        write!(f, "{indent})")?;
    }
    if !member.ty.is_empty() {
        write!(f, ": {}", member.ty)?;
    }
    if let Some(default) = &member.default {
        write!(f, " = {default}")?;
    }
    if let Some(reason) = &member.deprecated {
        write!(f, " @deprecated(reason: {})", quoted(reason))?;
    }
    f.write_char('\n')
}

/// A block string; the quotes are on separate lines if the text would otherwise run into them.
fn write_description(f: &mut fmt::Formatter<'_>, description: &str, indent: &str) -> fmt::Result {
    let mut text = Cow::Borrowed(description.trim());
    if text.contains("\"\"\"") {
        text = text.replace("\"\"\"", "\\\"\"\"").into();
    }
    if text.is_empty() {
        return Ok(());
    }
    if !text.contains('\n') && !text.ends_with(['"', '\\']) && !text.starts_with('"') {
        return writeln!(f, "{indent}\"\"\"{text}\"\"\"");
    }
    writeln!(f, "{indent}\"\"\"")?;
    for line in text.lines() {
        writeln!(f, "{}", format!("{indent}{line}").trim_end())?;
    }
    writeln!(f, "{indent}\"\"\"")
}

/// A string literal; GraphQL has the same escapes as JSON.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
