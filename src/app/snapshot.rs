//! What the probe saw: the app as plain data, with a source position wherever there is one.
//!
//! The document is written by `python/pounce_rs/probe/` in the interpreter that will run the app and
//! read here; rules work on these types and never see Python.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Version of the document; a probe that speaks another one is refused.
pub const PROTOCOL: u32 = 1;

/// A range in a Python source file, as `ast` counts it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Absolute path of the file.
    pub file: PathBuf,
    /// First line, from 1.
    pub line: u32,
    /// First column, from 0, in UTF-8 bytes.
    pub column: u32,
    /// Last line, from 1.
    pub end_line: u32,
    /// Column behind the last one, from 0, in UTF-8 bytes.
    pub end_column: u32,
}

/// The whole answer of the probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// The interpreter that imported the app.
    pub python: Interpreter,
    /// What was asked for, and what it resolved to.
    pub target: TargetSeen,
    /// Milliseconds spent importing the module and calling the factory.
    #[serde(default)]
    pub import_ms: f64,
    /// `CHIRP_*`/`POUNCE_*` variables that the app itself set while it was imported (an env file, say).
    #[serde(default)]
    pub environ: BTreeMap<String, String>,
    /// Why there is no app, where there is none.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// The app, where the target resolved to one.
    #[serde(default)]
    pub app: Option<App>,
    /// Source ranges whose text is a secret and must never be shown.
    #[serde(default)]
    pub masks: Vec<Position>,
}

impl Snapshot {
    /// The snapshot of a target that gave no app, without anything else known.
    #[must_use]
    pub fn failed(target: TargetSeen, failure: Failure) -> Self {
        Self {
            protocol: PROTOCOL,
            target,
            failure: Some(failure),
            ..Self::default()
        }
    }
}

/// The interpreter of the probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// `3.13.0`.
    pub version: String,
    /// `cpython`, `pypy`, ...
    #[serde(default)]
    pub implementation: String,
    /// Absolute path of the executable.
    #[serde(default)]
    pub executable: String,
    /// Whether the GIL is on while the app is imported (an extension may have switched it on).
    #[serde(default = "yes")]
    pub gil_enabled: bool,
    /// Whether this is a free-threaded build (PEP 703).
    #[serde(default)]
    pub free_threaded_build: bool,
    /// `sys.prefix`.
    #[serde(default)]
    pub prefix: String,
}

fn yes() -> bool {
    true
}

/// The target as the probe resolved it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSeen {
    /// As it was written: `shop:app`.
    pub spec: String,
    /// Module name.
    pub module: String,
    /// Source file of the module, if it has one.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Attribute, possibly dotted.
    pub attribute: String,
    /// Whether the app came out of a call.
    #[serde(default)]
    pub factory: bool,
}

/// Why the target did not give an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// One line, without secrets.
    pub message: String,
    /// Exception class, where there was one.
    #[serde(default)]
    pub exception: Option<String>,
    /// Name of the module that is missing.
    #[serde(default)]
    pub missing_module: Option<String>,
    /// Whether the missing module is the target's own.
    #[serde(default)]
    pub own_module: bool,
    /// Folder that has it, as `--app-dir` takes it.
    #[serde(default)]
    pub folder: Option<String>,
    /// Nearest names that do exist.
    #[serde(default)]
    pub nearest: Vec<String>,
    /// Parameters that a factory needs and nobody gives.
    #[serde(default)]
    pub required_parameters: Vec<String>,
    /// Argument of `sys.exit`, or the status of the process.
    #[serde(default)]
    pub exit_code: Option<String>,
    /// Signal that ended the process (`SIGSEGV`).
    #[serde(default)]
    pub signal: Option<String>,
    /// AppConfig fields that a configuration error is about.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Stack, outermost call first.
    #[serde(default)]
    pub frames: Vec<Frame>,
    /// Last lines that the app printed, where they say more than the exception.
    #[serde(default)]
    pub output: Vec<String>,
}

impl Failure {
    /// A failure with nothing but its kind and message.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            exception: None,
            missing_module: None,
            own_module: false,
            folder: None,
            nearest: Vec::new(),
            required_parameters: Vec::new(),
            exit_code: None,
            signal: None,
            fields: Vec::new(),
            frames: Vec::new(),
            output: Vec::new(),
        }
    }
}

/// Kinds of [`Failure`]. The last five are seen from outside, by the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The target is not `module:attribute`.
    TargetSyntax,
    /// A module does not exist.
    ModuleNotFound,
    /// `ImportError` that is not a missing module.
    ImportError,
    /// The module does not compile.
    SyntaxError,
    /// The module raised.
    Exception,
    /// The module called `sys.exit`.
    SystemExit,
    /// The module has no such attribute.
    AttributeMissing,
    /// The attribute is no ASGI app and no factory.
    NotAsgi,
    /// The factory needs arguments.
    FactoryArguments,
    /// The factory raised.
    FactoryFailed,
    /// The factory returned something else than an app.
    FactoryNotApp,
    /// `AppConfig(...)` raised.
    ConfigError,
    /// The interpreter is too old, or not the one that the app needs.
    WrongInterpreter,
    /// No interpreter was found or it could not be started.
    NoInterpreter,
    /// The folder of the app does not exist or cannot be used.
    AppDir,
    /// Ended by a signal.
    Crash,
    /// Ended without an answer (`os._exit`).
    Vanished,
    /// Not finished within the time limit.
    Hang,
}

/// One frame of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Where.
    pub position: Position,
    /// Function name.
    pub function: String,
    /// Whether this is the user's code (not the standard library, not an installed package).
    #[serde(default)]
    pub own: bool,
}

