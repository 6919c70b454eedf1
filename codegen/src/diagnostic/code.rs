//! `Code`: every kind of mistake, with its sentence for the language reference.

use std::fmt;

/// Codes are never renumbered: S1 the file, S2 names and references, S3 fields and options, S4 the site, S5 warnings.
macro_rules! codes {
    ($($variant:ident $code:literal $about:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $about] $variant,)*
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// One sentence for the language reference.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

codes! {
    NotYaml "S101" "The file is not YAML.";
    UnsupportedYaml "S102" "Anchors, aliases, tags and merge keys are not part of the language.";
    DuplicateKey "S103" "A key, or an item of a list of names, is written twice in the same place.";
    TooBig "S104" "A file is larger or deeper than any schema needs to be.";
    WrongShape "S105" "A value has the wrong shape: text where a list is expected, for example.";
    UnknownKey "S106" "The key is not allowed here.";
    MissingKey "S107" "A required key is missing.";
    UnknownFile "S108" "The file is in the wrong folder, or its name is not the name of what it declares.";
    UnknownValue "S109" "The value is not one of those that the key accepts.";
    OutOfRange "S110" "A number is outside its range.";
    NoSite "S111" "`schema/cms.yaml` is missing.";

    NotSnakeCase "S201" "A name is not `snake_case`.";
    NameTooLong "S202" "A name, or the name of a table or column made from it, is too long for PostgreSQL.";
    ReservedName "S203" "A name is taken by the system, by GraphQL or by Rust.";
    UnknownFieldType "S204" "The field type does not exist.";
    TypeNameTaken "S205" "Two declarations would create the same type, table or index.";
    FieldNameTaken "S206" "Two fields would create the same column or the same field of the API.";
    UnknownType "S207" "The content type does not exist.";
    UnknownComponent "S208" "The component does not exist.";
    InverseTaken "S209" "The inverse of a relation has the name of another field of its target.";
    ComponentCycle "S210" "Components contain each other without end.";
    UnknownField "S211" "The field does not exist.";
    OperationNameTaken "S212" "Two queries or two mutations would have the same name.";

    OptionNotTaken "S301" "The option is not allowed on a field of this type.";
    BadDefault "S302" "The default is not a valid value of the field.";
    BoundsCrossed "S303" "`min` is above `max`.";
    BadBound "S304" "`min` or `max` is not a valid bound of the field.";
    BadPattern "S305" "The pattern is not a regular expression.";
    BadSlugSource "S306" "A slug is made from a field that is not a single line of text.";
    RequiredSetNull "S307" "A required relation cannot become null when its target is deleted.";
    NotAllowedHere "S308" "Fields of this type are not allowed in children or in components.";
    BadValues "S309" "The values of an enum are missing or collide.";
    BadDate "S310" "A date is not a day in the calendar, or a period is not one of ISO 8601.";
    BadRemoval "S311" "`was` or `drop` contradicts the rest of the schema.";
    BadIndex "S312" "An index names something that cannot be indexed.";
    BadUnique "S313" "`unique` names something that is not a single column of the same table.";
    BadTitle "S314" "The title is not a field of text.";
    BadJsonSchema "S315" "The JSON Schema of a field is not valid.";
    PublishWithoutDrafts "S316" "A field is required to publish, and the type has no drafts: an entry is public as soon as it is saved.";
    TooMuch "S317" "A table would have more columns, an index more keys, or a relation more targets than PostgreSQL allows.";
    BadPath "S318" "The paths of a content type cannot be made from its fields, or another type has the same ones.";
    BadReview "S319" "The stages of a review are incomplete, contradict one another or have no effect.";
    BadPreviewUrl "S320" "The address of the page that shows an entry is not one, or cannot be made from the fields.";
    BadSearch "S321" "The search of a content type names something that has no text, or a value that it cannot have.";

    UnknownCurrency "S401" "The code is not a currency of ISO 4217.";
    BadLocale "S402" "The locale is not a BCP 47 tag.";
    UnknownRole "S403" "The role does not exist.";
    BadAccess "S404" "An access rule does not fit its role, its action or its type, or has no effect.";
    NoAccess "S405" "A content type has no access rules.";
    BadCondition "S406" "A condition in an access rule names a field that cannot be used in a condition, or an unknown operator.";
    BadConditionValue "S407" "A value in an access rule is not a valid value of its field.";
    NotAUser "S408" "`$user` is used where a user is not allowed.";
    BadFields "S409" "An access rule lists fields that its action cannot use.";
    BadRole "S410" "A role is given a right that it cannot have.";
    NoRoles "S411" "A query or mutation of the site does not say which roles may call it.";

    NotYetInForce "S501" "The option is accepted and checked, but has no effect yet.";
    NotTypeId "S502" "Other software does not accept the ids of the type as TypeIDs, since their prefix has digits.";
    WideRow "S503" "A row with a value in every field may be larger than a PostgreSQL page, and then could not be saved.";
    CannotMerge "S504" "Two blocks, or two types that a relation points at, have a field of one name and different types or nullability: no query can ask for both without an alias.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
