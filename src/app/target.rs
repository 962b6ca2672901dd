//! Targets: the text that names an app, `module:attribute` or `module:factory()`.

use std::path::Path;
use std::{fmt, io};

use super::snapshot::{Failure, FailureKind, Snapshot, TargetSeen};

/// Whose command names the target; the two accept different short forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `chirp`: a bare module means its attribute `app`, a factory needs no parentheses.
    Chirp,
    /// `pounce`: the colon is needed, and the parentheses of a factory.
    Pounce,
}

impl Kind {
    /// As the probe's request spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chirp => "chirp",
            Self::Pounce => "pounce",
        }
    }
}

/// A target that is written correctly; whether it exists is the probe's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    spec: String,
    module: String,
    attribute: String,
    factory: bool,
}

impl Target {
    /// What is seen of the target where the folder that it is imported from is none.
    #[must_use]
    pub fn without_folder(&self, folder: &Path, error: &io::Error) -> Snapshot {
        let shown = folder.display().to_string();
        let why = match error.kind() {
            io::ErrorKind::NotFound => "does not exist".to_owned(),
            _ => format!("cannot be used: {error}"),
        };
        let seen = TargetSeen {
            spec: self.spec.clone(),
            ..TargetSeen::default()
        };
        let message = format!("the app's folder {shown} {why}");
        let failure = Failure {
            folder: Some(shown),
            ..Failure::new(FailureKind::AppDir, message)
        };
        Snapshot::failed(seen, failure)
    }

    /// Takes a target apart.
    ///
    /// # Errors
    /// Where the text is no target: with the reason, the range of characters it is about, and the
    /// spelling that was probably meant.
    pub fn parse(spec: &str, kind: Kind) -> Result<Self, TargetError> {
        let error = |reason, start, end| Err(TargetError::new(spec, reason, start, end));
        if spec.trim().is_empty() {
            return error(Reason::Empty, 0, spec.len());
        }
        if let Some(at) = spec.find(char::is_whitespace) {
            return error(Reason::Whitespace, at, at + 1);
        }
        if spec.contains("://") {
            return error(Reason::Url, 0, spec.len());
        }
        let colon = spec.find(':');
        let module = &spec[..colon.unwrap_or(spec.len())];
        if module.contains(['/', '\\']) || module.strip_suffix(".py").is_some_and(|m| !m.is_empty())
        {
            return error(Reason::Path, 0, module.len());
        }
        if let Some((start, end)) = wrong_name(module) {
            return error(Reason::Module, start, end);
        }
        let Some(colon) = colon else {
            return match kind {
                Kind::Chirp => Ok(Self::new(spec, module, "app", false)),
                Kind::Pounce => error(Reason::NoAttribute, spec.len(), spec.len()),
            };
        };
        let start = colon + 1;
        let rest = &spec[start..];
        let (attribute, factory) = match rest.find('(') {
            None => (rest, false),
            Some(open) if &rest[open..] == "()" => (&rest[..open], true),
            Some(open) if rest.ends_with(')') => {
                return error(Reason::Arguments, start + open, spec.len());
            }
            Some(open) => return error(Reason::Attribute, start + open, spec.len()),
        };
        if attribute.is_empty() {
            return error(Reason::NoAttribute, start, spec.len());
        }
        if let Some((from, to)) = wrong_name(attribute) {
            return error(Reason::Attribute, start + from, start + to);
        }
        Ok(Self::new(spec, module, attribute, factory))
    }

    fn new(spec: &str, module: &str, attribute: &str, factory: bool) -> Self {
        Self {
            spec: spec.to_owned(),
            module: module.to_owned(),
            attribute: attribute.to_owned(),
            factory,
        }
    }

    /// As it was written.
    #[must_use]
    pub fn spec(&self) -> &str {
        &self.spec
    }

    /// Name of the module.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Attribute, possibly dotted.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Whether it is written as a call.
    #[must_use]
    pub fn factory(&self) -> bool {
        self.factory
    }

    /// What a snapshot says about it before the probe knows more.
    #[must_use]
    pub fn seen(&self) -> TargetSeen {
        TargetSeen {
            spec: self.spec.clone(),
            module: self.module.clone(),
            file: None,
            attribute: self.attribute.clone(),
            factory: self.factory,
        }
    }
}

/// The first part of a dotted name that is no identifier, as a range of bytes.
fn wrong_name(name: &str) -> Option<(usize, usize)> {
    let mut start = 0;
    for part in name.split('.') {
        let mut characters = part.chars();
        let first = characters
            .next()
            .is_some_and(|c| c == '_' || c.is_alphabetic());
        if !first || !characters.all(|c| c == '_' || c.is_alphanumeric()) {
            return Some((start, start + part.len()));
        }
        start += part.len() + 1;
    }
    None
}

/// What is wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing there.
    Empty,
    /// A space inside.
    Whitespace,
    /// A URL.
    Url,
    /// A path of a file where a module name belongs.
    Path,
    /// Not a module name.
    Module,
    /// No attribute behind the module.
    NoAttribute,
    /// Not an attribute name.
    Attribute,
    /// Arguments between the parentheses of a factory.
    Arguments,
}

/// A text that is no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetError {
    /// The text.
    pub spec: String,
    /// What is wrong.
    pub reason: Reason,
    /// First byte that it is about.
    pub start: usize,
    /// Behind the last byte that it is about.
    pub end: usize,
    /// The spelling that was probably meant.
    pub suggestion: Option<String>,
}

impl TargetError {
    fn new(spec: &str, reason: Reason, start: usize, end: usize) -> Self {
        let suggestion = suggested(spec);
        Self {
            spec: spec.to_owned(),
            reason,
            start,
            end,
            suggestion,
        }
    }

