//! `path_collision`: no two answers for one path, of the server itself or of server and app.

#[cfg(test)]
mod tests;

use crate::app::snapshot::Route;
use crate::check::finding::{Finding, Severity};
use crate::check::paths::{Match, covers};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Place, Resolved, ServerConfig};

const ID: &str = "path_collision";
/// Hidden routes that are shown in the source; further ones are only counted.
const SHOWN: usize = 3;

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "paths that the server answers collide neither with each other nor with routes",
    scope: Scope::App,
    tools: &[Tool::Pounce],
    severities: "error; one path of a pattern or of a mount: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/path_collision.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(server) = cx.server else {
        return;
    };
    let endpoints = endpoints(server);
    let prefixes = prefixes(server);
    among_endpoints(&endpoints, findings);
    among_prefixes(&prefixes, findings);
    endpoints_below_prefixes(&endpoints, &prefixes, findings);
    if let Some(app) = cx.app() {
        for endpoint in &endpoints {
            hidden_by_endpoint(endpoint, &app.routes, findings);
        }
        for prefix in &prefixes {
            hidden_by_prefix(prefix, &app.routes, findings);
        }
    }
}

/// One path that the server answers before the app.
struct Endpoint<'a> {
    /// Setting that holds the path.
    field: &'static str,
    what: &'static str,
    path: &'a str,
    place: Option<Place>,
}

/// The endpoints that are on and whose settings could be read.
fn endpoints(server: &Resolved<ServerConfig>) -> Vec<Endpoint<'_>> {
    let config = &server.config;
    let metrics = config.metrics_enabled.then_some(&config.metrics_path);
    let introspection = config
        .introspection_enabled
        .then_some(&config.introspection_path);
    [
        (
            "health_check_path",
            "health_check_path",
            "the health endpoint",
            config.health_check_path.as_ref(),
        ),
        (
            "metrics_path",
            "metrics_enabled",
            "the metrics endpoint",
            metrics,
        ),
        (
            "introspection_path",
            "introspection_enabled",
            "the introspection endpoint",
            introspection,
        ),
    ]
    .into_iter()
    .filter(|(field, switch, ..)| !server.setting(field).invalid && !server.setting(switch).invalid)
    .filter_map(|(field, switch, what, path)| {
        Some(Endpoint {
            field,
            what,
            path: path?.as_str(),
            // A path at its default is there because of the switch.
            place: server
                .setting(field)
                .origin
                .place
                .clone()
                .or_else(|| server.place(switch)),
        })
    })
    .collect()
}

/// A folder of static files.
struct Prefix<'a> {
    /// As it was written.
    written: &'a str,
    /// Without the slash at its end; empty for `/`.
    path: &'a str,
    place: Option<Place>,
}

