//! Snapshots of apps of the published bengal-chirp, recorded as docs/compatibility.md says.

#[cfg(test)]
mod recorded_apps {

    use std::fs;
    use std::path::Path;

    use pounce_core::app::snapshot::{App, FailureKind, PROTOCOL, Position, Snapshot};
    use serde_json::json;

    fn recorded(name: &str) -> Snapshot {
        let file = format!("tests/fixtures/snapshots/bengal-chirp-0.10.3-{name}.json");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        assert_eq!(snapshot.protocol, PROTOCOL);
        snapshot
    }

    fn app(name: &str) -> App {
        let app = recorded(name).app.unwrap();
        assert!(app.is_chirp());
        assert_eq!(app.framework.version.as_deref(), Some("0.10.3"));
        app
    }

    /// The source text at a position; the fixtures call this project's folder `/project`.
    fn text(position: Option<&Position>) -> String {
        let position = position.unwrap();
        let file = position.file.strip_prefix("/project").unwrap();
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let lines: Vec<_> = source.lines().collect();
        let (first, last) = (position.line as usize - 1, position.end_line as usize - 1);
        let (start, end) = (position.column as usize, position.end_column as usize);
        if first == last {
            return lines[first][start..end].to_owned();
        }
        let middle = lines[first + 1..last].join("\n");
        format!(
            "{}\n{middle}\n{}",
            &lines[first][start..],
            &lines[last][..end]
        )
        .replace("\n\n", "\n")
    }

    #[test]
    fn a_ready_app_is_seen_whole() {
        let app = app("ready");
        let config = app.config.unwrap();
        assert!(config.problems.is_empty());
        assert_eq!(config.values["env"], "production");
        let hosts = &config.explicit["allowed_hosts"];
        assert_eq!(hosts.value, json!(["shop.example"]));
        assert_eq!(
            text(hosts.position.as_ref()),
            "allowed_hosts=(\"shop.example\",)"
        );
        assert!(text(app.created_at.as_ref()).starts_with("App(\n"));

        let order = &app.routes[1];
        assert_eq!(order.methods, ["POST"]);
        assert_eq!(order.name.as_deref(), Some("order"));
        let decorator = "app.route(\"/orders/{number:int}\", methods=[\"POST\"], name=\"order\")";
        assert_eq!(text(order.position.as_ref()), decorator);

        let classes: Vec<_> = app
            .middleware
            .iter()
            .map(|each| each.class.as_str())
            .collect();
        assert_eq!(
            classes,
            [
                "SecurityHeadersMiddleware",
                "SessionMiddleware",
                "CSRFMiddleware"
            ]
        );
        assert_eq!(app.middleware[1].settings["secure"], "auto");
        assert_eq!(app.middleware[1].positional_parameters, Some(2));
        assert_eq!(
            text(app.hooks.startup[0].position.as_ref()),
            "app.on_startup"
        );
        assert_eq!(app.hooks.worker_shutdown[0].name, "ready.disconnect");
        assert_eq!(app.health_checks[0].name, "cache");
        assert_eq!(app.run_in_module, None);
    }

    #[test]
    fn a_missing_secret_is_a_problem_and_everything_else_is_still_seen() {
        let app = app("unready");
        let config = app.config.unwrap();
        assert_eq!(config.values["secret_key"], "");
        assert!(!config.explicit.contains_key("secret_key"));
        let problem = &config.problems[0];
        assert_eq!(problem.field.as_deref(), Some("secret_key"));
        assert!(text(problem.position.as_ref()).starts_with("AppConfig(\n    debug=True"));
        assert_eq!(
            text(config.explicit["metrics_path"].position.as_ref()),
            "**options"
        );

        assert_eq!(app.middleware[0].is_async, Some(false));
        assert_eq!(app.middleware[0].positional_parameters, Some(1));
        assert_eq!(app.middleware[1].settings["samesite"], "none");
        assert_eq!(app.middleware[1].settings["secure"], false);
        assert!(!app.middleware[2].callable);
        assert_eq!(text(app.run_in_module.as_ref()), "app.run()");
    }

    #[test]
    fn secrets_in_the_source_are_masked() {
        let masks = recorded("unready").masks;
        let masked: Vec<_> = masks.iter().map(|mask| text(Some(mask))).collect();
        assert_eq!(masked, ["\"fixture-key-of-nobody\"", "\"x\""]);
        let fallback = recorded("ready").masks;
        assert_eq!(text(fallback.first()), "\"not-a-real-key-0123456789\"");
    }

    #[test]
    fn pages_carry_their_form_actions() {
        let app = app("paged");
        let config = app.config.unwrap();
        assert!(config.from_env);
        assert_eq!(config.env_prefix.as_deref(), Some("CHIRP_"));
        assert_eq!(
            config.explicit.keys().collect::<Vec<_>>(),
            ["template_dir", "workers"]
        );
        let account = app
            .routes
            .iter()
            .find(|route| route.path == "/account")
            .unwrap();
        assert_eq!(account.form_actions, ["save"]);
        assert_eq!(account.handler, "account/page.py:get");
        assert_eq!(text(account.position.as_ref()), "def get():");
    }

    #[test]
    fn a_config_that_raises_is_told_at_its_call() {
        let failure = recorded("refused").failure.unwrap();
        assert_eq!(failure.kind, FailureKind::ConfigError);
        assert_eq!(failure.fields[0], "forwarded_for_trusted_hops");
        assert!(text(Some(&failure.frames[0].position)).starts_with("AppConfig(\n"));
        assert!(failure.frames[0].own);
        assert!(!failure.frames.last().unwrap().own);
    }
}
