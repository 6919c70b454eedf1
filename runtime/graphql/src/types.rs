//! The API's types from the SDL, for lookups in coercion, limits and execution.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    ConstDirective, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{Positioned, parse_schema};
use async_graphql::{Name, Value as ConstValue};
use indexmap::IndexMap;

use super::limits::facts::Facts;
use base::error::{Code, Error, Result};
use model::content::SchemaInfo;

/// The scalars of the specification.
pub(super) const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];
const INTROSPECTION_HAS: [&str; 2] = ["String", "Boolean"];

/// All types of the SDL, by name.
pub struct Types {
    types: HashMap<String, Declared>,
    pub facts: Facts,
    /// The parsed SDL, for the registry that validates and introspects.
    pub(super) definitions: Vec<TypeDefinition>,
}

pub enum Declared {
    Scalar,
    /// Objects and interfaces.
    Fields {
        fields: IndexMap<String, Field>,
        is_object: bool,
    },
    Union,
    Enum(Vec<String>),
    Input {
        fields: IndexMap<String, Input>,
        one_of: bool,
    },
}

pub struct Field {
    pub arguments: IndexMap<String, Input>,
    pub ty: Type,
}

/// An argument or a field of an input type.
pub struct Input {
    pub ty: Type,
    pub default: Option<ConstValue>,
}

impl Types {
    /// The types of a site's SDL, with facts from its content types.
    pub fn of(schema: &SchemaInfo) -> Result<Self> {
        let types = Self::parse(schema.sdl)?;
        Ok(Self { facts: types.facts.and_of_content(schema), ..types })
    }

    pub fn parse(sdl: &str) -> Result<Self> {
        let document =
            parse_schema(sdl).map_err(|error| Error::internal(format!("the SDL does not parse: {error}")))?;
        let definitions: Vec<_> = document
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(definition) => Some(definition.node),
                TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
            })
            .collect();
        let mut types: HashMap<_, _> = definitions.iter().map(|ty| (ty.name.node.to_string(), declared(ty))).collect();
        // Introspection uses the first two; the others are types of the API only if it mentions them.
        let mentioned = mentioned(&definitions);
        let built_in = BUILT_IN.into_iter().filter(|name| INTROSPECTION_HAS.contains(name) || mentioned.contains(name));
        types.extend(built_in.map(|name| (name.to_owned(), Declared::Scalar)));
        let facts = Facts::of_sdl(&types);
        Ok(Self { types, facts, definitions })
    }

    pub fn get(&self, name: &str) -> Option<&Declared> {
        self.types.get(name)
    }

    /// A field of an object or interface; `None` for introspection's own fields.
    pub fn field(&self, ty: &str, field: &str) -> Option<&Field> {
        match self.types.get(ty)? {
            Declared::Fields { fields, .. } => fields.get(field),
            Declared::Scalar | Declared::Union | Declared::Enum(_) | Declared::Input { .. } => None,
        }
    }

    /// The names of the fields of an object or interface.
    pub fn fields(&self, ty: &str) -> impl Iterator<Item = &String> {
        let fields = match self.types.get(ty) {
            Some(Declared::Fields { fields, .. }) => Some(fields.keys()),
            _ => None,
        };
        fields.into_iter().flatten()
    }

    pub fn is_object(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Declared::Fields { is_object: true, .. }))
    }

    /// The field, or an error if the document was not validated.
    pub fn known_field(&self, ty: &str, field: &str) -> Result<&Field> {
        self.field(ty, field)
            .ok_or_else(|| Error::new(Code::GraphqlValidationFailed, format!("unknown field `{field}` on type `{ty}`")))
    }
}

/// The types of all fields and arguments, by name.
fn mentioned(definitions: &[TypeDefinition]) -> HashSet<&str> {
    let mut names = HashSet::new();
    for definition in definitions {
        let (fields, inputs) = match &definition.kind {
            TypeKind::Object(object) => (object.fields.as_slice(), [].as_slice()),
            TypeKind::Interface(interface) => (interface.fields.as_slice(), [].as_slice()),
            TypeKind::InputObject(input) => ([].as_slice(), input.fields.as_slice()),
            TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) => continue,
        };
        names.extend(fields.iter().map(|field| named(&field.node.ty.node).as_str()));
        let arguments = fields.iter().flat_map(|field| &field.node.arguments);
        names.extend(arguments.chain(inputs).map(|input| named(&input.node.ty.node).as_str()));
    }
    names
}

fn declared(ty: &TypeDefinition) -> Declared {
    match &ty.kind {
        TypeKind::Scalar => Declared::Scalar,
        TypeKind::Object(object) => Declared::Fields { fields: fields(&object.fields), is_object: true },
        TypeKind::Interface(interface) => Declared::Fields { fields: fields(&interface.fields), is_object: false },
        TypeKind::Union(_) => Declared::Union,
        TypeKind::Enum(choice) => {
            Declared::Enum(choice.values.iter().map(|value| value.node.value.node.to_string()).collect())
        }
        TypeKind::InputObject(input) => {
            Declared::Input { fields: inputs(&input.fields), one_of: directive(&ty.directives, "oneOf").is_some() }
        }
    }
}

fn fields(fields: &[Positioned<async_graphql::parser::types::FieldDefinition>]) -> IndexMap<String, Field> {
    let field = |field: &Positioned<async_graphql::parser::types::FieldDefinition>| {
        let declared = Field { arguments: inputs(&field.node.arguments), ty: field.node.ty.node.clone() };
        (field.node.name.node.to_string(), declared)
    };
    fields.iter().map(field).collect()
}

fn inputs(inputs: &[Positioned<InputValueDefinition>]) -> IndexMap<String, Input> {
    let input = |input: &Positioned<InputValueDefinition>| {
        let default = input.node.default_value.as_ref().map(|value| value.node.clone());
        (input.node.name.node.to_string(), Input { ty: input.node.ty.node.clone(), default })
    };
    inputs.iter().map(input).collect()
}

/// The directive with this name on a definition.
pub(super) fn directive<'a>(directives: &'a [Positioned<ConstDirective>], name: &str) -> Option<&'a ConstDirective> {
    directives.iter().map(|directive| &directive.node).find(|directive| directive.name.node == name)
}

/// The name inside of all lists and non-nulls.
pub fn named(ty: &Type) -> &Name {
    match &ty.base {
        async_graphql::parser::types::BaseType::Named(name) => name,
        async_graphql::parser::types::BaseType::List(inner) => named(inner),
    }
}

/// Whether it is a list, non-null or not.
pub fn is_list(ty: &Type) -> bool {
    matches!(ty.base, async_graphql::parser::types::BaseType::List(_))
}
