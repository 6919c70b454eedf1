//! Why a migration is refused, as readable text.

/// Why a migration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A hazard's code, or `M001` for an answer that makes no sense.
    pub code: &'static str,
    pub subject: String,
    pub message: String,
    pub help: Vec<String>,
    /// The arguments to add to the command to proceed; empty if an answer must be corrected first.
    pub arguments: Vec<String>,
    /// SQL that counts the affected entries, for callers with a database.
    pub question: Option<String>,
}

impl Refusal {
    /// Whether the name is taken. Losing either holder is then not worth mentioning.
    pub fn is_taken(&self) -> bool {
        self.code == "M002"
    }

    pub fn bad_value(subject: &str, why: &str) -> Self {
        Self::wrong_answer(subject, format!("--set {subject}: {why}"), Vec::new())
    }

    pub fn unused_value(subject: &str) -> Self {
        let help = "give values only for fields that are new or newly required, as `type.field`".to_owned();
        Self::wrong_answer(subject, format!("--set {subject}: no existing row needs a value there"), vec![help])
    }

    /// The argument would answer a later question that nobody has seen.
    pub fn unused_answer(argument: &str) -> Self {
        let subject = argument.rsplit('=').next().unwrap_or(argument);
        let help = "omit it, or name a hazard by its code and `type.field`".to_owned();
        Self::wrong_answer(subject, format!("{argument}: no hazard needs it"), vec![help])
    }

    fn wrong_answer(subject: &str, message: String, help: Vec<String>) -> Self {
        Self { code: "M001", subject: subject.to_owned(), message, help, arguments: Vec::new(), question: None }
    }

    /// Whether an answer must be corrected before anything else is asked.
    pub fn is_wrong_answer(&self) -> bool {
        self.code == "M001"
    }

    /// Whether both concern money's two columns, which lack their values together.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        self == other || (other.code == "M201" && (self.code, &self.subject) == (other.code, &other.subject))
    }

    /// `subject` is meant to replace what was called `was`, but something else has its name.
    pub fn taken(subject: &str, former: &str, was: &str) -> Self {
        let message = format!(
            "{former} is to be renamed to {subject}, but there is another {subject}, whose values would be lost"
        );
        let help = vec![
            format!("to keep both: write `was: {was}` under an unused name"),
            format!(
                "to lose it in two steps: restore {former}, remove {subject} from the schema and run `cargo xtask generate`; then write `was: {was}` as now, and run it again"
            ),
        ];
        Self { code: "M002", subject: subject.to_owned(), message, help, arguments: Vec::new(), question: None }
    }

    /// The refusal for people, in the shape of a diagnostic.
    pub fn render(&self) -> String {
        let help: String = self.help.iter().map(|help| format!("\n  = help: {help}")).collect();
        format!("error[{}]: {}{help}", self.code, self.message)
    }
}
