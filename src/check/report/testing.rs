//! A verdict made by hand that holds every kind of place, and findings of any shape.

use std::path::Path;
use std::time::Duration;

use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::check::rule::Tool;
use crate::config::types::Env;
use crate::config::{Place, SourceId, Sources};

pub(super) const SECRET: &str = "correct-horse-battery";

/// The first place of `wanted` in a text.
pub(super) fn find(sources: &Sources, source: SourceId, wanted: &str) -> Option<Place> {
    let start = sources.get(source).raw().find(wanted).unwrap();
    Some(Place {
        source,
        span: start..start + wanted.len(),
    })
}

/// A verdict about nothing.
pub(super) fn empty() -> Verdict {
    Verdict {
        tool: Tool::Chirp,
        posture: Env::Production,
        deploy: true,
        findings: Vec::new(),
        ignored: 0,
        routes: 12,
        middleware: 3,
        rules_run: 14,
        elapsed: Duration::from_millis(84),
        import_ms: Some(71.3),
    }
}

/// Findings in a Python file, a TOML file, the environment, the command line, and nowhere.
pub(super) fn verdict() -> (Verdict, Sources) {
    let mut sources = Sources::default();
    let shop = sources.add_file(
        Path::new("/srv/shop/shop.py"),
        format!(
            "from chirp import App, AppConfig\n\nKEY = \"{SECRET}\"\n\
             app = App(AppConfig(env=\"staging\", sentry_dsn=KEY, allowed_hosts=(\"*\",)))\n\n\n\
             @app.route(\"/health\")\ndef health():\n    return \"ok\"\n"
        ),
    );
    let toml = sources.add_file(
        Path::new("/srv/shop/chirp.toml"),
        format!("sentry_dsn = \"{SECRET}\"\nworker = 4\n# health_path = \"/livez\"\n"),
    );
    let environment = sources.add("environment", "CHIRP_PROT=80\nCHIRP_DEBUG=1");
    let command = sources.add("command line", "chirp check shop:app --deploy --metrics");
    sources.mask_everywhere(SECRET);
    let at = |source, wanted| find(&sources, source, wanted);
    let findings = vec![
        Finding::error("no_place", "an error that no line shows")
            .why("there is nothing to point at")
            .details("shop.py:3: raised here\nand a second line"),
        Finding::error("secret_key", "secret_key is empty")
            .field("secret_key")
            .at(
                at(shop, "AppConfig(env"),
                "no secret_key here, none in chirp.toml, CHIRP_SECRET_KEY is not set",
            )
            .why("sessions and CSRF tokens are signed with it: with an empty key anyone can forge them")
            .help("in the deploy environment: CHIRP_SECRET_KEY=\"$(openssl rand -hex 32)\""),
        Finding::error("hidden_probe", "the route /health hides the liveness probe")
            .route("/health")
            .at(
                at(shop, "@app.route(\"/health\")"),
                "this handler answers, with sessions and CSRF in front of it",
            )
            .at(at(shop, "App(AppConfig"), "")
            .at(at(toml, "# health_path = \"/livez\""), "the probe could move here")
            .help("rename the route")
            .help("or move the probe: AppConfig(health_path=\"/livez\") or CHIRP_HEALTH_PATH=/livez"),
        Finding::error("config", "unknown key `worker`")
            .at(at(toml, "worker"), "did you mean `workers`?"),
        Finding::warning("wanted_twice", "two labels on one line")
            .at(at(command, "--metrics"), "metrics wanted here")
            .at(at(command, "--deploy"), "for production"),
        Finding::warning("unknown_variable", "CHIRP_PROT is no setting")
            .at(at(environment, "CHIRP_PROT"), "did you mean `CHIRP_PORT`?"),
        Finding::warning("unknown_variable", "every host is allowed")
            .at(at(shop, "sentry_dsn=KEY, allowed_hosts=(\"*\",)"), "here"),
        Finding::new("bind", Severity::Info, "this pounce listens already"),
    ];
    let verdict = Verdict {
        findings,
        ..empty()
    };
    (verdict, sources)
}
