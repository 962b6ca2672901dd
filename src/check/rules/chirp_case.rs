//! A Chirp app built by hand, for the tests of the rules that judge one.
//!
//! Everything stands in one imaginary `shop.py`: the `App(...)` call in line 1, the first route in
//! line 10, the first middleware in line 50, the first hook in line 90.

use std::fmt;

use serde_json::Value as Json;

use crate::app::snapshot::{App, Framework, Middleware, Named, Position, Route, Snapshot};
use crate::check::finding::{Finding, Spot};
use crate::check::rule::{Context, Rule, Tool};
use crate::config::environment::Variables;
use crate::config::keywords::Keyword;
use crate::config::types::Env;
use crate::config::{AppConfig, Inputs, Place, Resolved, Sources, resolve};

const POSTURES: [Env; 3] = [Env::Development, Env::Staging, Env::Production];

/// See the module.
pub(super) struct ChirpCase {
    inputs: Inputs,
    sources: Sources,
    /// What the probe is said to have seen.
    pub(super) snapshot: Snapshot,
}

impl ChirpCase {
    /// `app = App(AppConfig())` and nothing more.
    pub(super) fn new() -> Self {
        let mut sources = Sources::default();
        let call = whole(&mut sources, "AppConfig()");
        let app = App {
            framework: Framework {
                name: "chirp".into(),
                version: None,
            },
            created_at: Some(position(1)),
            ..App::default()
        };
        let mut snapshot = Snapshot {
            app: Some(app),
            ..Snapshot::default()
        };
        snapshot.python.gil_enabled = true;
        Self {
            inputs: Inputs {
                call: Some(call),
                ..Inputs::default()
            },
            sources,
            snapshot,
        }
    }

    /// Passes a keyword to `AppConfig(...)`.
    pub(super) fn keyword(mut self, name: &str, value: Json) -> Self {
        let place = whole(&mut self.sources, &format!("{name}={value}"));
        self.inputs.keywords.push(Keyword {
            name: name.into(),
            value,
            place: Some(place),
            from: "shop.py:1".into(),
        });
        self
    }

    /// Sets a variable.
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        let pair = (name.into(), value.into());
        self.inputs.variables = Some(Variables::from_pairs([pair]));
        self
    }

    /// Declares a route.
    pub(super) fn route(self, path: &str, methods: &[&str]) -> Self {
        self.app(|app| {
            app.routes.push(Route {
                path: path.into(),
                methods: methods.iter().map(|&method| method.into()).collect(),
                position: Some(position(10 + app.routes.len())),
                ..Route::default()
            });
        })
    }

    /// Adds a middleware inside those that are there.
    pub(super) fn middleware(self, class: &str, settings: Json) -> Self {
        let Json::Object(settings) = settings else {
            panic!("settings are an object")
        };
        self.app(|app| {
            let index = app.middleware.len();
            app.middleware.push(Middleware {
                class: class.into(),
                module: "shop".into(),
                registration: index,
                position: Some(position(50 + index)),
                callable: true,
                is_async: Some(true),
                positional_parameters: Some(2),
                settings: settings.into_iter().collect(),
                ..Middleware::default()
            });
        })
    }

    /// Changes the app.
    pub(super) fn app(mut self, change: impl FnOnce(&mut App)) -> Self {
        change(self.snapshot.app.as_mut().expect("there is an app"));
        self
    }

    /// What a rule finds in a posture.
    pub(super) fn judge(&self, rule: &Rule, posture: Env) -> Vec<Seen> {
        let mut sources = self.sources.clone();
        let resolved: Resolved<AppConfig> = resolve(&self.inputs, &mut sources);
        let context = Context {
            tool: Tool::Chirp,
            posture,
            problems: &resolved.problems,
            server: None,
            app_config: Some(&resolved),
            target: None,
            snapshot: Some(&self.snapshot),
            machine: None,
        };
        let mut findings = Vec::new();
        (rule.check)(&context, &mut findings);
        findings
            .into_iter()
            .map(|finding| Seen::of(&finding, rule, &sources))
            .collect()
    }

    /// What a rule finds in production.
    pub(super) fn in_production(&self, rule: &Rule) -> Vec<Seen> {
        self.judge(rule, Env::Production)
    }

    /// The severities that a rule gives, as its table writes them: `- / warning / error`.
    pub(super) fn severities(&self, rule: &Rule) -> String {
        let by_posture = POSTURES.map(|posture| {
            let found = self.judge(rule, posture);
            let severities: Vec<_> = found.iter().map(|seen| seen.severity).collect();
            match severities.as_slice() {
                [] => "-".to_owned(),
                several => several.join("+"),
            }
        });
        by_posture.join(" / ")
    }
}

/// A finding as a test reads it.
pub(super) struct Seen {
    pub(super) severity: &'static str,
    pub(super) message: String,
    /// What each label points at (source text, or `shop.py:10`) and what it says.
    pub(super) labels: Vec<(String, String)>,
    /// The lines of the help, joined.
    pub(super) help: String,
    pub(super) why: String,
    pub(super) route: Option<String>,
    pub(super) details: String,
}

impl Seen {
    fn of(finding: &Finding, rule: &Rule, sources: &Sources) -> Self {
        assert_eq!(finding.rule, rule.id);
        assert!(!finding.message.ends_with('.') && !finding.message.contains('\n'));
        let labels = finding.labels.iter().map(|label| {
            let spot = match &label.spot {
                Spot::Place(Place { source, span }) => {
                    sources.get(*source).raw()[span.clone()].to_owned()
                }
                Spot::Python(position) => {
                    format!("{}:{}", position.file.display(), position.line)
                }
            };
            (spot, label.text.clone())
        });
        Self {
            severity: finding.severity.as_str(),
            message: finding.message.clone(),
            labels: labels.collect(),
            help: finding.help.join("\n"),
            why: finding.why.clone().expect("every finding says why"),
            route: finding.route.clone(),
            details: finding.details.clone().unwrap_or_default(),
        }
    }

    /// What the first label points at.
    pub(super) fn first_spot(&self) -> &str {
        self.labels.first().map_or("", |(spot, _)| spot)
    }

    /// What the first label says.
    pub(super) fn first_label(&self) -> &str {
        self.labels.first().map_or("", |(_, text)| text)
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {:?}", self.severity, self.message, self.labels)
    }
}

/// A hook in the line of its index.
pub(super) fn hook(name: &str, index: usize) -> Named {
    Named {
        name: name.into(),
        position: Some(position(90 + index)),
    }
}

fn position(line: usize) -> Position {
    let line = u32::try_from(line).expect("a line number");
    Position {
        file: "shop.py".into(),
        line,
        column: 0,
        end_line: line,
        end_column: 10,
    }
}

fn whole(sources: &mut Sources, text: &str) -> Place {
    Place {
        source: sources.add("shop.py", text),
        span: 0..text.len(),
    }
}
