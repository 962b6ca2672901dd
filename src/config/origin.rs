//! Where a value came from.

use super::source::Place;

/// A layer; a later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Nobody said anything.
    Default,
    /// pounce.toml, chirp.toml or pyproject.toml.
    File,
    /// A variable, of the process or of an env file.
    Environment,
    /// A keyword argument.
    Python,
    /// A command-line flag.
    Flag,
}

impl Layer {
    /// For machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Python => "python",
            Self::Flag => "flag",
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Layer.
    pub layer: Layer,
    /// For people: `default`, `pounce.toml:7`, `POUNCE_PORT`, `--port`, `shop.py:6`.
    pub name: String,
    /// What to point at: the assignment, the variable, the flag, the keyword.
    pub place: Option<Place>,
}

impl Origin {
    /// Nobody said anything.
    #[must_use]
    pub fn default_value() -> Self {
        Self {
            layer: Layer::Default,
            name: "default".into(),
            place: None,
        }
    }
}

/// One value that a layer gives; `value` is absent where it could not be read.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Index of the field.
    pub field: usize,
    /// The value.
    pub value: Option<super::value::Value>,
    /// From where.
    pub origin: Origin,
    /// The name that was used, where it is not the field's own (an alias).
    pub alias: Option<&'static str>,
}
