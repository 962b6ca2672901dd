//! What a rule is: metadata and one pure function over data.

use super::finding::{Finding, Severity};
use crate::app::snapshot::{App, Snapshot};
use crate::config::types::Env;
use crate::config::{AppConfig, Place, Problem, Resolved, ServerConfig};

/// Which command asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// `chirp check`: an app and its configuration.
    Chirp,
    /// `pounce check`, and every launch: the server, its app, its machine.
    Pounce,
}

impl Tool {
    /// The command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chirp => "chirp",
            Self::Pounce => "pounce",
        }
    }
}

/// What a rule judges; `--scope` chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Files, variables, flags.
    Config,
    /// The app.
    App,
    /// The machine that runs the check.
    Machine,
}

impl Scope {
    /// As `--scope` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::App => "app",
            Self::Machine => "machine",
        }
    }
}

/// Everything that rules look at. What was not gathered is absent, and rules that need it are silent.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Which command asks.
    pub tool: Tool,
    /// What the app is judged as.
    pub posture: Env,
    /// Every mistake of the configurations that were resolved, also where there is no app to judge.
    pub problems: &'a [Problem],
    /// The server's configuration (`pounce check`).
    pub server: Option<&'a Resolved<ServerConfig>>,
    /// The app's configuration (Chirp apps).
    pub app_config: Option<&'a Resolved<AppConfig>>,
    /// Where the app was named on the command line.
    pub target: Option<&'a Place>,
    /// What the probe saw.
    pub snapshot: Option<&'a Snapshot>,
    /// What the machine is like.
    pub machine: Option<&'a super::machine::Machine>,
}

impl<'a> Context<'a> {
    /// The app, where the target resolved to one.
    #[must_use]
    pub fn app(&self) -> Option<&'a App> {
        self.snapshot?.app.as_ref()
    }

    /// The app, where it is a Chirp app.
    #[must_use]
    pub fn chirp_app(&self) -> Option<&'a App> {
        self.app().filter(|app| app.is_chirp())
    }

    /// Severity by posture, as reference/rules.md writes it: development / staging / production.
    #[must_use]
    pub fn severity(&self, by_posture: [Option<Severity>; 3]) -> Option<Severity> {
        match self.posture {
            Env::Development => by_posture[0],
            Env::Staging => by_posture[1],
            Env::Production => by_posture[2],
        }
    }
}

/// A rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name: `secret_key`.
    pub id: &'static str,
    /// What it decides, in one line.
    pub summary: &'static str,
    /// What it judges.
    pub scope: Scope,
    /// Commands that run it.
    pub tools: &'static [Tool],
    /// Severities, for people: `- / error / error`.
    pub severities: &'static str,
    /// Whether an error stops a launch.
    pub fatal: bool,
    /// Its page in docs/rules/.
    pub page: &'static str,
    /// The judgement.
    pub check: fn(&Context<'_>, &mut Vec<Finding>),
}

/// Severity table of a rule that only warns.
pub const WARNING: [Option<Severity>; 3] = [Some(Severity::Warning); 3];
/// Severity table of a rule that is an error in every posture.
pub const ERROR: [Option<Severity>; 3] = [Some(Severity::Error); 3];
/// Severity table of a hardening that development does without: - / warning / error.
pub const HARDENING: [Option<Severity>; 3] = [None, Some(Severity::Warning), Some(Severity::Error)];
