//! Records of other systems are imported completely by the mappings in `import/`, and a second run changes nothing.

#[path = "import/catalogue.rs"]
mod catalogue;
#[path = "import/documentation.rs"]
mod documentation;
#[path = "import/files.rs"]
mod files;
#[path = "import/own.rs"]
mod own;
#[path = "import/real.rs"]
mod real;
#[path = "import/round_trip.rs"]
mod round_trip;
#[path = "import/rules.rs"]
mod rules;
#[path = "import/tables.rs"]
mod tables;
