//! What a launch is: what to run, where, with which settings.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;

use serde_json::{Map, Value as Json};

use crate::config::field::Model as _;
use crate::config::{Resolved, ServerConfig};

/// What a worker runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// The app of a target, imported by the worker's own module.
    Target {
        /// `module:attribute` or `module:factory()`.
        target: String,
        /// Folder that goes to the front of the import path; the working directory where absent.
        app_dir: Option<PathBuf>,
    },
    /// The Chirp app of a target, with what is said about its configuration outside its code.
    ChirpApp {
        /// `module:attribute`, or a module that has an `app`.
        target: String,
        /// Folder that goes to the front of the import path.
        app_dir: PathBuf,
        /// What stands below and above the keywords of the code.
        settings: AppSettings,
    },
    /// This program again, until it comes to its `run()`.
    Script {
        /// Arguments of the interpreter.
        arguments: Vec<OsString>,
    },
}

/// Settings of a Chirp app from outside its code. They hold secrets, and never show them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct AppSettings {
    /// What the keywords of the code win over: the file, the variables; flags too.
    pub base: Map<String, Json>,
    /// What wins over the keywords.
    pub flags: Map<String, Json>,
    /// Variables of an env file that the process does not have.
    pub variables: Vec<(String, String)>,
}

impl fmt::Debug for AppSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AppSettings")
            .field("base", &self.base.keys())
            .field("flags", &self.flags.keys())
            .finish_non_exhaustive()
    }
}

/// Whether the app is asked for its lifespan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifespan {
    /// Where it has one.
    #[default]
    Auto,
    /// Its failure to have one is an error.
    On,
    /// Never.
    Off,
}

impl Lifespan {
    /// As `--lifespan` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Everything that the supervisor needs.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The configuration, judged.
    pub config: ServerConfig,
    /// The same for the workers: what differs from the defaults, by name.
    pub settings: Map<String, Json>,
    /// Worker processes; at least 1.
    pub workers: usize,
    /// What they run.
    pub program: Program,
    /// The interpreter that runs it.
    pub python: PathBuf,
    /// Whether the app is asked for its lifespan.
    pub lifespan: Lifespan,
    /// Sockets that were opened outside, in place of those of the configuration.
    pub inherited: Vec<RawFd>,
    /// File for the supervisor's process id.
    pub pid_file: Option<PathBuf>,
}

/// What of a configuration differs from the defaults, as the workers read it.
#[must_use]
pub fn settings(resolved: &Resolved<ServerConfig>) -> Map<String, Json> {
    let differs = |name: &str, value: &Json| {
        let default = ServerConfig::field(name).map(|field| field.default.value().to_json());
        default.as_ref() != Some(value)
    };
    resolved
        .settings()
        .filter(|(field, _)| !field.derived)
        .map(|(field, setting)| (field.name, setting.value.to_json()))
        .filter(|(name, value)| differs(name, value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
