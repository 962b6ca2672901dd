//! What a Content-Security-Policy header says about inline scripts (CSP level 3).

/// The directive of a policy that forbids inline scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forbids {
    /// `script-src`, or `default-src` where that one stands in for it.
    pub(super) directive: &'static str,
    /// Its sources, as written.
    pub(super) sources: Vec<String>,
}

impl Forbids {
    /// The directive as it stands in the header, at most about a line of it.
    pub(super) fn shown(&self) -> String {
        const MOST: usize = 80;
        let whole = [&[self.directive.to_owned()], self.sources.as_slice()]
            .concat()
            .join(" ");
        if whole.chars().count() <= MOST {
            return whole;
        }
        let short: String = whole.chars().take(MOST).collect();
        format!("{short}…")
    }

    /// Whether the header holds a nonce that is the same in every response.
    pub(super) fn has_fixed_nonce(&self) -> bool {
        self.sources
            .iter()
            .any(|source| source.to_ascii_lowercase().starts_with("'nonce-"))
    }
}

/// The first policy of a header that forbids inline scripts: its `script-src`, else its
/// `default-src`, does not list `'unsafe-inline'`.
///
/// A header may hold several policies, separated by commas, and a script has to please all of them.
/// Names and keywords ignore case; a directive that is repeated counts once, where it stands first.
pub(super) fn forbids_inline_scripts(header: &str) -> Option<Forbids> {
    header.split(',').find_map(|policy| {
        let governing = ["script-src", "default-src"]
            .into_iter()
            .find_map(|name| Some((name, sources(policy, name)?)));
        let (directive, sources) = governing?;
        let inline = sources
            .iter()
            .any(|source| source.eq_ignore_ascii_case("'unsafe-inline'"));
        (!inline).then(|| Forbids {
            directive,
            sources: sources.into_iter().map(str::to_owned).collect(),
        })
    })
}

fn sources<'a>(policy: &'a str, name: &str) -> Option<Vec<&'a str>> {
    policy.split(';').find_map(|directive| {
        let mut tokens = directive.split_ascii_whitespace();
        tokens
            .next()?
            .eq_ignore_ascii_case(name)
            .then(|| tokens.collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(header: &str) -> Option<&'static str> {
        forbids_inline_scripts(header).map(|found| found.directive)
    }

    #[test]
    fn script_src_decides_and_default_src_stands_in() {
        assert_eq!(directive("script-src 'self'"), Some("script-src"));
        assert_eq!(directive("default-src 'self'"), Some("default-src"));
        assert_eq!(
            directive("default-src 'self'; script-src 'self' 'unsafe-inline'"),
            None
        );
        assert_eq!(
            directive("default-src 'unsafe-inline'; script-src 'self'"),
            Some("script-src")
        );
        assert_eq!(directive("img-src 'self'"), None);
        assert_eq!(directive(""), None);
    }

    #[test]
    fn names_and_keywords_ignore_case_and_white_space() {
        assert_eq!(directive("  Script-SRC\t'self'  ;;"), Some("script-src"));
        assert_eq!(directive("SCRIPT-SRC 'Unsafe-Inline'"), None);
        assert_eq!(directive("script-src"), Some("script-src"));
    }

    #[test]
    fn relatives_of_the_directive_are_not_it() {
        assert_eq!(directive("script-src-attr 'self'"), None);
        assert_eq!(
            directive("script-src https://unsafe-inline.example"),
            Some("script-src")
        );
    }

    #[test]
    fn the_first_of_repeated_directives_counts() {
        assert_eq!(
            directive("script-src 'self'; script-src 'unsafe-inline'"),
            Some("script-src")
        );
        assert_eq!(
            directive("script-src 'unsafe-inline'; script-src 'self'"),
            None
        );
    }

    #[test]
    fn every_policy_of_the_header_has_to_allow_it() {
        assert_eq!(
            directive("script-src 'unsafe-inline', default-src 'none'"),
            Some("default-src")
        );
        assert_eq!(
            directive("script-src 'unsafe-inline', img-src 'self'"),
            None
        );
    }

    #[test]
    fn a_fixed_nonce_is_seen_and_a_long_directive_shortened() {
        let found = forbids_inline_scripts("script-src 'self' 'Nonce-abc'").unwrap();
        assert!(found.has_fixed_nonce());
        assert_eq!(found.shown(), "script-src 'self' 'Nonce-abc'");
        let long = format!("script-src {}", "https://a.example ".repeat(30));
        let found = forbids_inline_scripts(&long).unwrap();
        assert_eq!(found.shown().chars().count(), 81);
        assert!(!found.has_fixed_nonce());
    }
}
