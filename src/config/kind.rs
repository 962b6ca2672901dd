//! What a field takes, and how a layer's value or text becomes it.

use std::collections::BTreeMap;

use super::value::{Mistake, Part, Raw, Value};

/// Type and range of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A boolean.
    Bool,
    /// An integer within both bounds.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest; `i64::MAX` where there is no bound.
        max: i64,
    },
    /// A number greater than 0.
    Positive,
    /// A number of at least 0.
    NonNegative,
    /// A number from 0 to 1.
    Share,
    /// Any text.
    Text,
    /// Text with something in it.
    NonEmpty,
    /// A URL path.
    UrlPath,
    /// One of these texts, in any case.
    Choice(&'static [&'static str]),
    /// `false`, `true`, or one of these texts.
    Tier(&'static [&'static str]),
    /// A list of texts.
    List,
    /// Texts by name.
    Table,
    /// Booleans by name.
    Flags,
    /// Permission bits of a file.
    FileMode,
}

const TRUE: [&str; 4] = ["true", "yes", "on", "1"];
const FALSE: [&str; 4] = ["false", "no", "off", "0"];

impl Kind {
    /// What it takes, as a noun phrase: `an integer from 0 to 65535`.
    #[must_use]
    pub fn expects(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Integer { min, max } if *max == i64::MAX => {
                format!("an integer of at least {min}")
            }
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::Positive => "a number greater than 0".into(),
            Self::NonNegative => "a number of at least 0".into(),
            Self::Share => "a number from 0.0 to 1.0".into(),
            Self::Text => "a text".into(),
            Self::NonEmpty => "a text that is not empty".into(),
            Self::UrlPath => "a URL path that starts with /".into(),
            Self::Choice(choices) => format!("one of {}", quoted(choices)),
            Self::Tier(tiers) => format!("true, false or one of {}", quoted(tiers)),
            Self::List => "a list of texts".into(),
            Self::Table => "a table of texts".into(),
            Self::Flags => "a table of true and false".into(),
            Self::FileMode => "a file mode such as 0o660".into(),
        }
    }

    /// Reads a value of TOML, JSON or Python.
    ///
    /// # Errors
    /// What the field takes and what is wrong with this value.
    pub fn read(&self, raw: &Raw) -> Result<Value, Mistake> {
        match (self, raw) {
            (Self::Bool, Raw::Bool(value)) => Ok(Value::Bool(*value)),
            (Self::Integer { .. }, Raw::Integer { value, .. }) => self.integer(*value),
            (Self::Positive | Self::NonNegative | Self::Share, Raw::Integer { value, .. }) => {
                // Integers beyond 2^53 lose digits as a float; no field is near that.
                #[allow(clippy::cast_precision_loss, reason = "see above")]
                self.number(*value as f64)
            }
            (Self::Positive | Self::NonNegative | Self::Share, Raw::Float(value)) => {
                self.number(*value)
            }
            (Self::Text | Self::NonEmpty | Self::UrlPath | Self::Choice(_), Raw::Text(text)) => {
                self.text(text)
            }
            (Self::Tier(_), Raw::Bool(value)) => Ok(Value::Bool(*value)),
            (Self::Tier(tiers), Raw::Text(text)) => self.chosen(tiers, text),
            (Self::List, Raw::List(items)) => self.list(items),
            (Self::List, Raw::Text(text)) => Err(self
                .mistake("found a text")
                .help(super::advice::bracketed(text))),
            (Self::Table, Raw::Table(entries)) => self.table(entries),
            (Self::Flags, Raw::Table(entries)) => self.flags(entries),
            (Self::Flags, Raw::List(pairs)) => self.flag_pairs(pairs),
            (Self::FileMode, Raw::Integer { value, decimal }) => self.file_mode(*value, *decimal),
            (Self::FileMode, Raw::Text(text)) => self.octal(text),
            (_, Raw::Text(text)) if !text.is_empty() => {
                let mistake = self.mistake(format!("found {}", raw.describe()));
                Err(match (self, self.parse(text)) {
                    (Self::Bool, Ok(Value::Bool(on))) => {
                        mistake.help(format!("write {on}, without quotes"))
                    }
                    (_, Ok(_)) => mistake.help("remove the quotes"),
                    (_, Err(_)) => mistake,
                })
            }
            _ => Err(self.mistake(format!("found {}", raw.describe()))),
        }
    }

    /// Reads the text of a variable or a flag.
    ///
    /// # Errors
    /// What the field takes and what is wrong with this text.
    pub fn parse(&self, text: &str) -> Result<Value, Mistake> {
        let trimmed = text.trim();
        match self {
            Self::Bool => self.boolean(trimmed),
            Self::Tier(tiers) => self
                .boolean(trimmed)
                .or_else(|_| self.chosen(tiers, trimmed)),
            Self::Integer { .. } => {
                let value = trimmed.parse().map_err(|_| self.unreadable(trimmed))?;
                self.integer(value)
            }
            Self::Positive | Self::NonNegative | Self::Share => {
                let value = trimmed.parse().map_err(|_| self.unreadable(trimmed))?;
                self.number(value)
            }
            Self::Text | Self::NonEmpty => self.text(text),
            Self::UrlPath | Self::Choice(_) => self.text(trimmed),
            Self::List => Ok(Value::List(words(text).map(str::to_owned).collect())),
            Self::Table => {
                let mut map = BTreeMap::new();
                for word in words(text) {
                    let (key, value) = word.split_once('=').ok_or_else(|| {
                        self.mistake(format!("{word:?} has no `=`"))
                            .help("write prefix=folder, several separated by commas")
                    })?;
                    map.insert(key.to_owned(), value.to_owned());
                }
                Ok(Value::Table(map))
            }
            Self::Flags => Err(self.mistake("it has no text form")),
            Self::FileMode => self.octal(trimmed),
        }
    }

    fn mistake(&self, found: impl Into<String>) -> Mistake {
        Mistake::new(self.expects(), found)
    }

    fn unreadable(&self, text: &str) -> Mistake {
        if text.is_empty() {
            return self
                .mistake("it is empty")
                .help("unset it to get the default");
        }
        let mistake = self.mistake(format!("{text:?} is not a number"));
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            mistake.help("a plain number, without unit or separators")
        } else {
            mistake
        }
    }

    fn boolean(&self, text: &str) -> Result<Value, Mistake> {
        let lower = text.to_ascii_lowercase();
        if TRUE.contains(&lower.as_str()) {
            Ok(Value::Bool(true))
        } else if FALSE.contains(&lower.as_str()) {
            Ok(Value::Bool(false))
        } else if text.is_empty() {
            Err(self.unreadable(text))
        } else {
            Err(self
                .mistake(format!("{text:?} is neither"))
                .help("write 1, true, yes or on; or 0, false, no or off"))
        }
    }

    fn integer(&self, value: i64) -> Result<Value, Mistake> {
        let Self::Integer { min, max } = *self else {
            return Err(self.mistake(format!("found the number {value}")));
        };
        if value < min {
            Err(self.mistake(format!("{value} is too small")))
        } else if value > max {
            Err(self.mistake(format!("{value} is too large")))
        } else {
            Ok(Value::Integer(value))
        }
    }

    fn number(&self, value: f64) -> Result<Value, Mistake> {
        if !value.is_finite() {
            return Err(self.mistake(format!("{value:?} is not a finite number")));
        }
        match self {
            Self::Positive if value <= 0.0 => Err(self.mistake(format!("{value:?} is too small"))),
            Self::NonNegative | Self::Share if value < 0.0 => {
                Err(self.mistake(format!("{value:?} is too small")))
            }
            Self::Share if value > 1.0 => {
                let mistake = self.mistake(format!("{value:?} is too large"));
                Err(if value <= 100.0 {
                    mistake.help(format!("for {value} % write {:?}", value / 100.0))
                } else {
                    mistake
                })
            }
            _ => Ok(Value::Number(value)),
        }
    }

    fn text(&self, text: &str) -> Result<Value, Mistake> {
        match self {
            Self::Choice(choices) => return self.chosen(choices, text),
            Self::NonEmpty if text.trim().is_empty() => return Err(self.mistake("it is empty")),
            Self::UrlPath if text.is_empty() => return Err(self.mistake("it is empty")),
            Self::UrlPath if !text.starts_with('/') => {
                let mistake = self.mistake(format!("{text:?} does not"));
                return Err(match text.split_once("://") {
                    Some(_) => mistake.help("write the path alone, without scheme and host"),
                    None => mistake.help(format!("write \"/{text}\"")),
                });
            }
            Self::UrlPath if text.contains(['?', '#', ' ']) => {
                return Err(self.mistake(format!("{text:?} holds more than a path")));
            }
            _ => {}
        }
        if text.contains('\0') {
            return Err(self.mistake("it holds a NUL character"));
        }
        Ok(Value::Text(text.to_owned()))
    }

    fn chosen(&self, choices: &[&'static str], text: &str) -> Result<Value, Mistake> {
        let lower = text.trim().to_ascii_lowercase();
        if let Some(choice) = choices.iter().find(|choice| **choice == lower) {
            return Ok(Value::Text((*choice).to_owned()));
        }
        let mistake = self.mistake(if text.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("{text:?} is none of them")
        });
        // `warn` is short for `warning`: too many letters apart for a slip.
        let short = choices
            .iter()
            .copied()
            .find(|choice| lower.len() >= 3 && choice.starts_with(&lower));
        Err(
            match short.or_else(|| super::nearest::nearest(&lower, choices.iter().copied())) {
                Some(near) => mistake.help(format!("did you mean \"{near}\"?")),
                None => mistake,
            },
        )
    }

    fn list(&self, items: &[Raw]) -> Result<Value, Mistake> {
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item {
                Raw::Text(text) => texts.push(text.clone()),
                other => {
                    return Err(self
                        .mistake(format!("item {} is {}", index + 1, other.describe()))
                        .part(Part::Item(index)));
                }
            }
        }
        Ok(Value::List(texts))
    }

    fn table(&self, entries: &BTreeMap<String, Raw>) -> Result<Value, Mistake> {
        let mut map = BTreeMap::new();
        for (key, raw) in entries {
            let Raw::Text(text) = raw else {
                return Err(self
                    .mistake(format!("the value of {key:?} is {}", raw.describe()))
                    .part(Part::Key(key.clone())));
            };
            map.insert(key.clone(), text.clone());
        }
        Ok(Value::Table(map))
    }

    fn flags(&self, entries: &BTreeMap<String, Raw>) -> Result<Value, Mistake> {
        let mut map = BTreeMap::new();
        for (key, raw) in entries {
            let Raw::Bool(value) = raw else {
                return Err(self
                    .mistake(format!("the value of {key:?} is {}", raw.describe()))
                    .part(Part::Key(key.clone())));
            };
            map.insert(key.clone(), *value);
        }
        Ok(Value::Flags(map))
    }

    /// Python writes flags as pairs: `(("beta", True),)`.
    fn flag_pairs(&self, pairs: &[Raw]) -> Result<Value, Mistake> {
        let mut map = BTreeMap::new();
        for (index, pair) in pairs.iter().enumerate() {
            match pair {
                Raw::List(pair) if matches!(pair[..], [Raw::Text(_), Raw::Bool(_)]) => {
                    if let [Raw::Text(name), Raw::Bool(value)] = &pair[..] {
                        map.insert(name.clone(), *value);
                    }
                }
                other => {
                    return Err(self
                        .mistake(format!("item {} is {}", index + 1, other.describe()))
                        .help("write pairs of a name and true or false")
                        .part(Part::Item(index)));
                }
            }
        }
        Ok(Value::Flags(map))
    }

    fn file_mode(&self, value: i64, decimal: bool) -> Result<Value, Mistake> {
        if (0..=0o777).contains(&value) {
            return Ok(Value::Integer(value));
        }
        let looks_octal = decimal
            && (100..=7777).contains(&value)
            && value.to_string().bytes().all(|digit| digit < b'8');
        let mistake = self.mistake(if looks_octal {
            format!("{value} is a decimal number, that is mode 0o{value:o}")
        } else {
            format!("{value} has more than the nine permission bits")
        });
        Err(if looks_octal {
            mistake.help(format!("write 0o{value} (or the text \"{value}\")"))
        } else {
            mistake
        })
    }

    /// Text is octal, with or without `0o`.
    fn octal(&self, text: &str) -> Result<Value, Mistake> {
        let digits = text
            .strip_prefix("0o")
            .or_else(|| text.strip_prefix("0O"))
            .unwrap_or(text);
        let value = (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
            .then(|| i64::from_str_radix(digits, 8).ok())
            .flatten();
        match value {
            Some(value) if value <= 0o777 => Ok(Value::Integer(value)),
            Some(_) => {
                Err(self.mistake(format!("{text:?} has more than the nine permission bits")))
            }
            None => Err(self.mistake(format!("{text:?} is not an octal number"))),
        }
    }
}

