//! Variables that Kubernetes injects and that only look like settings.

/// Kubernetes gives every pod variables for every Service; one named `pounce` or `chirp` looks like
/// our settings (Kubernetes documentation, "Environment variables" of a Service).
pub(super) fn injected(suffix: &str, value: &str) -> Option<&'static str> {
    const ADDRESS: &str = "the address of a Service of that name, not a setting";
    let url =
        value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
    if suffix == "PORT" && url {
        return Some(ADDRESS);
    }
    if suffix == "SERVICE_HOST" || suffix == "SERVICE_PORT" || suffix.starts_with("SERVICE_PORT_") {
        return Some(ADDRESS);
    }
    let mut parts = suffix.strip_prefix("PORT_")?.split('_');
    let number = parts.next()?;
    let protocol = parts.next()?;
    let rest: Vec<_> = parts.collect();
    let known = number.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(protocol, "TCP" | "UDP" | "SCTP")
        && matches!(rest[..], [] | ["ADDR" | "PORT" | "PROTO"]);
    known.then_some(ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::injected;

    #[test]
    fn addresses_of_a_service_are_told_from_settings() {
        for (suffix, value) in [
            ("PORT", "tcp://10.0.0.1:8000"),
            ("SERVICE_HOST", "10.0.0.1"),
            ("SERVICE_PORT", "8000"),
            ("SERVICE_PORT_HTTP", "8000"),
            ("PORT_8000_TCP", "tcp://10.0.0.1:8000"),
            ("PORT_8000_TCP_ADDR", "10.0.0.1"),
            ("PORT_53_UDP_PROTO", "udp"),
        ] {
            assert!(injected(suffix, value).is_some(), "{suffix}={value}");
        }
        for (suffix, value) in [
            ("PORT", "8000"),
            ("PORT", "http://x"),
            ("PORT_NAME", "x"),
            ("PORT_8000_TCP_OTHER", "x"),
            ("WORKERS", "tcp://10.0.0.1:8000"),
        ] {
            assert!(injected(suffix, value).is_none(), "{suffix}={value}");
        }
    }
}
