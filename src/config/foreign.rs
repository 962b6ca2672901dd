//! Names that other servers give to what is a setting here, and to what is none.
//!
//! People come with the settings of uvicorn, gunicorn, hypercorn, granian or nginx; the nearest name
//! by letters would often send them to the wrong one (`bind` to `introspection_bind`).

mod names;

use self::names::FOREIGN;
use super::field::{Field, Model};
use super::{AppConfig, ServerConfig};

/// A setting of other servers.
#[derive(Debug)]
struct Foreign {
    names: &'static [&'static str],
    here: &'static [&'static str],
    /// The flag of the launching commands that does it; it is no setting.
    flag: Option<&'static str>,
    note: &'static str,
}

/// What to say about a name.
#[derive(Debug, Clone)]
pub struct Counterpart {
    /// The settings that do it here; none where there is no such setting.
    pub fields: Vec<&'static Field>,
    /// The flag that does it, where it is chosen at each launch.
    flag: Option<&'static str>,
    /// The file whose setting it is, where it is the other product's.
    file: Option<&'static str>,
    /// What differs, or why there is none; empty where the names say it all.
    pub note: &'static str,
}

impl Counterpart {
    /// One line: what the name is here, with each field spelled by `spell`.
    #[must_use]
    pub fn said(&self, spell: impl Fn(&Field) -> String) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| spell(field)).collect();
        if let Some(flag) = self.flag {
            return format!("a flag of the command here: --{flag}");
        }
        if let Some(file) = self.file {
            return format!("a setting of {file}, not of this file");
        }
        if names.is_empty() {
            "another server's setting, none of this one's".into()
        } else {
            format!("called {} here", names.join(" and "))
        }
    }
}

/// Looks up a name, in whatever way words are joined: `root-path`, `ROOT_PATH`, `--root-path`. The
/// names of this product's own flags count too: `metrics` is `metrics_enabled`.
#[must_use]
pub fn counterpart(name: &str, fields: &'static [Field]) -> Option<Counterpart> {
    let name = name
        .trim_start_matches('-')
        .replace('-', "_")
        .to_ascii_lowercase();
    let own = fields.iter().find(|field| {
        field.name != name
            && field
                .flag
                .is_some_and(|flag| flag.name.replace('-', "_") == name)
    });
    if let Some(field) = own {
        return Some(Counterpart {
            fields: vec![field],
            flag: None,
            file: None,
            note: "",
        });
    }
    FOREIGN
        .iter()
        .filter(|foreign| foreign.names.contains(&name.as_str()))
        .find_map(|foreign| {
            let here: Option<Vec<_>> = foreign
                .here
                .iter()
                .map(|here| fields.iter().find(|field| field.name == *here))
                .collect();
            here.map(|fields| Counterpart {
                fields,
                flag: foreign.flag,
                file: None,
                note: foreign.note,
            })
        })
        .or_else(|| of_the_other_product(&name, fields))
}

/// A field of the app's configuration in the server's, or the other way round.
fn of_the_other_product(name: &str, fields: &'static [Field]) -> Option<Counterpart> {
    let server = std::ptr::eq(fields, ServerConfig::fields());
    let (other, product) = if server {
        (AppConfig::fields(), AppConfig::PRODUCT)
    } else {
        (ServerConfig::fields(), ServerConfig::PRODUCT)
    };
    let theirs = |field: &Field| field.name == name && !field.derived;
    (other.iter().any(theirs) && !fields.iter().any(theirs)).then_some(Counterpart {
        fields: Vec::new(),
        flag: None,
        file: Some(product.file),
        note: "",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FOREIGN, counterpart};
    use crate::config::field::Model;
    use crate::config::{AppConfig, ServerConfig};

    #[test]
    fn every_row_leads_to_fields_that_exist_and_hides_none() {
        let server: BTreeSet<_> = ServerConfig::fields()
            .iter()
            .map(|field| field.name)
            .collect();
        let app: BTreeSet<_> = AppConfig::fields().iter().map(|field| field.name).collect();
        for row in FOREIGN {
            let all_in = |names: &BTreeSet<&str>| row.here.iter().all(|here| names.contains(here));
            assert!(all_in(&server) || all_in(&app), "{row:?}");
            assert!(
                row.names.iter().all(|name| !row.here.contains(name)),
                "{row:?}"
            );
            assert!(
                !row.here.is_empty() || !row.note.is_empty() || row.flag.is_some(),
                "{row:?}"
            );
        }
    }

    #[test]
    fn names_of_other_servers_lead_to_ours() {
        let server = |name: &str| {
            let found = counterpart(name, ServerConfig::fields()).unwrap();
            found.said(|field| field.name.to_owned())
        };
        assert_eq!(server("bind"), "called host and port here");
        assert_eq!(
            server("--timeout-keep-alive"),
            "called keep_alive_timeout here"
        );
        assert_eq!(server("FORWARDED_ALLOW_IPS"), "called trusted_hosts here");
        assert_eq!(server("metrics"), "called metrics_enabled here");
        assert_eq!(
            server("loop"),
            "another server's setting, none of this one's"
        );
        let app = counterpart("forwarded_allow_ips", AppConfig::fields()).unwrap();
        assert_eq!(app.fields[0].name, "trusted_proxies");
        assert!(counterpart("colour", ServerConfig::fields()).is_none());
        assert!(counterpart("port", ServerConfig::fields()).is_none());
    }

    #[test]
    fn a_flag_and_a_setting_of_the_other_file_are_told_as_such() {
        let said = |name: &str, fields| {
            let found = counterpart(name, fields).unwrap();
            found.said(|field| field.name.to_owned())
        };
        let server = ServerConfig::fields();
        assert_eq!(
            said("--pidfile", server),
            "a flag of the command here: --pid-file"
        );
        assert_eq!(
            said("lifespan", server),
            "a flag of the command here: --lifespan"
        );
        assert_eq!(
            said("secret_key", server),
            "a setting of chirp.toml, not of this file"
        );
        assert_eq!(
            said("drain_delay", AppConfig::fields()),
            "a setting of pounce.toml, not of this file"
        );
    }
}
