//! Layers become one configuration: defaults < file < environment < keywords < flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::contradictions::contradictions;
use super::environment::{self, Variables};
use super::field::{Model, Secrecy};
use super::file::{self, CheckTable, Wanted};
use super::flags::{self, Given};
use super::keywords::{self, Keyword};
use super::origin::{Entry, Layer, Origin};
use super::problem::Problem;
use super::source::{Place, Sources};
use super::value::Value;

/// A field's value in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The value; the default where the layer that won could not be read.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
    /// Whether what was written there could not be read.
    pub invalid: bool,
    /// Lower layers that said something too, the strongest first.
    pub shadowed: Vec<Origin>,
}

impl Setting {
    /// Whether a layer above the defaults set it.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.origin.layer != Layer::Default
    }
}

/// Everything that is said about a configuration from outside.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The file layer.
    pub file: Wanted,
    /// The environment layer; absent: variables are not read.
    pub variables: Option<Variables>,
    /// Prefix of the variables; absent: the product's own.
    pub prefix: Option<String>,
    /// The Python layer.
    pub keywords: Vec<Keyword>,
    /// Keywords that are taken without a look at their value.
    pub python_only: &'static [&'static str],
    /// The flag layer.
    pub flags: Vec<Given>,
    /// The call that made the configuration, to point at for what is missing there.
    pub call: Option<Place>,
    /// Mistakes found on the way to these inputs (an env file's, say).
    pub problems: Vec<Problem>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            file: Wanted::Nothing,
            variables: None,
            prefix: None,
            keywords: Vec::new(),
            python_only: &[],
            flags: Vec::new(),
            call: None,
            problems: Vec::new(),
        }
    }
}

/// A configuration whose every value knows where it came from.
#[derive(Debug, Clone)]
pub struct Resolved<M> {
    /// The typed configuration; fields that could not be read have their default.
    pub config: M,
    settings: Vec<Setting>,
    /// Every mistake, in the order of the layers.
    pub problems: Vec<Problem>,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// `app` and `app_dir`, from file or environment.
    pub beside: BTreeMap<&'static str, (String, Origin)>,
    /// Settings of the preflight.
    pub check: CheckTable,
    /// The call that made the configuration.
    pub call: Option<Place>,
    variables_read: bool,
    /// Prefix of the variables that set it.
    pub prefix: String,
}

impl<M: Model> Resolved<M> {
    /// The settings with their fields, in the order of declaration.
    pub fn settings(&self) -> impl Iterator<Item = (&'static super::Field, &Setting)> {
        M::fields().iter().zip(&self.settings)
    }

    /// A setting by name.
    ///
    /// # Panics
    /// Where no field has that name, which is a slip in this program.
    #[must_use]
    pub fn setting(&self, name: &str) -> &Setting {
        let index = M::index(name).unwrap_or_else(|| unreachable!("no field is named {name}"));
        &self.settings[index]
    }

    /// Where to point for a field: its own place, else the call that left it out.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<Place> {
        let setting = self.setting(name);
        match setting.origin.place.clone() {
            Some(place) => Some(place),
            None if setting.origin.layer == Layer::Default => self.call.clone(),
            None => None,
        }
    }

    /// Where else a field that nobody set could have been set:
    /// `no secret_key here, none in chirp.toml, CHIRP_SECRET_KEY is not set`.
    #[must_use]
    pub fn absence(&self, name: &str) -> String {
        let mut parts = Vec::new();
        if self.call.is_some() {
            parts.push(format!("no {name} here"));
        }
        match &self.file {
            Some(file) => parts.push(format!("none in {}", super::source::display_path(file))),
            None => parts.push(format!("no {}", M::PRODUCT.file)),
        }
        if let (true, Some(field)) = (self.variables_read, M::field(name)) {
            parts.push(format!("{} is not set", field.variable(&self.prefix)));
        }
        parts.join(", ")
    }

    /// The variable that sets a field.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        M::field(name).map(|field| field.variable(&self.prefix))
    }

    /// Whether there is a valid configuration.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !file::has_errors(&self.problems)
    }

    /// Replaces a value, as a throwaway view does; the origin is named by `why`.
    ///
    /// # Errors
    /// Where the value does not fit the field.
    pub fn with(&self, name: &str, value: Value, why: &str) -> Result<Self, super::value::Mistake> {
        let mut view = self.clone();
        if let Some(index) = M::index(name) {
            view.settings[index].value = value;
            view.settings[index].origin.name = why.to_owned();
            view.config = build(&view.settings)?;
        }
        Ok(view)
    }

    /// Every secret value, to be hidden from whatever is shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.settings()
            .filter_map(|(field, setting)| match &setting.value {
                Value::Text(text) if field.secrecy == Secrecy::Secret && !text.is_empty() => {
                    Some(text.as_str())
                }
                _ => None,
            })
    }
}