/// An app, whatever its framework.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Which framework made it.
    pub framework: Framework,
    /// Qualified class name.
    #[serde(rename = "type", default)]
    pub type_name: String,
    /// The `App(...)` call.
    #[serde(default)]
    pub created_at: Option<Position>,
    /// Its configuration, for Chirp apps.
    #[serde(default)]
    pub config: Option<AppConfigSeen>,
    /// Routes in order of registration.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Middleware in resolved order, outermost first.
    #[serde(default)]
    pub middleware: Vec<Middleware>,
    /// Lifecycle hooks.
    #[serde(default)]
    pub hooks: Hooks,
    /// Readiness checks.
    #[serde(default)]
    pub health_checks: Vec<Named>,
    /// Whether any route speaks WebSocket.
    #[serde(default)]
    pub uses_websocket: bool,
    /// Where `app.run()` or `pounce.run()` handed the app over while the module was imported.
    #[serde(default)]
    pub run_in_module: Option<Position>,
}

/// Framework of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Framework {
    /// `chirp`, `bengal-chirp`, `starlette`, `fastapi`, `django`, `litestar`, `quart` or `generic`.
    pub name: String,
    /// Its version, where known.
    #[serde(default)]
    pub version: Option<String>,
}

impl App {
    /// Whether this is a Chirp app, of this project or of the published package.
    #[must_use]
    pub fn is_chirp(&self) -> bool {
        matches!(self.framework.name.as_str(), "chirp" | "bengal-chirp")
    }
}

/// An `AppConfig` object and how it was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AppConfigSeen {
    /// The `AppConfig(...)` call.
    #[serde(default)]
    pub created_at: Option<Position>,
    /// Whether it came from `AppConfig.from_env`.
    #[serde(default)]
    pub from_env: bool,
    /// Prefix given to `from_env`.
    #[serde(default)]
    pub env_prefix: Option<String>,
    /// Keywords that the code passed.
    #[serde(default)]
    pub explicit: BTreeMap<String, Keyword>,
    /// Final value of every field.
    #[serde(default)]
    pub values: BTreeMap<String, Json>,
    /// Mistakes that the constructor recorded instead of raising.
    #[serde(default)]
    pub problems: Vec<KeywordProblem>,
}

/// An explicit keyword argument.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Keyword {
    /// Its value, as JSON.
    #[serde(default)]
    pub value: Json,
    /// Whether it is a live object that has no JSON form.
    #[serde(default)]
    pub opaque: bool,
    /// `name=value` in the source.
    #[serde(default)]
    pub position: Option<Position>,
}

/// A mistake of a keyword argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeywordProblem {
    /// Field it is about.
    #[serde(default)]
    pub field: Option<String>,
    /// One line, without secrets.
    pub message: String,
    /// Where.
    #[serde(default)]
    pub position: Option<Position>,
}

/// A route.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// As declared: `/users/{id:int}`.
    pub path: String,
    /// HTTP methods, upper case; empty for mounts and WebSocket routes.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Route name.
    #[serde(default)]
    pub name: Option<String>,
    /// Form actions of a page.
    #[serde(default)]
    pub form_actions: Vec<String>,
    /// Whether the path is one fixed path or matches many.
    #[serde(default)]
    pub pattern_kind: PatternKind,
    /// The decorator call, else the definition of the handler.
    #[serde(default)]
    pub position: Option<Position>,
    /// Qualified name of the handler.
    #[serde(default)]
    pub handler: String,
    /// Whether it is a WebSocket route.
    #[serde(default)]
    pub websocket: bool,
    /// Whether everything below the path belongs to it.
    #[serde(default)]
    pub mount: bool,
}

/// See [`Route::pattern_kind`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatternKind {
    /// No parameters.
    #[default]
    Literal,
    /// With parameters.
    Pattern,
}

/// A middleware of the app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Middleware {
    /// Class name, or the function's name.
    pub class: String,
    /// Module of the class.
    #[serde(default)]
    pub module: String,
    /// Class names of its MRO, most derived first, without `object`.
    #[serde(default)]
    pub bases: Vec<String>,
    /// Lower is outer.
    #[serde(default)]
    pub priority: i64,
    /// Order of registration, from 0.
    #[serde(default)]
    pub registration: usize,
    /// The `add_middleware` call.
    #[serde(default)]
    pub position: Option<Position>,
    /// Whether it can be called at all.
    #[serde(default = "yes")]
    pub callable: bool,
    /// Whether calling it gives an awaitable; absent where that cannot be seen.
    #[serde(default)]
    pub is_async: Option<bool>,
    /// Positional parameters that a call can give it; absent where that cannot be seen or is unlimited.
    #[serde(default)]
    pub positional_parameters: Option<u32>,
    /// The settings that rules look at.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
}

impl Middleware {
    /// Whether it is of that class or of a subclass, by name.
    #[must_use]
    pub fn is(&self, class: &str) -> bool {
        self.class == class || self.bases.iter().any(|base| base == class)
    }
}

/// Lifecycle hooks of an app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hooks {
    /// Once, before the first request.
    #[serde(default)]
    pub startup: Vec<Named>,
    /// Once, behind the last one.
    #[serde(default)]
    pub shutdown: Vec<Named>,
    /// In every worker.
    #[serde(default)]
    pub worker_startup: Vec<Named>,
    /// In every worker.
    #[serde(default)]
    pub worker_shutdown: Vec<Named>,
}

/// A named thing with a place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Name.
    pub name: String,
    /// Place, where known.
    #[serde(default)]
    pub position: Option<Position>,
}
