//! The mutating surface of an app: routes by which a browser can be made to change something.

use crate::app::snapshot::{App, Route};

const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// Whether a route accepts a method that changes things, or is a page with form actions.
pub(super) fn is_mutating(route: &Route) -> bool {
    accepted(route).next().is_some() || !route.form_actions.is_empty()
}

/// The mutating routes of an app.
pub(super) struct Surface<'a> {
    /// The first one declared.
    pub(super) first: &'a Route,
    /// How many there are.
    pub(super) count: usize,
}

impl<'a> Surface<'a> {
    /// The surface of an app; `None` where nothing mutates.
    pub(super) fn of(app: &'a App) -> Option<Self> {
        let mut routes = app.routes.iter().filter(|route| is_mutating(route));
        let first = routes.next()?;
        Some(Self {
            first,
            count: 1 + routes.count(),
        })
    }

    /// What to see at the first route: `accepts POST, as 11 more routes do`.
    pub(super) fn label(&self) -> String {
        let methods: Vec<_> = accepted(self.first).collect();
        let mut label = if methods.is_empty() {
            format!(
                "a page with form actions ({})",
                self.first.form_actions.join(", ")
            )
        } else {
            format!("accepts {}", methods.join(", "))
        };
        match self.count {
            1 => {}
            2 => label.push_str("; 1 more route changes things too"),
            many => label.push_str(&format!("; {} more routes change things too", many - 1)),
        }
        label
    }

    /// How many routes, for a sentence: `1 mutating route`.
    pub(super) fn counted(&self) -> String {
        match self.count {
            1 => "1 mutating route".into(),
            many => format!("{many} mutating routes"),
        }
    }
}

fn accepted(route: &Route) -> impl Iterator<Item = &str> {
    route
        .methods
        .iter()
        .map(String::as_str)
        .filter(|method| METHODS.contains(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, methods: &[&str], form_actions: &[&str]) -> Route {
        Route {
            path: path.into(),
            methods: methods.iter().map(|&method| method.into()).collect(),
            form_actions: form_actions.iter().map(|&action| action.into()).collect(),
            ..Route::default()
        }
    }

    #[test]
    fn methods_and_form_actions_make_a_route_mutating() {
        for method in METHODS {
            assert!(is_mutating(&route("/", &["GET", method], &[])), "{method}");
        }
        assert!(is_mutating(&route("/", &["GET"], &["save"])));
        assert!(!is_mutating(&route("/", &["GET", "HEAD", "OPTIONS"], &[])));
    }

    #[test]
    fn the_surface_knows_its_first_route_and_its_size() {
        let mut app = App {
            routes: vec![route("/", &["GET"], &[])],
            ..App::default()
        };
        assert!(Surface::of(&app).is_none());
        app.routes
            .push(route("/orders", &["GET", "POST", "DELETE"], &[]));
        let surface = Surface::of(&app).unwrap();
        assert_eq!(surface.first.path, "/orders");
        assert_eq!(surface.label(), "accepts POST, DELETE");
        assert_eq!(surface.counted(), "1 mutating route");
        app.routes.push(route("/notes", &["GET"], &["save"]));
        let surface = Surface::of(&app).unwrap();
        assert_eq!(surface.counted(), "2 mutating routes");
        assert!(surface.label().ends_with("1 more route changes things too"));
    }

    #[test]
    fn a_page_names_its_form_actions() {
        let app = App {
            routes: vec![route("/notes", &["GET"], &["save", "drop"])],
            ..App::default()
        };
        let label = Surface::of(&app).unwrap().label();
        assert_eq!(label, "a page with form actions (save, drop)");
    }
}
