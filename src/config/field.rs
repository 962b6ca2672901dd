//! A field, declared once: everything that schema, template, flags, variables, `config show`,
//! Python and the docs say about it is derived from [`Field`].

use super::advice;
use super::kind::Kind;
use super::value::{Mistake, Raw, Value};

/// Which configuration a field belongs to, and where its layers come from.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// Command name, and name of the table in pyproject.toml: `pounce`.
    pub name: &'static str,
    /// The configuration's name in Python: `ServerConfig`.
    pub class: &'static str,
    /// File in the working directory.
    pub file: &'static str,
    /// Prefix of environment variables.
    pub env_prefix: &'static str,
    /// Schema of the file, by its `$id`.
    pub schema_id: &'static str,
}

/// The server's configuration.
pub const POUNCE: Product = Product {
    name: "pounce",
    class: "ServerConfig",
    file: "pounce.toml",
    env_prefix: "POUNCE_",
    schema_id: "urn:pounce-rs:schema:pounce.toml",
};

/// The Chirp app's configuration.
pub const CHIRP: Product = Product {
    name: "chirp",
    class: "AppConfig",
    file: "chirp.toml",
    env_prefix: "CHIRP_",
    schema_id: "urn:pounce-rs:schema:chirp.toml",
};

/// What a group of fields is about; orders the template, `--help` and the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic(pub &'static str);

/// The default of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// Not set.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Text.
    Text(&'static str),
    /// A list of texts.
    List(&'static [&'static str]),
    /// An empty table.
    Table,
    /// No flags.
    Flags,
}

impl Default {
    /// As a value.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Number(value) => Value::Number(*value),
            Self::Text(text) => Value::Text((*text).to_owned()),
            Self::List(items) => Value::List(items.iter().map(|&item| item.to_owned()).collect()),
            Self::Table => Value::Table(std::collections::BTreeMap::new()),
            Self::Flags => Value::Flags(std::collections::BTreeMap::new()),
        }
    }
}

/// How a flag takes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagForm {
    /// `--name` and `--no-name`.
    Switch,
    /// `--name VALUE`.
    Value,
    /// `--name A --name B`.
    Repeated,
}

/// A command-line flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: &'static str,
    /// How it takes its value.
    pub form: FlagForm,
}

/// What `config show` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// The value.
    Value,
    /// `<name>_set = true|false`.
    Presence,
    /// Nothing.
    Nothing,
}

/// What of a value is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing.
    Public,
    /// All of it.
    Secret,
    /// User name and password of a URL.
    UserInformation,
}

/// Whether a field may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// Kept as it is.
    Stable,
    /// May change in a minor version.
    Beta,
}

impl Stability {
    /// As the schema says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Beta => "beta",
        }
    }
}

/// One field of a configuration.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in TOML and Python.
    pub name: &'static str,
    /// What it means; the first sentence stands alone.
    pub doc: &'static str,
    /// Group.
    pub topic: Topic,
    /// Type and range.
    pub kind: Kind,
    /// Value where no layer says anything.
    pub default: Default,
    /// Whether it can be unset.
    pub nullable: bool,
    /// `seconds`, `bytes`, ...
    pub unit: Option<&'static str>,
    /// Flag, where it has one.
    pub flag: Option<Flag>,
    /// What `config show` prints.
    pub display: Display,
    /// What of it is secret.
    pub secrecy: Secrecy,
    /// Whether it may change.
    pub stability: Stability,
    /// A valid value for the template, as TOML, where the default is null.
    pub example: Option<&'static str>,
    /// Derived from other fields: shown, never set.
    pub derived: bool,
    /// Fields that are set together share a block.
    pub block: Option<&'static str>,
    /// Old name that files may still use.
    pub alias: Option<&'static str>,
    /// Checks what the kind alone cannot say, by building the typed value.
    pub check: fn(&Value) -> Result<(), Mistake>,
}

impl Field {
    const fn new(kind: Kind, default: Default) -> Self {
        Self {
            name: "",
            doc: "",
            topic: Topic(""),
            kind,
            default,
            nullable: matches!(default, Default::Null),
            unit: None,
            flag: None,
            display: Display::Value,
            secrecy: Secrecy::Public,
            stability: Stability::Stable,
            example: None,
            derived: false,
            block: None,
            alias: None,
            check: |_| Ok(()),
        }
    }

    pub(super) const fn switch(default: bool) -> Self {
        Self::new(Kind::Bool, Default::Bool(default))
    }

    pub(super) const fn optional_switch() -> Self {
        Self::new(Kind::Bool, Default::Null)
    }

    pub(super) const fn integer(default: i64, min: i64, max: i64) -> Self {
        Self::new(Kind::Integer { min, max }, Default::Integer(default))
    }

    pub(super) const fn optional_integer(min: i64, max: i64) -> Self {
        Self::new(Kind::Integer { min, max }, Default::Null)
    }

    /// A number greater than zero.
    pub(super) const fn positive(default: f64) -> Self {
        Self::new(Kind::Positive, Default::Number(default))
    }

    /// A number of seconds greater than zero.
    pub(super) const fn seconds(default: f64) -> Self {
        Self::positive(default).unit("seconds")
    }

    /// A number of seconds, 0 for none.
    pub(super) const fn delay(default: f64) -> Self {
        Self::new(Kind::NonNegative, Default::Number(default)).unit("seconds")
    }

