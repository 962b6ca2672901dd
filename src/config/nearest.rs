//! The nearest valid name for a name that is none.

/// The candidate that `name` most probably meant, if any is near enough.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_ascii_lowercase();
            let mut distance = strsim::damerau_levenshtein(&name, &lower);
            // A word left out or added (`certfile`, `log`) is a likely slip too.
            let part = name.len() >= 4
                && (lower.split('_').any(|word| word == name)
                    || lower.ends_with(&format!("_{name}"))
                    || lower.starts_with(&format!("{name}_"))
                    || name.ends_with(&format!("_{lower}")));
            if part {
                distance = distance.min(allowed);
            }
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = ["workers", "worker_mode", "port", "ssl_certfile", "host"];
        assert_eq!(nearest("worker", names), Some("workers"));
        assert_eq!(nearest("Prot", names), Some("port"));
        assert_eq!(nearest("certfile", names), Some("ssl_certfile"));
        assert_eq!(nearest("database_url", names), None);
    }
}
