//! `import`: the target resolves to an ASGI app.

mod missing_module;
mod stack;
#[cfg(test)]
mod tests;

use crate::app::snapshot::{Failure, FailureKind, Snapshot};
use crate::check::finding::Finding;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::Place;

const ID: &str = "import";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the target resolves: its module imports, the attribute exists and is an ASGI app",
    scope: Scope::App,
    tools: &[Tool::Chirp, Tool::Pounce],
    severities: "error",
    fatal: true,
    page: include_str!("../../../docs/rules/import.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some((snapshot, failure)) = cx
        .snapshot
        .and_then(|snapshot| Some((snapshot, snapshot.failure.as_ref()?)))
    else {
        return;
    };
    let report = Report {
        tool: cx.tool,
        snapshot,
        failure,
        target: cx
            .target
            .cloned()
            .or_else(|| named_in_configuration(cx, "app", &snapshot.target.spec)),
        folder: failure
            .folder
            .as_deref()
            .and_then(|folder| named_in_configuration(cx, "app_dir", folder)),
    };
    findings.push(report.finding());
}

/// Where file or variable name the target or its folder, if it is the one that was asked for.
fn named_in_configuration(cx: &Context<'_>, key: &str, asked: &str) -> Option<Place> {
    let (named, origin) = cx.server?.beside.get(key)?;
    (named == asked).then(|| origin.place.clone()).flatten()
}

/// One failure and what surrounds it.
struct Report<'a> {
    tool: Tool,
    snapshot: &'a Snapshot,
    failure: &'a Failure,
    target: Option<Place>,
    /// Where the configuration names the folder that the failure is about.
    folder: Option<Place>,
}