impl Prefix<'_> {
    fn takes(&self, path: &str) -> bool {
        path.strip_prefix(self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether everything that a route can take lies below the prefix.
    fn hides(&self, route: &Route) -> bool {
        let fixed = route.path.split(['{', '<', '(']).next().unwrap_or_default();
        if fixed.len() == route.path.len() {
            return self.takes(&route.path);
        }
        // `/static{page}` could as well become `/statics`.
        fixed
            .strip_prefix(self.path)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

fn prefixes(server: &Resolved<ServerConfig>) -> Vec<Prefix<'_>> {
    if server.setting("static_files").invalid {
        return Vec::new();
    }
    let folders = &server.config.static_files.0;
    folders
        .keys()
        .map(|prefix| Prefix {
            written: prefix.as_str(),
            path: prefix.as_str().trim_end_matches('/'),
            place: server.place("static_files"),
        })
        .collect()
}

fn among_endpoints(endpoints: &[Endpoint<'_>], findings: &mut Vec<Finding>) {
    for (index, one) in endpoints.iter().enumerate() {
        for other in &endpoints[index + 1..] {
            if one.path != other.path {
                continue;
            }
            findings.push(
                Finding::error(
                    ID,
                    format!("{} and {} are both {}", one.field, other.field, one.path),
                )
                .field(other.field)
                .at(other.place.clone(), other.what)
                .at(one.place.clone(), one.what)
                .why("only one of the two can answer there, and nobody sees which")
                .help(format!("give {} a path of its own", other.field)),
            );
        }
    }
}

fn among_prefixes(prefixes: &[Prefix<'_>], findings: &mut Vec<Finding>) {
    for (index, one) in prefixes.iter().enumerate() {
        for other in &prefixes[index + 1..] {
            if one.path != other.path {
                continue;
            }
            findings.push(
                Finding::error(
                    ID,
                    format!(
                        "static_files has the prefix {} twice, as {} too",
                        one.written, other.written
                    ),
                )
                .field("static_files")
                .at(
                    other.place.clone(),
                    "the slash at the end makes no difference",
                )
                .why("only one of the two folders is ever looked into")
                .help("keep one of the two"),
            );
        }
    }
}

fn endpoints_below_prefixes(
    endpoints: &[Endpoint<'_>],
    prefixes: &[Prefix<'_>],
    findings: &mut Vec<Finding>,
) {
    for endpoint in endpoints {
        for prefix in prefixes.iter().filter(|prefix| prefix.takes(endpoint.path)) {
            findings.push(
                Finding::error(
                    ID,
                    format!(
                        "{} is {}, below the static prefix {}",
                        endpoint.field, endpoint.path, prefix.written
                    ),
                )
                .field(endpoint.field)
                .at(endpoint.place.clone(), endpoint.what)
                .at(prefix.place.clone(), "files are served below it")
                .why("a file of that name and the endpoint would answer the same path")
                .help(format!("move {} out of {}", endpoint.field, prefix.written)),
            );
        }
    }
}

/// Routes that never, or not for this path, see a request because the server answers it.
fn hidden_by_endpoint(endpoint: &Endpoint<'_>, routes: &[Route], findings: &mut Vec<Finding>) {
    for route in routes {
        let Some(found) = covers(route, endpoint.path) else {
            continue;
        };
        let (severity, message, label) = match found {
            Match::Exact => (
                Severity::Error,
                format!("{} hides the route {}", endpoint.what, route.path),
                "this handler is never called".to_owned(),
            ),
            Match::Pattern => (
                Severity::Warning,
                format!(
                    "{} answers {}, which the route {} matches too",
                    endpoint.what, endpoint.path, route.path
                ),
                "this handler does not see that path".to_owned(),
            ),
            Match::Mount => (
                Severity::Warning,
                format!(
                    "{} answers {}, which lies below the mount {}",
                    endpoint.what,
                    endpoint.path,
                    if route.path.is_empty() {
                        "/"
                    } else {
                        &route.path
                    }
                ),
                "what is mounted here does not see that path".to_owned(),
            ),
        };
        findings.push(
            Finding::new(ID, severity, message)
                .field(endpoint.field)
                .route(route.path.clone())
                .at(route.position.clone(), label)
                .at(
                    endpoint.place.clone(),
                    format!("{} answers {}", endpoint.what, endpoint.path),
                )
                .why("the server answers its own paths before the app is asked")
                .help(format!(
                    "rename the route, or set another {}",
                    endpoint.field
                )),
        );
    }
}

/// Routes that static files lie in front of; one finding a prefix, however many there are.
fn hidden_by_prefix(prefix: &Prefix<'_>, routes: &[Route], findings: &mut Vec<Finding>) {
    let hidden: Vec<_> = routes
        .iter()
        .filter(|route| !route.websocket && prefix.hides(route))
        .collect();
    let Some(first) = hidden.first() else {
        return;
    };
    let subject = match hidden.len() {
        1 => format!("hides the route {}", first.path),
        count => format!("hides {count} routes, {} first", first.path),
    };
    let mut finding = Finding::error(
        ID,
        format!("the static prefix {} {subject}", prefix.written),
    )
    .field("static_files")
    .route(first.path.clone());
    for route in hidden.iter().take(SHOWN) {
        finding = finding.at(route.position.clone(), "this handler is never called");
    }
    finding = finding.at(
        prefix.place.clone(),
        "files are served below it, without the app",
    );
    if hidden.len() > 1 {
        let paths: Vec<_> = hidden.iter().map(|route| route.path.as_str()).collect();
        finding = finding.details(format!("hidden routes: {}", paths.join(", ")));
    }
    findings.push(
        finding
            .why("the server answers below a static prefix before the app is asked")
            .help("serve the files under another prefix, or move the routes"),
    );
}