    /// A number from 0 to 1.
    pub(super) const fn share(default: f64) -> Self {
        Self::new(Kind::Share, Default::Number(default))
    }

    pub(super) const fn text(default: &'static str) -> Self {
        Self::new(Kind::Text, Default::Text(default))
    }

    pub(super) const fn optional_text() -> Self {
        Self::new(Kind::Text, Default::Null)
    }

    /// Text that must not be empty.
    pub(super) const fn name(default: &'static str) -> Self {
        Self::new(Kind::NonEmpty, Default::Text(default))
    }

    pub(super) const fn optional_name() -> Self {
        Self::new(Kind::NonEmpty, Default::Null)
    }

    /// A path of a URL: starts with `/`.
    pub(super) const fn url_path(default: &'static str) -> Self {
        Self::new(Kind::UrlPath, Default::Text(default))
    }

    pub(super) const fn optional_url_path() -> Self {
        Self::new(Kind::UrlPath, Default::Null)
    }

    pub(super) const fn choice(choices: &'static [&'static str], default: &'static str) -> Self {
        Self::new(Kind::Choice(choices), Default::Text(default))
    }

    pub(super) const fn optional_choice(choices: &'static [&'static str]) -> Self {
        Self::new(Kind::Choice(choices), Default::Null)
    }

    /// `false`, `true` or the name of a tier.
    pub(super) const fn tier(tiers: &'static [&'static str]) -> Self {
        Self::new(Kind::Tier(tiers), Default::Bool(false))
    }

    pub(super) const fn list(default: &'static [&'static str]) -> Self {
        Self::new(Kind::List, Default::List(default))
    }

    pub(super) const fn table() -> Self {
        Self::new(Kind::Table, Default::Table)
    }

    pub(super) const fn flags() -> Self {
        Self::new(Kind::Flags, Default::Flags)
    }

    pub(super) const fn file_mode(default: i64) -> Self {
        Self::new(Kind::FileMode, Default::Integer(default))
    }

    pub(super) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The empty text means none.
    pub(super) const fn or_none(mut self) -> Self {
        self.nullable = true;
        self
    }

    pub(super) const fn flag(mut self, name: &'static str) -> Self {
        let form = match self.kind {
            Kind::Bool => FlagForm::Switch,
            _ => FlagForm::Value,
        };
        self.flag = Some(Flag { name, form });
        self
    }

    pub(super) const fn repeated_flag(mut self, name: &'static str) -> Self {
        self.flag = Some(Flag {
            name,
            form: FlagForm::Repeated,
        });
        self
    }

    pub(super) const fn presence(mut self) -> Self {
        self.display = Display::Presence;
        self
    }

    pub(super) const fn not_shown(mut self) -> Self {
        self.display = Display::Nothing;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self.display = Display::Presence;
        self
    }

    pub(super) const fn secret_user_information(mut self) -> Self {
        self.secrecy = Secrecy::UserInformation;
        self
    }

    pub(super) const fn beta(mut self) -> Self {
        self.stability = Stability::Beta;
        self
    }

    pub(super) const fn example(mut self, toml: &'static str) -> Self {
        self.example = Some(toml);
        self
    }

    pub(super) const fn derived(mut self) -> Self {
        self.derived = true;
        self
    }

    pub(super) const fn block(mut self, block: &'static str) -> Self {
        self.block = Some(block);
        self
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Reads a value of TOML, JSON or Python.
    ///
    /// # Errors
    /// What the field takes, what is wrong with this value, and what was probably meant.
    pub fn read(&self, raw: &Raw) -> Result<Value, Mistake> {
        self.checked(self.kind.read(raw))
            .map_err(|mistake| match raw {
                Raw::Text(text) => advice::for_written(self, text, mistake),
                _ => mistake,
            })
    }

    /// Reads the text of a variable or a flag; the empty text unsets what can be unset.
    ///
    /// # Errors
    /// As [`Field::read`].
    pub fn parse(&self, text: &str) -> Result<Value, Mistake> {
        if self.nullable && self.kind == Kind::Text && text.is_empty() {
            return Ok(Value::Null);
        }
        self.checked(self.kind.parse(text))
            .map_err(|mistake| advice::for_text(self, text, mistake))
    }

    fn checked(&self, value: Result<Value, Mistake>) -> Result<Value, Mistake> {
        let value = value?;
        (self.check)(&value)?;
        Ok(value)
    }

    /// Name of its environment variable.
    #[must_use]
    pub fn variable(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.name.to_ascii_uppercase())
    }

    /// First sentence of the doc.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.doc.split("\n\n").next().unwrap_or_default()
    }
}

/// A typed configuration whose fields are declared by `config_model!`.
pub trait Model: Sized + Clone {
    /// Where its layers come from.
    const PRODUCT: &'static Product;

    /// Every field, in the order of declaration.
    fn fields() -> &'static [Field];

    /// Builds it from one valid value a field, in that order.
    ///
    /// # Errors
    /// Where a value has not the kind of its field.
    fn from_values(values: &[Value]) -> Result<Self, Mistake>;

    /// Index of a field.
    #[must_use]
    fn index(name: &str) -> Option<usize> {
        Self::fields().iter().position(|field| field.name == name)
    }

    /// A field by name.
    #[must_use]
    fn field(name: &str) -> Option<&'static Field> {
        Self::fields().iter().find(|field| field.name == name)
    }
}