    /// The same as a failure of the target, for a report.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let seen = TargetSeen {
            spec: self.spec.clone(),
            ..TargetSeen::default()
        };
        let mut failure = Failure::new(FailureKind::TargetSyntax, self.to_string());
        failure.nearest.extend(self.suggestion.clone());
        Snapshot::failed(seen, failure)
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.spec;
        let about = &spec[self.start..self.end];
        match self.reason {
            Reason::Empty => write!(f, "the target is empty: it is written module:attribute"),
            Reason::Whitespace => write!(
                f,
                "`{spec}` holds a space: a target is written module:attribute"
            ),
            Reason::Url => write!(
                f,
                "`{spec}` is a URL: a target names a module, as `import` would"
            ),
            Reason::Path => {
                write!(
                    f,
                    "`{about}` is a path: a target names a module, as `import` would"
                )
            }
            Reason::Module if about.is_empty() => {
                write!(f, "`{spec}` names no module before the colon")
            }
            Reason::Module => write!(f, "`{about}` in `{spec}` is no module name"),
            Reason::NoAttribute => {
                write!(
                    f,
                    "`{spec}` does not say which attribute of the module is the app"
                )
            }
            Reason::Attribute if about.is_empty() => {
                write!(f, "`{spec}` has an empty attribute name")
            }
            Reason::Attribute => write!(f, "`{about}` in `{spec}` is no attribute name"),
            Reason::Arguments => {
                write!(
                    f,
                    "`{spec}` passes arguments: a factory in a target is called without any"
                )
            }
        }
    }
}

impl std::error::Error for TargetError {}

/// The nearest text that is a target, where there is one.
fn suggested(spec: &str) -> Option<String> {
    let compact: String = spec.split_whitespace().collect();
    let (path, attribute) = compact.split_once(':').unwrap_or((&compact, ""));
    let path = path.trim_start_matches("./").trim_matches('/');
    let module = path
        .strip_suffix(".py")
        .unwrap_or(path)
        .replace(['/', '\\'], ".");
    let call = attribute.contains('(');
    let attribute = attribute.split('(').next().unwrap_or_default();
    let attribute = if attribute.is_empty() {
        "app"
    } else {
        attribute
    };
    let suggestion = format!("{module}:{attribute}{}", if call { "()" } else { "" });
    let valid = wrong_name(&module).is_none() && wrong_name(attribute).is_none();
    (valid && suggestion != spec).then_some(suggestion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(spec: &str) -> (Reason, &str, Option<String>) {
        let error = Target::parse(spec, Kind::Pounce).unwrap_err();
        (
            error.reason,
            &spec[error.start..error.end],
            error.suggestion,
        )
    }

    #[test]
    fn forms_that_name_an_app() {
        for (spec, kind, module, attribute, factory) in [
            ("shop:app", Kind::Pounce, "shop", "app", false),
            (
                "shop.web:site.app",
                Kind::Pounce,
                "shop.web",
                "site.app",
                false,
            ),
            (
                "shop:create_app()",
                Kind::Pounce,
                "shop",
                "create_app",
                true,
            ),
            ("shop", Kind::Chirp, "shop", "app", false),
            ("löwe:äpp", Kind::Pounce, "löwe", "äpp", false),
        ] {
            let target = Target::parse(spec, kind).unwrap();
            assert_eq!(
                (target.module(), target.attribute(), target.factory()),
                (module, attribute, factory)
            );
            assert_eq!(target.spec(), spec);
        }
    }

    #[test]
    fn paths_are_answered_with_the_module() {
        let suggested = |text: &str| Some(text.to_owned());
        assert_eq!(
            reason("src/app.py"),
            (Reason::Path, "src/app.py", suggested("src.app:app"))
        );
        assert_eq!(
            reason("app.py:app"),
            (Reason::Path, "app.py", suggested("app:app"))
        );
        assert_eq!(
            reason("./shop/web.py:site"),
            (Reason::Path, "./shop/web.py", suggested("shop.web:site"))
        );
    }

    #[test]
    fn each_mistake_is_told_with_its_place() {
        let suggested = |text: &str| Some(text.to_owned());
        assert_eq!(
            reason("shop"),
            (Reason::NoAttribute, "", suggested("shop:app"))
        );
        assert_eq!(
            reason("shop:"),
            (Reason::NoAttribute, "", suggested("shop:app"))
        );
        assert_eq!(reason(":app"), (Reason::Module, "", None));
        assert_eq!(reason(""), (Reason::Empty, "", None));
        assert_eq!(
            reason("shop: app"),
            (Reason::Whitespace, " ", suggested("shop:app"))
        );
        assert_eq!(reason("my-shop:app"), (Reason::Module, "my-shop", None));
        assert_eq!(reason("shop:app-1"), (Reason::Attribute, "app-1", None));
        assert_eq!(reason("shop:a..b"), (Reason::Attribute, "", None));
        assert_eq!(
            reason("shop:make(1)"),
            (Reason::Arguments, "(1)", suggested("shop:make()"))
        );
        assert_eq!(
            reason("shop:make("),
            (Reason::Attribute, "(", suggested("shop:make()"))
        );
    }

    #[test]
    fn a_wrong_target_is_a_failure_with_the_right_spelling() {
        let snapshot = Target::parse("app.py:app", Kind::Chirp)
            .unwrap_err()
            .snapshot();
        let failure = snapshot.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::TargetSyntax);
        assert_eq!(failure.nearest, ["app:app"]);
        assert_eq!(snapshot.target.spec, "app.py:app");
    }
}
