//! TLS on the reactor: rustls with ALPN, and certificates that can be renewed under way.

mod files;
mod kept;
mod stream;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ServerConfig;

pub use files::{CertificateFiles, FileError, LOOK, Pair};
pub use kept::Kept;
pub(super) use stream::{DetachedSession, TlsStream};

/// Names of the protocols (RFC 7301, RFC 9113 3.1).
pub(super) const ALPN_HTTP_2: &[u8] = b"h2";
const ALPN_HTTP_1: &[u8] = b"http/1.1";

/// Why a certificate and its key can not be served.
#[derive(Debug)]
pub enum TlsError {
    /// The certificates are not PEM.
    Certificates(std::io::Error),
    /// There is no certificate.
    NoCertificate,
    /// The key is not PEM.
    Key(std::io::Error),
    /// There is no key.
    NoKey,
    /// Certificate and key do not serve together.
    Pair(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificates(error) => {
                write!(formatter, "the certificates can not be read: {error}")
            }
            Self::NoCertificate => formatter.write_str("there is no certificate in PEM form"),
            Self::Key(error) => write!(formatter, "the key can not be read: {error}"),
            Self::NoKey => formatter.write_str("there is no unencrypted private key in PEM form"),
            Self::Pair(error) => write!(
                formatter,
                "certificate and key do not serve together: {error}"
            ),
        }
    }
}

impl std::error::Error for TlsError {}

/// What the handshake of a connection has settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSession {
    /// The server's certificate, in PEM form.
    pub server_cert: Arc<str>,
    /// The version's number on the wire: 0x0303 is TLS 1.2, 0x0304 is TLS 1.3.
    pub version: u16,
    /// The cipher suite's number on the wire.
    pub cipher_suite: u16,
}

/// What a connection begins with.
#[derive(Clone)]
pub(super) struct Identity {
    config: Arc<ServerConfig>,
    certificate: Arc<str>,
}

impl Identity {
    /// The same, for who speaks HTTP/1.1 only: a client that speaks both is to speak that.
    pub(super) fn preferring_http_1(&self) -> Self {
        let mut config = (*self.config).clone();
        config.alpn_protocols.reverse();
        Self {
            config: Arc::new(config),
            certificate: Arc::clone(&self.certificate),
        }
    }
}

/// Takes TLS connections with a certificate that can be renewed.
#[derive(Clone)]
pub struct TlsAcceptor {
    current: Rc<RefCell<Identity>>,
    http_2: bool,
}

impl TlsAcceptor {
    /// An acceptor with this certificate chain and key, both in PEM form; `http_2` is offered by ALPN.
    ///
    /// # Errors
    /// Certificates or key are unreadable or do not belong together.
    pub fn new(chain: &[u8], key: &[u8], http_2: bool) -> Result<Self, TlsError> {
        Ok(Self {
            current: Rc::new(RefCell::new(configure(chain, key, http_2)?)),
            http_2,
        })
    }

    /// Has new connections served with this certificate; those that are open go on with theirs.
    ///
    /// # Errors
    /// As [`TlsAcceptor::new`]; then the present certificate stays.
    pub fn renew(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let renewed = configure(chain, key, self.http_2)?;
        *self.current.borrow_mut() = renewed;
        Ok(())
    }

    pub(super) fn current(&self) -> Identity {
        self.current.borrow().clone()
    }
}

fn configure(mut chain: &[u8], mut key: &[u8], http_2: bool) -> Result<Identity, TlsError> {
    let certificate = first_certificate(&String::from_utf8_lossy(chain)).into();
    let chain: Vec<_> = rustls_pemfile::certs(&mut chain)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Certificates)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = rustls_pemfile::private_key(&mut key)
        .map_err(TlsError::Key)?
        .ok_or(TlsError::NoKey)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = if http_2 {
        vec![ALPN_HTTP_2.to_vec(), ALPN_HTTP_1.to_vec()]
    } else {
        vec![ALPN_HTTP_1.to_vec()]
    };
    Ok(Identity {
        config: Arc::new(config),
        certificate,
    })
}

/// The first certificate of a chain in PEM form: the server's own.
fn first_certificate(chain: &str) -> &str {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let rest = chain.find(BEGIN).map_or("", |at| &chain[at..]);
    rest.find(END).map_or("", |at| &rest[..at + END.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_or_no_key_is_told_apart() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = TlsAcceptor::new(chain.as_bytes(), key.as_bytes(), true).unwrap();
        let error = |chain: &str, key: &str| {
            acceptor
                .renew(chain.as_bytes(), key.as_bytes())
                .unwrap_err()
        };
        assert!(matches!(error("", &key), TlsError::NoCertificate));
        assert!(matches!(error(&key, &key), TlsError::NoCertificate));
        assert!(matches!(error(&chain, ""), TlsError::NoKey));
        assert!(matches!(error(&chain, &chain), TlsError::NoKey));
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        assert!(matches!(
            error(&chain, &other.signing_key.serialize_pem()),
            TlsError::Pair(_)
        ));
        acceptor.renew(chain.as_bytes(), key.as_bytes()).unwrap();
    }
}
