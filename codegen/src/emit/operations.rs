//! `generated/src/operations.rs`: what the site implements itself, as traits, and how the server calls it.

use std::collections::BTreeSet;

use crate::emit::rust_file::{RustFile, doc, ident, list, text};
use crate::schema::{Argument, Computed, ContentType, Operation, Returns, Schema};

/// The two roots, which differ in what an operation has at hand.
struct Root<'a> {
    operations: &'a [Operation],
    name: &'static str,
    about: &'static str,
    cx: &'static str,
    register: &'static str,
}

pub fn file(schema: &Schema) -> String {
    let mut file =
        RustFile::new("What the site implements itself: computed fields, own queries, own mutations.", "schema/");
    let queries = Root {
        operations: &schema.queries,
        name: "Queries",
        about: "The site's own queries.",
        cx: "&ReadCx<'_>",
        register: "query",
    };
    let mutations = Root {
        operations: &schema.mutations,
        name: "Mutations",
        about: "The site's own mutations; each is one transaction.",
        cx: "&mut Cx<'_>",
        register: "mutation",
    };
    file.uses("runtime::prelude", ["*".to_owned()]);
    file.uses("crate::content", mentioned(schema));
    file.item(infos("QUERIES", queries.operations));
    file.item(infos("MUTATIONS", mutations.operations));
    let roots = [queries, mutations];
    file.items(roots.iter().filter(|root| !root.operations.is_empty()).map(operations_trait));
    file.item(site_trait(schema, &roots));
    file.item(site(schema, &roots));
    file.render()
}

/// The content types that operations return or that have computed fields.
fn mentioned(schema: &Schema) -> BTreeSet<String> {
    let returned = schema.queries.iter().chain(&schema.mutations).filter_map(|operation| match &operation.returns {
        Returns::Content { of, .. } => Some([of.pascal(), of.upper()]),
        Returns::Scalar { .. } => None,
    });
    let computing = with_computed(schema).map(|ty| ty.name.pascal() + "Computed");
    returned.flatten().chain(computing).collect()
}

fn with_computed(schema: &Schema) -> impl Iterator<Item = &ContentType> {
    schema.types.iter().filter(|ty| !ty.computed.is_empty())
}

fn infos(name: &str, operations: &[Operation]) -> String {
    let infos: String = operations.iter().map(info).collect();
    let infos = if infos.is_empty() { infos } else { format!("\n{infos}") };
    format!("pub static {name}: &[OperationInfo] = &[{infos}];")
}

fn info(operation: &Operation) -> String {
    let name = text(&operation.name.camel());
    let args: String = operation.args.iter().map(|arg| format!("            {},\n", argument_info(arg))).collect();
    let args = if args.is_empty() { args } else { format!("\n{args}        ") };
    let returns = match &operation.returns {
        Returns::Scalar { scalar, many } => format!("Returns::Scalar {{ kind: {}, many: {many} }}", scalar.kind()),
        Returns::Content { of, many } => format!("Returns::Content {{ of: &{}, many: {many} }}", of.upper()),
    };
    let roles: Vec<_> = operation.roles.iter().map(|role| text(role.snake())).collect();
    let roles = list("        roles: &[", &roles, "],", 8);
    format!(
        "    OperationInfo {{\n        name: {name},\n        args: &[{args}],\n        returns: {returns},\n{roles}\n    }},\n"
    )
}

fn argument_info(argument: &Argument) -> String {
    let default = argument.default.as_ref().map(|default| text(&default.0.to_string()));
    let default = default.map_or("None".to_owned(), |default| format!("Some({default})"));
    format!(
        "ArgumentInfo {{ name: {}, kind: {}, many: {}, required: {}, default: {default} }}",
        text(&argument.name.camel()),
        argument.scalar.kind(),
        argument.many,
        argument.required,
    )
}

fn operations_trait(root: &Root) -> String {
    let function = |operation: &Operation| {
        let mut args = vec!["&self".to_owned()];
        args.extend(operation.args.iter().map(|arg| format!("{}: {}", ident(&arg.name), rust_type(arg))));
        args.push(format!("cx: {}", root.cx));
        let end = format!(") -> impl Future<Output = Result<{}>> + Send;", result(&operation.returns));
        let function = list(&format!("    fn {}(", ident(&operation.name)), &args, &end, 4);
        doc(&operation.description, "    ") + &function + "\n"
    };
    let functions: Vec<_> = root.operations.iter().map(function).collect();
    let (about, name) = (root.about, root.name);
    format!("/// {about}\npub trait {name}: Send + Sync + 'static {{\n{}}}", functions.join("\n"))
}

fn rust_type(argument: &Argument) -> String {
    let item = argument.scalar.mapping().rust;
    let ty = if argument.many { format!("Vec<{item}>") } else { item.to_owned() };
    let given = argument.required || argument.default.is_some();
    if given { ty } else { format!("Option<{ty}>") }
}

/// Entries are returned by their ids: the server then reads what the client selected of them.
fn result(returns: &Returns) -> String {
    match returns {
        Returns::Scalar { scalar, many: true } => format!("Vec<{}>", scalar.mapping().rust),
        Returns::Scalar { scalar, many: false } => format!("Option<{}>", scalar.mapping().rust),
        Returns::Content { of, many: true } => format!("Vec<Id<{}>>", of.pascal()),
        Returns::Content { of, many: false } => format!("Option<Id<{}>>", of.pascal()),
    }
}

fn site_trait(schema: &Schema, roots: &[Root]) -> String {
    let computing = with_computed(schema).map(|ty| ty.name.pascal() + "Computed");
    let roots = roots.iter().filter(|root| !root.operations.is_empty()).map(|root| root.name.to_owned());
    let mut bounds: Vec<_> = computing.chain(roots).collect();
    bounds.extend(["Send", "Sync", "'static"].map(str::to_owned));
    let bounds = bounds.join(" + ");
    format!("/// All that the site implements.\npub trait Site: {bounds} {{}}\n\nimpl<T: {bounds}> Site for T {{}}")
}

fn site(schema: &Schema, roots: &[Root]) -> String {
    let computed =
        with_computed(schema).flat_map(|ty| ty.computed.iter().map(move |computed| register_computed(ty, computed)));
    let operations = roots.iter().flat_map(|root| root.operations.iter().map(|operation| register(root, operation)));
    let calls: String = computed.chain(operations).collect();
    format!(
        "/// The site's code, as the server calls it.
pub fn site<S: Site>(site: S) -> SiteCode {{
    SiteBuilder::new(site){calls}
        .build()
}}"
    )
}

fn register_computed(ty: &ContentType, computed: &Computed) -> String {
    let (owner, name, function) = (ty.name.pascal(), text(&computed.name.camel()), ident(&computed.name));
    let entries = format!("entries: &[crate::content::{owner}]");
    // Through the trait: another type may have a computed field of this name.
    format!(
        "\n        .computed({name}, |site, {entries}, cx| Box::pin({owner}Computed::{function}(site, entries, cx)))"
    )
}

fn register(root: &Root, operation: &Operation) -> String {
    let (register, name, function) = (root.register, text(&operation.name.camel()), ident(&operation.name));
    let args: String = (0..operation.args.len()).map(|index| format!("args.get({index})?, ")).collect();
    let given = if operation.args.is_empty() { "_" } else { "args" };
    format!(
        "\n        .{register}({name}, |site, {given}, cx| Box::pin(async move {{ {root}::{function}(site, {args}cx).await }}))",
        root = root.name,
    )
}
