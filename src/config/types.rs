//! Types that carry what has been checked: below `config`, nothing is validated again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::value::{Mistake, Value};

/// A type that a field's value becomes.
pub trait FromValue: Sized {
    /// Builds it from a value of the field's kind.
    ///
    /// # Errors
    /// Where the value breaks an invariant of the type that the kind does not know.
    fn from_value(value: &Value) -> Result<Self, Mistake>;
}

fn unfit(expected: &str, value: &Value) -> Mistake {
    Mistake::new(expected, format!("found {}", value.to_json()))
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::Bool(value) => Ok(*value),
            other => Err(unfit("true or false", other)),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::Number(value) => Ok(*value),
            other => Err(unfit("a number", other)),
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            other => Err(unfit("a text", other)),
        }
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        String::from_value(value).map(Self::from)
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::List(items) => Ok(items.clone()),
            other => Err(unfit("a list of texts", other)),
        }
    }
}

impl FromValue for BTreeMap<String, bool> {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::Flags(map) => Ok(map.clone()),
            other => Err(unfit("a table of true and false", other)),
        }
    }
}

/// Null is `None`; so is the empty text, for fields where that is how a file or a variable says it.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::Null => Ok(None),
            Value::Text(text) if text.is_empty() => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! integers {
    ($($type:ty),+) => { $(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Result<Self, Mistake> {
                match value {
                    Value::Integer(number) => Self::try_from(*number).map_err(|_| unfit("a smaller number", value)),
                    other => Err(unfit("an integer", other)),
                }
            }
        }
    )+ };
}
integers!(u16, u32, usize, u64);

const CENTURY: f64 = 100.0 * 366.0 * 86_400.0;

/// A time limit, greater than zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    /// As a duration; limits beyond a century are a century.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0.min(CENTURY))
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromValue for Seconds {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let seconds = f64::from_value(value)?;
        if seconds > 0.0 && seconds.is_finite() {
            Ok(Self(seconds))
        } else {
            Err(unfit("a number of seconds greater than 0", value))
        }
    }
}

/// A time to wait, in seconds; 0 waits for nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay(f64);

impl Delay {
    /// As a duration; delays beyond a century are a century.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0.min(CENTURY))
    }
}

impl FromValue for Delay {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let seconds = f64::from_value(value)?;
        if seconds >= 0.0 && seconds.is_finite() {
            Ok(Self(seconds))
        } else {
            Err(unfit("a number of seconds of at least 0", value))
        }
    }
}

/// A path of a URL: starts with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPath(String);

impl UrlPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromValue for UrlPath {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let text = String::from_value(value)?;
        if text.starts_with('/') {
            Ok(Self(text))
        } else {
            Err(unfit("a URL path that starts with /", value))
        }
    }
}

/// URL prefix to folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticFiles(pub BTreeMap<UrlPath, PathBuf>);

impl FromValue for StaticFiles {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        const EXPECTED: &str = "a table of URL prefixes and folders";
        let Value::Table(entries) = value else {
            return Err(unfit(EXPECTED, value));
        };
        let mut map = BTreeMap::new();
        for (prefix, folder) in entries {
            let part = super::value::Part::Key(prefix.clone());
            if !prefix.starts_with('/') {
                return Err(Mistake::new(
                    EXPECTED,
                    format!("the prefix {prefix:?} does not start with /"),
                )
                .help(format!("write \"/{prefix}\""))
                .part(part));
            }
            if folder.is_empty() {
                return Err(
                    Mistake::new(EXPECTED, format!("{prefix:?} has an empty folder")).part(part),
                );
            }
            map.insert(UrlPath(prefix.clone()), PathBuf::from(folder));
        }
        Ok(Self(map))
    }
}

/// Permission bits of a file, at most `0o777`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(u32);

impl FileMode {
    /// The bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl FromValue for FileMode {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        u32::from_value(value).map(Self)
    }
}

/// `false`, `true` (the first tier) or a tier: how much of a feature is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tier {
    /// Nothing.
    Off,
    /// The named amount.
    On(String),
}

impl FromValue for Tier {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        match value {
            Value::Bool(false) => Ok(Self::Off),
            Value::Bool(true) => Ok(Self::On("true".into())),
            Value::Text(text) if text == "off" => Ok(Self::Off),
            Value::Text(text) => Ok(Self::On(text.clone())),
            other => Err(unfit("true, false or a tier", other)),
        }
    }
}

/// Declares an enum whose texts are the choices of a field.
macro_rules! choices {
    ($(#[doc = $doc:literal])+ pub enum $Name:ident {
        $( $(#[doc = $variant_doc:literal])+ $Variant:ident = $text:literal, )+
    }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name { $( $(#[doc = $variant_doc])+ $Variant, )+ }

        impl $Name {
            /// The texts, in the order of the variants.
            pub const CHOICES: &'static [&'static str] = &[$($text),+];

            /// Its text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$Variant => $text, )+ }
            }
        }

        impl FromValue for $Name {
            fn from_value(value: &Value) -> Result<Self, Mistake> {
                match value {
                    $( Value::Text(text) if text == $text => Ok(Self::$Variant), )+
                    other => Err(unfit("one of the choices", other)),
                }
            }
        }
    };
}

choices! {
    /// Form of the log.
    pub enum LogFormat {
        /// Text on a terminal, JSON elsewhere.
        Auto = "auto",
        /// One JSON object a line.
        Json = "json",
        /// For people.
        Text = "text",
    }
}

choices! {
    /// Least level that is logged.
    pub enum LogLevel {
        /// Only what ends the server.
        Critical = "critical",
        /// Everything.
        Debug = "debug",
        /// Failures.
        Error = "error",
        /// The normal course.
        Info = "info",
        /// Suspicious things.
        Warning = "warning",
    }
}

choices! {
    /// How a worker runs the app.
    pub enum WorkerMode {
        /// `async` with the GIL, `sync` on free-threaded Python.
        Auto = "auto",
        /// In the worker's event loop.
        Async = "async",
        /// Accepted, served as `async`: a worker is a process of its own.
        Subinterpreter = "subinterpreter",
        /// On threads, each with an event loop of its own.
        Sync = "sync",
    }
}

choices! {
    /// What a failing worker-startup hook does.
    pub enum StartupFailure {
        /// It is logged, the worker serves.
        Ignore = "ignore",
        /// The server ends.
        Shutdown = "shutdown",
    }
}

choices! {
    /// Layout of the start-up banner.
    pub enum Signage {
        /// Name, tagline, address and settings.
        Full = "full",
        /// One line.
        Minimal = "minimal",
        /// None.
        Off = "off",
    }
}

choices! {
    /// What an app is deployed as; rules judge by it.
    pub enum Env {
        /// On a developer's machine.
        Development = "development",
        /// Like production, without its traffic.
        Staging = "staging",
        /// In front of users.
        Production = "production",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_limit_is_a_century() {
        let seconds = Seconds::from_value(&Value::Number(1e300)).unwrap();
        assert!(seconds.duration() > Duration::from_secs(3_000_000_000));
    }
}