impl Report<'_> {
    fn finding(&self) -> Finding {
        let finding = match self.failure.kind {
            FailureKind::TargetSyntax => self.target_syntax(),
            FailureKind::ModuleNotFound => self.module_not_found(),
            FailureKind::ImportError => self.import_error(),
            FailureKind::SyntaxError => self.syntax_error(),
            FailureKind::Exception => self.exception(),
            FailureKind::SystemExit => self.system_exit(),
            FailureKind::AttributeMissing => self.attribute_missing(),
            FailureKind::NotAsgi => self.not_asgi(),
            FailureKind::FactoryArguments => self.factory_arguments(),
            FailureKind::FactoryFailed => self.factory_failed(),
            FailureKind::FactoryNotApp => self.factory_not_app(),
            FailureKind::ConfigError => self.config_error(),
            FailureKind::WrongInterpreter | FailureKind::NoInterpreter => self.interpreter(),
            FailureKind::AppDir => self.app_dir(),
            FailureKind::Crash => self.crash(),
            FailureKind::Vanished => self.vanished(),
            FailureKind::Hang => self.hang(),
        };
        let mut finding = match &self.target {
            Some(place) if finding.labels.is_empty() => {
                finding.at(Some(place.clone()), "the app is named here")
            }
            _ => finding,
        };
        finding.details = stack::details(self.failure);
        finding
    }

    fn target_syntax(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        match self.failure.nearest.first() {
            Some(spec) => finding.help(format!("did you mean {spec}?")),
            None => finding.help(
                "write module:attribute, or module:factory() for a function that makes the app",
            ),
        }
    }

    fn module_not_found(&self) -> Finding {
        missing_module::finding(self.snapshot, self.failure)
    }

    fn import_error(&self) -> Finding {
        let finding = self.raised(format!(
            "importing {} failed: {}",
            self.snapshot.target.module, self.failure.message
        ));
        if let Some(name) = self.failure.nearest.first() {
            finding.help(format!("did you mean {name}?"))
        } else if self
            .failure
            .message
            .contains("partially initialized module")
        {
            finding
                .why("two modules import each other, and one is asked for a name that it has not defined yet")
                .help("move the names that both need into a third module, or import inside the function that needs it")
        } else {
            finding.help(format!(
                "try it by itself: {} -c \"import {}\"",
                self.python(),
                self.snapshot.target.module
            ))
        }
    }

    fn syntax_error(&self) -> Finding {
        let python = &self.snapshot.python.version;
        let finding = Finding::error(
            ID,
            format!(
                "{} does not compile: {}",
                self.snapshot.target.module, self.failure.message
            ),
        );
        stack::labels(finding, self.failure, "not valid Python").help(if python.is_empty() {
            "correct it, or choose a newer interpreter with --python".to_owned()
        } else {
            format!("correct it; if it is newer syntax than Python {python} knows, choose another interpreter with --python")
        })
    }

    fn exception(&self) -> Finding {
        let finding = self.raised(format!(
            "importing {} raised {}",
            self.snapshot.target.module,
            self.exception_text()
        ));
        if let Some(name) = self.missing_variable() {
            return finding.help(set_variable(self.tool, name));
        }
        finding.help(format!(
            "see all of it: {} -c \"import {}\"",
            self.python(),
            self.snapshot.target.module
        ))
    }

    fn factory_failed(&self) -> Finding {
        let attribute = &self.snapshot.target.attribute;
        let finding = self.raised(format!("{attribute}() raised {}", self.exception_text()));
        if let Some(name) = self.missing_variable() {
            return finding.help(set_variable(self.tool, name));
        }
        finding.help(format!(
            "see all of it: {} -c \"import {module}; {module}.{attribute}()\"",
            self.python(),
            module = self.snapshot.target.module
        ))
    }

    /// `os.environ["NAME"]` without that variable raises a `KeyError` of its name; keys that are
    /// written like a variable are rarely anything else.
    fn missing_variable(&self) -> Option<&str> {
        let name = self.failure.message.trim_matches(['\'', '"']);
        let mut letters = name.bytes();
        let like_a_variable = name.len() > 2
            && letters
                .next()
                .is_some_and(|first| first.is_ascii_uppercase())
            && letters
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let raised = self.failure.exception.as_deref() == Some("KeyError");
        (raised && like_a_variable).then_some(name)
    }

    fn system_exit(&self) -> Finding {
        let code = self.failure.exit_code.as_deref().unwrap_or_default();
        let finding = Finding::error(
            ID,
            format!(
                "importing {} calls sys.exit({code})",
                self.snapshot.target.module
            ),
        );
        stack::labels(finding, self.failure, "ends the process here")
            .why("the server imports the module: it would end before it serves")
            .help("put what a script does behind if __name__ == \"__main__\":")
    }

    fn attribute_missing(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        let finding = stack::labels(finding, self.failure, "looked for in here");
        if let Some(specs) = self.suggestions() {
            return finding.help(format!("did you mean {specs}?"));
        }
        finding.help(format!(
            "name the variable that holds the app: {}:NAME, or {}:FACTORY() for a function that makes it",
            self.snapshot.target.module, self.snapshot.target.module
        ))
    }

    fn not_asgi(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        let finding = stack::labels(finding, self.failure, "defined here")
            .why("a server calls an app with scope, receive and send (ASGI 3)");
        let needed = &self.failure.required_parameters;
        if !needed.is_empty() {
            return finding.help(without_parameters(needed));
        }
        if let Some(specs) = self.suggestions() {
            return finding.help(format!("did you mean {specs}?"));
        }
        if self.failure.message.contains("WSGI") {
            return finding
                .help("wrap it: asgiref.wsgi.WsgiToAsgi(app), or a2wsgi.WSGIMiddleware(app)");
        }
        finding.help(format!(
            "name an ASGI app ({module}:NAME) or a function that makes one ({module}:FACTORY())",
            module = self.snapshot.target.module
        ))
    }

    fn factory_arguments(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        stack::labels(finding, self.failure, "these parameters have no default")
            .help(without_parameters(&self.failure.required_parameters))
    }

    fn factory_not_app(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        stack::labels(finding, self.failure, "this function was called").help(format!(
            "let {}() return the app; it must be a plain function, not async",
            self.snapshot.target.attribute
        ))
    }

    /// The app's configuration refused its values: a mistake in a setting, not in an import.
    fn config_error(&self) -> Finding {
        let fields = &self.failure.fields;
        let secret_key = matches!(&fields[..], [field] if field == "secret_key");
        let rule = match self.tool {
            // Of another server it is an exception like any other.
            Tool::Pounce => ID,
            Tool::Chirp if secret_key => "secret_key",
            Tool::Chirp => "config",
        };
        let mut finding = Finding::error(rule, sentence(&self.failure.message));
        if let [field] = &fields[..] {
            finding = finding.field(field.clone());
        }
        let label = match &fields[..] {
            [] => "this configuration is refused".to_owned(),
            fields => format!("{} is refused here", fields.join(", ")),
        };
        finding = stack::labels_from(finding, self.failure, stack::configuration_call, &label);
        if secret_key {
            finding
                .why("sessions and CSRF tokens are signed with it: with an empty key anyone can forge them")
                .help("in the deploy environment: CHIRP_SECRET_KEY=\"$(openssl rand -hex 32)\"")
        } else {
            finding.help("chirp config schema --output-format toml-template lists every setting with its range")
        }
    }

    fn interpreter(&self) -> Finding {
        Finding::error(ID, sentence(&self.failure.message))
            .why("the app is imported by the Python that will run it")
            .help("choose it: --python .venv/bin/python, or activate the app's virtual environment")
    }

    fn app_dir(&self) -> Finding {
        Finding::error(ID, sentence(&self.failure.message))
            .at(self.folder.clone(), "the folder is named here")
            .help("app_dir and --app-dir count from the working directory: start the check where the server is started, or write an absolute path")
    }

    fn crash(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        let finding = stack::labels(finding, self.failure, "running when it crashed");
        if self.failure.signal.as_deref() == Some("SIGKILL") {
            return finding.help("give the check more memory, or see what the import loads");
        }
        finding
            .why("Python itself does not crash: an extension module does, often one built for another Python")
            .help(format!(
                "see where: {} -X faulthandler -c \"import {}\"",
                self.python(),
                self.snapshot.target.module
            ))
    }

    fn vanished(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        stack::labels(finding, self.failure, "running when it ended")
            .why("the server imports the module: it would end before it serves")
            .help("look for os._exit, or for a program that replaces the process (os.exec...)")
    }

    fn hang(&self) -> Finding {
        let finding = Finding::error(ID, sentence(&self.failure.message));
        stack::labels(finding, self.failure, "still here at the time limit")
            .why("a worker imports the module before it can serve, and so does every restart")
            .help(format!(
                "move what waits (connections, migrations, loops) into a startup hook; what is only slow gets \
                 more time: {} check {} --import-timeout SECONDS",
                self.tool.name(),
                self.snapshot.target.spec
            ))
    }

    fn raised(&self, message: String) -> Finding {
        let label = match self.failure.frames.last() {
            Some(frame) if !frame.own => format!("this call raised, in {}", frame.function),
            _ => "raised here".to_owned(),
        };
        stack::labels(Finding::error(ID, message), self.failure, &label)
    }

    fn exception_text(&self) -> String {
        let message = &self.failure.message;
        match &self.failure.exception {
            Some(class) if class == message || message.is_empty() => class.clone(),
            Some(class) => format!("{class}: {message}"),
            None => message.clone(),
        }
    }

    /// The names that the probe found near, as targets.
    fn suggestions(&self) -> Option<String> {
        let specs: Vec<_> = self
            .failure
            .nearest
            .iter()
            .map(|name| {
                if name.contains(':') {
                    return name.clone();
                }
                let parent = self.snapshot.target.attribute.rsplit_once('.');
                let parent = parent.map_or(String::new(), |(parent, _)| format!("{parent}."));
                format!("{}:{parent}{name}", self.snapshot.target.module)
            })
            .collect();
        (!specs.is_empty()).then(|| specs.join(" or "))
    }

    fn python(&self) -> &str {
        executable(self.snapshot)
    }
}

fn set_variable(tool: Tool, name: &str) -> String {
    let file = match tool {
        Tool::Chirp => ", or name a file that does: --env-file FILE",
        Tool::Pounce => "",
    };
    format!("if it is a variable of the environment, set it: export {name}=…{file}")
}

/// The interpreter of the app, as a command.
fn executable(snapshot: &Snapshot) -> &str {
    match snapshot.python.executable.as_str() {
        "" => "python3",
        executable => executable,
    }
}

fn without_parameters(needed: &[String]) -> String {
    format!(
        "give {} a default, or write a function without parameters that passes it and returns the app",
        needed.join(", ")
    )
}

/// A message of the probe as the first line of a finding: one line, lower case start, no full stop.
///
/// Names stay as they are: only a word of one capital and small letters is a sentence's first.
fn sentence(message: &str) -> String {
    let line = message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let word = line.split(' ').next().unwrap_or_default();
    let mut letters = word.chars();
    let capital = letters.next().filter(|first| first.is_uppercase());
    match capital {
        Some(first)
            if !word.is_empty() && letters.clone().all(char::is_lowercase) && word != "Python" =>
        {
            first.to_lowercase().chain(line.chars().skip(1)).collect()
        }
        _ => line.to_owned(),
    }
}
