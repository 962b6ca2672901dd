//! What a server says when it is up: a banner on a terminal, one line elsewhere.

use std::io::{self, IsTerminal as _};

use serde_json::{Map, json};

use super::output::{self, Stream};
use super::version::VERSION;
use crate::config::ServerConfig;
use crate::config::types::{LogLevel, Signage};
use crate::serve::supervisor::{Address, Log, Up};

/// Tells that the server is up.
pub(super) fn show(config: &ServerConfig, app: &str, up: &Up<'_>) {
    let addresses: Vec<_> = up.addresses.iter().map(|each| url(each, config)).collect();
    let log = Log::new(config.log_format, config.log_level);
    if log.is_json() || !io::stderr().is_terminal() {
        let mut fields = Map::new();
        fields.insert("app".into(), json!(app));
        fields.insert("addresses".into(), json!(addresses));
        fields.insert("pid".into(), json!(std::process::id()));
        fields.insert("workers".into(), json!(up.workers));
        fields.insert("version".into(), json!(VERSION));
        let message = line(config, app, &addresses);
        log.write(LogLevel::Info, "started", &message, fields);
        return;
    }
    let text = match config.signage.unwrap_or(Signage::Full) {
        Signage::Off => return,
        Signage::Minimal => format!("{}\n", line(config, app, &addresses)),
        Signage::Full => full(config, app, &addresses, up.workers.len()),
    };
    // Nobody is left to be told that standard error is gone.
    let _ = output::write(Stream::Err, &text);
}

fn url(address: &Address, config: &ServerConfig) -> String {
    let url = address.to_string();
    match url.strip_prefix("http://") {
        Some(rest) if config.ssl_certfile.is_some() => format!("https://{rest}"),
        _ => url,
    }
}

fn line(config: &ServerConfig, app: &str, addresses: &[String]) -> String {
    let name = config.app_name.as_deref().unwrap_or(app);
    format!("serving {} on {}", printable(name), addresses.join(", "))
}

fn full(config: &ServerConfig, app: &str, addresses: &[String], workers: usize) -> String {
    let mut title = config.app_name.clone().unwrap_or_else(|| app.to_owned());
    if let Some(version) = &config.app_version {
        title = format!("{title} {version}");
    }
    let mut text = format!("\n  {}\n", printable(&title));
    if let Some(tagline) = &config.app_tagline {
        text.push_str(&format!("  {}\n", printable(tagline)));
    }
    text.push('\n');
    for address in addresses {
        text.push_str(&format!("  listening  {address}\n"));
    }
    let plural = if workers == 1 { "" } else { "s" };
    text.push_str(&format!(
        "  serving    {}, {workers} worker{plural}, pid {}\n",
        printable(app),
        std::process::id()
    ));
    text.push_str(&format!("  pounce     {VERSION}; Ctrl-C stops it\n\n"));
    text
}

/// A name cannot drive the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_says_what_where_and_how_many() {
        let config = ServerConfig {
            app_name: Some("Shop\u{1b}[2J".to_owned()),
            app_version: Some("1.2".to_owned()),
            app_tagline: Some("Sells things".to_owned()),
            ..ServerConfig::default()
        };
        let text = full(
            &config,
            "shop:app",
            &["http://127.0.0.1:8000".to_owned()],
            2,
        );
        assert!(text.contains("  Shop[2J 1.2\n  Sells things\n"), "{text}");
        assert!(
            text.contains("listening  http://127.0.0.1:8000\n"),
            "{text}"
        );
        assert!(
            text.contains("serving    shop:app, 2 workers, pid "),
            "{text}"
        );
    }

    #[test]
    fn tls_is_seen_in_the_address() {
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let mut config = ServerConfig::default();
        assert_eq!(url(&address, &config), "http://127.0.0.1:1");
        config.ssl_certfile = Some("cert.pem".into());
        assert_eq!(url(&address, &config), "https://127.0.0.1:1");
        let unix = Address::Unix(Some("/run/a".into()));
        assert_eq!(url(&unix, &config), "unix:/run/a");
    }
}
