//! Which route of an app takes a request path, without asking the app's router.
//!
//! Reads the patterns of Chirp (`{name}`, `{name:int}`, `{name:float}`, `{name:path}`) and of
//! Starlette (the same, `{name:uuid}`, and parameters in the middle of a segment). A path in another
//! notation, such as a regular expression of Django, is compared as it is written.

use crate::app::snapshot::Route;

/// How a route takes a path. The greater, the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Match {
    /// It is mounted there or above, and everything below it is its own.
    Mount,
    /// Its pattern matches.
    Pattern,
    /// It is declared with that very path.
    Exact,
}

/// Whether and how a route takes a request path.
///
/// A trailing slash is part of the path: `/health/` is not `/health`. Methods do not count, since
/// routers look for the path first and refuse the method (405) afterwards. WebSocket routes take no
/// HTTP requests. A `path` parameter takes at least one character.
#[must_use]
pub fn covers(route: &Route, path: &str) -> Option<Match> {
    if route.websocket {
        return None;
    }
    if route.path == path && !route.mount {
        return Some(Match::Exact);
    }
    if !route.path.contains('{') {
        return (route.mount && is_below(&route.path, path)).then_some(Match::Mount);
    }
    let fixed = route.path.split('{').next().unwrap_or_default();
    if !path.starts_with(fixed) || has_other_depth(route, path) {
        return None;
    }
    let pieces = pieces(&route.path)?;
    let ends = ends(&pieces, path);
    if route.mount {
        let taken = ends
            .iter()
            .filter_map(|end| path.get(*end..))
            .any(|rest| rest.is_empty() || rest.starts_with('/'));
        return taken.then_some(Match::Mount);
    }
    ends.contains(&path.len()).then_some(Match::Pattern)
}

/// The route that takes a path most surely, the first one declared among equals, and how.
pub fn taker<'a>(routes: &'a [Route], path: &str) -> Option<(&'a Route, Match)> {
    let mut best: Option<(&Route, Match)> = None;
    for route in routes {
        if let Some(found) = covers(route, path)
            && best.is_none_or(|(_, sure)| found > sure)
        {
            best = Some((route, found));
        }
    }
    best
}

/// Whether the segments alone tell that a pattern does not match, as they do for most routes of a
/// large app: only a `path` parameter takes slashes.
fn has_other_depth(route: &Route, path: &str) -> bool {
    let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
    !route.mount && !route.path.contains(":path}") && slashes(&route.path) != slashes(path)
}