/// Items of a list in a variable or a flag: separated by commas or white space.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character == ',' || character.is_whitespace())
        .filter(|word| !word.is_empty())
}

fn quoted(choices: &[&str]) -> String {
    choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_that_looks_octal_is_said_so() {
        let raw = Raw::Integer {
            value: 660,
            decimal: true,
        };
        let mistake = Kind::FileMode.read(&raw).unwrap_err();
        assert_eq!(
            mistake.help.as_deref(),
            Some("write 0o660 (or the text \"660\")")
        );
    }

    #[test]
    fn texts_of_a_file_mode_are_octal() {
        for text in ["660", "0o660", "0660"] {
            assert_eq!(
                Kind::FileMode.parse(text),
                Ok(Value::Integer(0o660)),
                "{text}"
            );
        }
        assert!(Kind::FileMode.parse("888").is_err());
        assert!(Kind::FileMode.parse("-60").is_err());
    }

    #[test]
    fn booleans_are_read_in_any_case_and_nothing_else_is() {
        assert_eq!(Kind::Bool.parse(" ON "), Ok(Value::Bool(true)));
        assert_eq!(Kind::Bool.parse("0"), Ok(Value::Bool(false)));
        assert!(Kind::Bool.parse("maybe").is_err());
        assert!(Kind::Bool.parse("").is_err());
    }

    #[test]
    fn a_number_in_quotes_is_told_to_lose_them() {
        let kind = Kind::Integer { min: 0, max: 65535 };
        let mistake = kind.read(&Raw::Text("8000".into())).unwrap_err();
        assert_eq!(mistake.help.as_deref(), Some("remove the quotes"));
        let mistake = kind.read(&Raw::Text("http".into())).unwrap_err();
        assert_eq!(mistake.help, None);
    }

    #[test]
    fn choices_are_read_in_any_case_and_the_nearest_is_named() {
        let kind = Kind::Choice(&["auto", "json", "text"]);
        assert_eq!(kind.parse("JSON"), Ok(Value::Text("json".into())));
        let mistake = kind.parse("jsn").unwrap_err();
        assert_eq!(mistake.help.as_deref(), Some("did you mean \"json\"?"));
    }

    #[test]
    fn numbers_must_be_finite() {
        assert!(Kind::Positive.parse("inf").is_err());
        assert!(Kind::Positive.parse("NaN").is_err());
        assert!(Kind::Share.read(&Raw::Float(f64::NAN)).is_err());
    }
}
