//! Macros that turn generated structs and enums into records, components and field types.

/// An enum of the schema: `choice! { pub enum ProductStockStatus { InStock = "in_stock", OutOfStock = "out_of_stock" } }`.
#[macro_export]
macro_rules! choice {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$value_doc:meta])* $value:ident = $stored:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$value_doc])* $value),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The name in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $stored),+ }
            }
        }

        impl ::std::default::Default for $name {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl $crate::record::FieldType for $name {
            fn from_value(value: $crate::value::Value) -> ::std::result::Result<Self, ::std::string::String> {
                match &value {
                    $($crate::value::Value::Text(text) if text == $stored => Ok(Self::$value),)+
                    _ => Err($crate::record::unexpected(stringify!($name), &value)),
                }
            }

            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::Text(self.as_str().into())
            }
        }
    };
}

/// The components of a `blocks` field: `blocks! { pub enum ProductBodyBlock { Text = "text", Gallery = "gallery" } }`. Each variant has
/// the name of the component's struct, which must be in scope.
#[macro_export]
macro_rules! blocks {
    ($(#[$doc:meta])* pub enum $name:ident { $($component:ident = $tag:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name { $($component($component)),+ }

        impl $crate::record::FieldType for $name {
            fn from_value(value: $crate::value::Value) -> ::std::result::Result<Self, ::std::string::String> {
                match $crate::record::tag(&value) {
                    $(Some($tag) => $crate::record::component_from_value(value).map(Self::$component),)+
                    _ => Err($crate::record::unexpected(stringify!($name), &value)),
                }
            }

            fn to_value(&self) -> $crate::value::Value {
                match self { $(Self::$component(component) => $crate::record::component_to_value(component)),+ }
            }
        }
    };
}

/// Makes a struct with an `id` and system fields a `Content`: `entry!(Product, PRODUCT, [name, slug])`, with the fields in `INFO` order.
#[macro_export]
macro_rules! entry {
    ($name:ident, $info:ident, [$($field:ident),* $(,)?]) => {
        $crate::record!($name, $info, [$($field),*] {
            fn set_system(&mut self, system: $crate::record::System) {
                self.revision = system.revision;
                self.status = system.status;
                self.created_at = system.created_at;
                self.updated_at = system.updated_at;
                self.published_at = system.published_at;
                self.first_published_at = system.first_published_at;
                self.created_by = system.created_by;
                self.updated_by = system.updated_by;
                self.published_by = system.published_by;
            }
        });

        impl $crate::record::Content for $name {
            fn revision(&self) -> i64 {
                self.revision
            }
        }
    };
}

/// Makes a struct with an `id` a `Record`; used by the other macros.
#[macro_export]
macro_rules! record {
    ($name:ident, $info:ident, [$($field:ident),* $(,)?] { $($more:item)* }) => {
        impl $crate::id::Named for $name {
            fn table() -> &'static str {
                $info.table
            }
        }

        impl $crate::record::Record for $name {
            const INFO: &'static $crate::content::ContentInfo = &$info;

            fn id(&self) -> $crate::id::Id<Self> {
                self.id
            }

            fn set_id(&mut self, id: $crate::id::Id<Self>) {
                self.id = id;
            }

            fn fields(&mut self) -> ::std::vec::Vec<&mut dyn $crate::record::FieldValue> {
                ::std::vec![$(&mut self.$field),*]
            }

            $($more)*
        }
    };
}

/// Makes a struct a `Component` and a field type: `component!(Seo, SEO, [title, image])`.
#[macro_export]
macro_rules! component {
    ($name:ident, $info:ident, [$($field:ident),* $(,)?]) => {
        impl $crate::record::Component for $name {
            const INFO: &'static $crate::content::ComponentInfo = &$info;

            fn fields(&mut self) -> ::std::vec::Vec<&mut dyn $crate::record::FieldValue> {
                ::std::vec![$(&mut self.$field),*]
            }
        }

        impl $crate::record::FieldType for $name {
            fn from_value(value: $crate::value::Value) -> ::std::result::Result<Self, ::std::string::String> {
                $crate::record::component_from_value(value)
            }

            fn to_value(&self) -> $crate::value::Value {
                $crate::record::component_to_value(self)
            }
        }
    };
}

/// Makes a struct a `Record` and the item type of a children field: `children!(ProductVariant, PRODUCT_VARIANT, [sku, price])`.
#[macro_export]
macro_rules! children {
    ($name:ident, $info:ident, [$($field:ident),* $(,)?]) => {
        $crate::record!($name, $info, [$($field),*] {});

        impl $crate::record::FieldType for $name {
            fn from_value(value: $crate::value::Value) -> ::std::result::Result<Self, ::std::string::String> {
                $crate::record::child_from_value(value)
            }

            fn to_value(&self) -> $crate::value::Value {
                $crate::record::child_to_value(self)
            }
        }
    };
}
