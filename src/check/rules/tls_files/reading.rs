//! The part of `tls_files` about files that cannot be read, or are not PEM.

use super::{CERTIFICATE, ID};
use crate::check::finding::{Finding, Severity};
use crate::check::machine::accounts;
use crate::check::machine::tls::{FileFacts, FileState, NotPem};
use crate::config::{Resolved, ServerConfig};

/// Why a file could not be read as PEM.
pub(super) fn problem(
    server: &Resolved<ServerConfig>,
    field: &str,
    file: &FileFacts,
) -> Option<Finding> {
    let path = file.path.display();
    let what = if field == CERTIFICATE {
        "certificate"
    } else {
        "key"
    };
    let error = |message: &str, label: String| {
        Some(Finding::of_setting(
            ID,
            server,
            field,
            Severity::Error,
            message,
            label,
        ))
    };
    match &file.state {
        FileState::Pem => None,
        FileState::Missing { nearest } => {
            let is_relative = file.path.is_relative();
            let label = if file.path.parent() == Some(nearest) || nearest.as_os_str() == "." {
                format!("there is no {path}")
            } else {
                format!("there is no {path}; the path ends at {}", nearest.display())
            };
            let finding = error(&format!("the {what} file does not exist"), label)?;
            Some(if file.path.starts_with("~") {
                finding.help("~ is a word of shells only: write the whole path")
            } else if is_relative {
                finding.help(
                    "a relative path counts from the working directory: write an absolute one",
                )
            } else {
                finding.help("correct the path, or put the file there")
            })
        }
        FileState::DanglingLink { target } => error(
            &format!("the {what} file is a link to nothing"),
            format!("it points to {}", target.display()),
        )
        .map(|finding| {
            finding.help("renew the link; in a container its target must be mounted too")
        }),
        FileState::NotAFile { what: found } => error(
            &format!("the {what} file is no file"),
            format!("{path} is a {found}"),
        )
        .map(|finding| finding.help("name the PEM file itself")),
        FileState::PermissionDenied { denied, uid } => {
            let user = accounts::user_name(*uid)
                .map_or_else(|| format!("user id {uid}"), |name| format!("user {name}"));
            error(
                &format!("the {what} file may not be read"),
                format!("{user} has no access to {}", denied.display()),
            )
            .map(|finding| {
                finding
                    .help("run as the user that serves, or let its group read: chgrp and mode 640")
            })
        }
        FileState::Unreadable { message } => {
            error(&format!("the {what} file cannot be read"), message.clone())
                .map(|finding| finding.help(format!("look at {path}")))
        }
        FileState::Empty => error(
            &format!("the {what} file is empty"),
            format!("{path} has no content"),
        )
        .map(|finding| finding.help("write the file again; look at how it was made")),
        FileState::TooLarge { bytes } => error(
            &format!("the {what} file is too large"),
            format!("{path} has {} MiB; it is not read", bytes >> 20),
        )
        .map(|finding| finding.help("name the PEM file itself")),
        FileState::NotPem { looks_like } => {
            let (looks, help) = conversion(*looks_like, &path.to_string(), what);
            error(&format!("the {what} file is not PEM"), looks.to_owned())
                .map(|finding| finding.help(help))
        }
    }
}

/// What a file looks like, and how it becomes PEM.
fn conversion(found: NotPem, path: &str, what: &str) -> (&'static str, String) {
    match found {
        NotPem::DerCertificate => (
            "a certificate in binary form (DER)",
            format!("openssl x509 -inform DER -in {path} -out cert.pem"),
        ),
        NotPem::DerPrivateKey => (
            "a private key in binary form (DER)",
            format!("openssl pkey -inform DER -in {path} -out key.pem"),
        ),
        NotPem::Pkcs12 => (
            "a PKCS#12 store",
            if what == "key" {
                format!("openssl pkcs12 -in {path} -nocerts -noenc -out key.pem")
            } else {
                format!("openssl pkcs12 -in {path} -nokeys -out cert.pem")
            },
        ),
        NotPem::JavaKeyStore => (
            "a Java key store",
            format!(
                "keytool -importkeystore -srckeystore {path} -destkeystore store.p12 -deststoretype PKCS12"
            ),
        ),
        NotPem::EncodedPem => (
            "PEM that is still coded as base64, as a Kubernetes Secret holds it",
            format!("base64 -d {path} > {what}.pem"),
        ),
        NotPem::EscapedNewlines => (
            "PEM on one line: it has the characters \\n in place of line ends",
            format!("printf '%b' \"$(cat {path})\" > {what}.pem"),
        ),
        NotPem::Text => (
            "text without a -----BEGIN line",
            "name the PEM file itself".to_owned(),
        ),
        NotPem::Binary => (
            "binary data of an unknown kind",
            "name the PEM file itself".to_owned(),
        ),
    }
}
