//! Builders for fields in generated code: a name and a shape, then one call per deviation from the defaults.

use super::{ALL_LANGUAGES, FieldInfo, Required, Rules, Shape};

impl FieldInfo {
    pub const fn new(name: &'static str, snake: &'static str, shape: Shape) -> Self {
        let rules = Rules { min: None, max: None, pattern: None, from: None, schema: None };
        Self {
            name,
            snake,
            shape,
            required: Required::No,
            default: None,
            unique: None,
            filterable: false,
            sortable: false,
            collation: ALL_LANGUAGES,
            rules,
        }
    }

    pub const fn required(mut self) -> Self {
        self.required = Required::Save;
        self
    }

    pub const fn required_to_publish(mut self) -> Self {
        self.required = Required::Publish;
        self
    }

    pub const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    pub const fn unique(mut self, with: &'static [&'static str]) -> Self {
        self.unique = Some(with);
        self
    }

    pub const fn filterable(mut self) -> Self {
        self.filterable = true;
        self
    }

    pub const fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    pub const fn collation(mut self, collation: &'static str) -> Self {
        self.collation = collation;
        self
    }

    pub const fn min(mut self, min: &'static str) -> Self {
        self.rules.min = Some(min);
        self
    }

    pub const fn max(mut self, max: &'static str) -> Self {
        self.rules.max = Some(max);
        self
    }

    pub const fn pattern(mut self, pattern: &'static str) -> Self {
        self.rules.pattern = Some(pattern);
        self
    }

    pub const fn from(mut self, field: &'static str) -> Self {
        self.rules.from = Some(field);
        self
    }

    pub const fn schema(mut self, schema: &'static str) -> Self {
        self.rules.schema = Some(schema);
        self
    }
}