fn build<M: Model>(settings: &[Setting]) -> Result<M, super::value::Mistake> {
    let values: Vec<_> = settings
        .iter()
        .map(|setting| setting.value.clone())
        .collect();
    M::from_values(&values)
}

/// Resolves a configuration. Never fails: what is wrong is in [`Resolved::problems`].
pub fn resolve<M: Model>(inputs: &Inputs, sources: &mut Sources) -> Resolved<M> {
    let (product, fields) = (M::PRODUCT, M::fields());
    let mut problems = inputs.problems.clone();
    let file = file::read(product, fields, &inputs.file, sources, &mut problems);
    let environment = inputs.variables.as_ref().map(|variables| {
        let prefix = inputs.prefix.as_deref().unwrap_or(product.env_prefix);
        environment::read(product, fields, prefix, variables, sources, &mut problems)
    });
    let environment = environment.unwrap_or_default();
    let python = keywords::read(
        product,
        fields,
        inputs.python_only,
        &inputs.keywords,
        &mut problems,
    );
    let flags = flags::read(fields, &inputs.flags, &mut problems);

    aliases::<M>(&file.entries, &mut problems);
    let mut settings: Vec<Setting> = fields
        .iter()
        .map(|field| Setting {
            value: field.default.value(),
            origin: Origin::default_value(),
            invalid: false,
            shadowed: Vec::new(),
        })
        .collect();
    for entry in [file.entries, environment.entries, python, flags]
        .into_iter()
        .flatten()
    {
        put(&mut settings, entry);
    }
    contradictions::<M>(&mut settings, inputs.variables.is_some(), &mut problems);
    derive::<M>(&mut settings);
    let config = build(&settings).unwrap_or_else(|mistake| {
        // Every value was built once by its field's check: only a bug gets here.
        unreachable!("{}: {mistake:?}", product.class)
    });
    let mut beside = file.beside;
    beside.extend(environment.beside);
    let resolved = Resolved {
        config,
        settings,
        problems,
        file: file.path,
        beside,
        check: file.check,
        call: inputs.call.clone(),
        variables_read: inputs.variables.is_some(),
        prefix: inputs
            .prefix
            .clone()
            .unwrap_or_else(|| M::PRODUCT.env_prefix.to_owned()),
    };
    let of_strangers = inputs.variables.iter().flat_map(Variables::secrets);
    for secret in resolved.secrets().chain(of_strangers) {
        sources.mask_everywhere(secret);
    }
    resolved
}

fn put(settings: &mut [Setting], entry: Entry) {
    let Some(setting) = settings.get_mut(entry.field) else {
        return;
    };
    let before = std::mem::replace(&mut setting.origin, entry.origin);
    if before.layer != Layer::Default {
        setting.shadowed.insert(0, before);
    }
    match entry.value {
        Some(value) => {
            setting.value = value;
            setting.invalid = false;
        }
        None => setting.invalid = true,
    }
}

/// Old names: a note for each, an error where the new name is there too.
fn aliases<M: Model>(entries: &[Entry], problems: &mut Vec<Problem>) {
    for entry in entries {
        let Some(alias) = entry.alias else { continue };
        let name = M::fields()[entry.field].name;
        let other = entries
            .iter()
            .find(|other| other.field == entry.field && other.alias.is_none());
        problems.push(match other {
            Some(other) => Problem::error(format!("`{alias}` and `{name}` are the same setting"))
                .field(name)
                .at(entry.origin.place.clone(), "the old name")
                .at(other.origin.place.clone(), "the new one")
                .help(format!("keep `{name}`")),
            None => Problem::warning(format!("`{alias}` is now called `{name}`"))
                .field(name)
                .at(entry.origin.place.clone(), "the old name still works")
                .help(format!("rename it to `{name}`, a list")),
        });
    }
}

/// Fields that follow from others.
fn derive<M: Model>(settings: &mut [Setting]) {
    if let (Some(hosts), Some(wildcard)) = (
        M::index("trusted_hosts"),
        M::index("trusted_hosts_wildcard"),
    ) {
        let everyone = matches!(&settings[hosts].value, Value::List(items) if items.iter().any(|item| item == "*"));
        settings[wildcard].value = Value::Bool(everyone);
        settings[wildcard].origin = settings[hosts].origin.clone();
    }
}