fn is_below(mount: &str, path: &str) -> bool {
    let mount = mount.strip_suffix('/').unwrap_or(mount);
    path.strip_prefix(mount)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

enum Piece<'a> {
    Text(&'a str),
    Parameter(Converter),
}

#[derive(Clone, Copy)]
enum Converter {
    Segment,
    Integer,
    Float,
    Uuid,
    Rest,
}

/// The pieces of a pattern; `None` where the notation is not one of those above.
fn pieces(pattern: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((text, behind)) = rest.split_once('{') {
        let (parameter, behind) = behind.split_once('}')?;
        let (name, converter) = parameter.split_once(':').unwrap_or((parameter, "str"));
        let first = name.chars().next()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        pieces.push(Piece::Text(text));
        pieces.push(Piece::Parameter(match converter {
            "str" => Converter::Segment,
            "int" => Converter::Integer,
            "float" => Converter::Float,
            "uuid" => Converter::Uuid,
            "path" => Converter::Rest,
            _ => return None,
        }));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    Some(pieces)
}

/// Every offset of `path` at which the pattern can end.
///
/// Follows all possibilities at once, piece by piece, so that no pattern makes it backtrack.
fn ends(pieces: &[Piece<'_>], path: &str) -> Vec<usize> {
    let mut reached = vec![0];
    for piece in pieces {
        let mut next = Vec::new();
        for at in reached {
            let rest = path.get(at..).unwrap_or_default();
            match piece {
                Piece::Text(text) if rest.starts_with(text) => next.push(at + text.len()),
                Piece::Text(_) => {}
                Piece::Parameter(converter) => {
                    next.extend(converter.lengths(rest).map(|length| at + length));
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        reached = next;
    }
    reached
}

impl Converter {
    /// How many bytes of `rest` the parameter can take.
    fn lengths(self, rest: &str) -> impl Iterator<Item = usize> {
        let stop = match self {
            Self::Rest => rest.len(),
            _ => rest.find('/').unwrap_or(rest.len()),
        };
        let window = &rest[..stop];
        window
            .char_indices()
            .map(|(at, character)| at + character.len_utf8())
            .filter(move |end| self.accepts(&window[..*end]))
    }

    fn accepts(self, value: &str) -> bool {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Segment | Self::Rest => true,
            Self::Integer => digits(value),
            Self::Float => match value.split_once('.') {
                Some((whole, fraction)) => digits(whole) && digits(fraction),
                None => digits(value),
            },
            Self::Uuid => is_uuid(value),
        }
    }
}

/// 32 hexadecimal digits; each of the four usual hyphens may be there or not.
fn is_uuid(value: &str) -> bool {
    let mut digits = 0;
    for byte in value.bytes() {
        match byte {
            b'-' if matches!(digits, 8 | 12 | 16 | 20) => {}
            byte if byte.is_ascii_hexdigit() => digits += 1,
            _ => return false,
        }
    }
    digits == 32 && !value.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> Route {
        Route {
            path: path.into(),
            methods: vec!["GET".into()],
            ..Route::default()
        }
    }

    fn mount(path: &str) -> Route {
        Route {
            path: path.into(),
            mount: true,
            ..Route::default()
        }
    }

    #[test]
    fn the_same_path_is_exact_and_a_trailing_slash_makes_another_one() {
        assert_eq!(covers(&route("/health"), "/health"), Some(Match::Exact));
        assert_eq!(covers(&route("/health/"), "/health"), None);
        assert_eq!(covers(&route("/health"), "/health/"), None);
        assert_eq!(covers(&route("/healthy"), "/health"), None);
    }

    #[test]
    fn a_parameter_takes_one_segment() {
        assert_eq!(covers(&route("/{page}"), "/health"), Some(Match::Pattern));
        assert_eq!(covers(&route("/{page}"), "/ops/health"), None);
        assert_eq!(covers(&route("/{page}"), "/"), None);
        assert_eq!(covers(&route("/{page}/"), "/health"), None);
        assert_eq!(
            covers(&route("/{area}/health"), "/ops/health"),
            Some(Match::Pattern)
        );
        assert_eq!(
            covers(&route("/{page:str}"), "/größe"),
            Some(Match::Pattern)
        );
    }

    #[test]
    fn a_path_parameter_takes_the_rest() {
        for path in ["/health", "/ops/health", "/ops/"] {
            let route = route("/{path:path}");
            assert_eq!(covers(&route, path), Some(Match::Pattern), "{path}");
        }
        assert_eq!(covers(&route("/ops/{path:path}"), "/health"), None);
        assert_eq!(
            covers(&route("/{path:path}/edit"), "/a/edit/b/edit"),
            Some(Match::Pattern)
        );
        assert_eq!(covers(&route("/{path:path}/edit"), "/a/edit/b"), None);
    }

    #[test]
    fn converters_are_heeded() {
        let takes = |pattern: &str, path: &str| covers(&route(pattern), path).is_some();
        assert!(!takes("/{id:int}", "/health"));
        assert!(takes("/{id:int}", "/42"));
        assert!(!takes("/{id:int}", "/4.2"));
        assert!(takes("/{id:float}", "/4.2"));
        assert!(takes("/{id:float}", "/4"));
        assert!(!takes("/{id:float}", "/4."));
        let uuid = "/123e4567-e89b-12d3-a456-426614174000";
        assert!(takes("/{id:uuid}", uuid));
        assert!(takes("/{id:uuid}", &uuid.replace('-', "")));
        assert!(!takes("/{id:uuid}", "/health"));
    }

    #[test]
    fn a_parameter_may_be_a_part_of_a_segment() {
        let takes = |pattern: &str, path: &str| covers(&route(pattern), path).is_some();
        assert!(takes("/{name}.json", "/a.b.json"));
        assert!(!takes("/{name}.json", "/.json"));
        assert!(takes("/v{major:int}-{rest}", "/v1-rc-2"));
        assert!(!takes("/v{major:int}-{rest}", "/vx-rc-2"));
    }

    #[test]
    fn other_notations_match_nothing_but_themselves() {
        assert_eq!(
            covers(&route("/(?P<year>[0-9]{4})/health"), "/2026/health"),
            None
        );
        assert_eq!(covers(&route("/{id:hex}"), "/health"), None);
        assert_eq!(covers(&route("/{id"), "/health"), None);
        assert_eq!(covers(&route("/<page>"), "/health"), None);
    }

    #[test]
    fn a_mount_takes_itself_and_all_below() {
        assert_eq!(covers(&mount("/static"), "/static/a/b"), Some(Match::Mount));
        assert_eq!(covers(&mount("/static"), "/static"), Some(Match::Mount));
        assert_eq!(covers(&mount("/static"), "/statics"), None);
        assert_eq!(covers(&mount("/"), "/health"), Some(Match::Mount));
        assert_eq!(
            covers(&mount("/{tenant}"), "/acme/health"),
            Some(Match::Mount)
        );
        assert_eq!(covers(&mount("/{tenant:int}"), "/acme/health"), None);
    }

    #[test]
    fn a_websocket_route_takes_no_requests() {
        let route = Route {
            websocket: true,
            ..route("/health")
        };
        assert_eq!(covers(&route, "/health"), None);
    }

    #[test]
    fn the_surest_route_is_the_taker() {
        let routes = [mount("/"), route("/{page}"), route("/{name}"), route("/a")];
        let taker =
            |path: &str| taker(&routes, path).map(|(route, found)| (route.path.as_str(), found));
        assert_eq!(taker("/a"), Some(("/a", Match::Exact)));
        assert_eq!(taker("/b"), Some(("/{page}", Match::Pattern)));
        assert_eq!(taker("/b/c"), Some(("/", Match::Mount)));
    }

    #[test]
    fn a_long_path_against_many_parameters_ends() {
        let pattern = "/{a:path}".repeat(12) + "x";
        let path = "/a".repeat(60);
        assert_eq!(covers(&route(&pattern), &path), None);
    }
}
