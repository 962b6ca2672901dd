//! Settings that contradict each other: both places are named.

use super::app::DEFAULT_BODY_SIZE;
use super::field::Model;
use super::origin::{Layer, Origin};
use super::problem::{Problem, ProblemKind};
use super::resolve::Setting;
use super::value::Value;

/// Finds contradictions, and settles the one that has a defined outcome (`max_upload_size`).
///
/// `by_variables`: whether variables are read, and so can be what is missing.
pub fn contradictions<M: Model>(
    settings: &mut [Setting],
    by_variables: bool,
    problems: &mut Vec<Problem>,
) {
    let view = View::<M> {
        settings,
        model: std::marker::PhantomData,
    };
    view.tls_pair(problems);
    view.http3(problems);
    view.socket_or_address(problems);
    view.root_path(problems);
    view.secret_key(problems, by_variables);
    upload_within_body::<M>(settings, problems);
}

struct View<'a, M> {
    settings: &'a [Setting],
    model: std::marker::PhantomData<M>,
}

impl<M: Model> View<'_, M> {
    fn get(&self, name: &str) -> Option<&Setting> {
        M::index(name).map(|index| &self.settings[index])
    }

    /// A setting that some layer set to a value, readable or not.
    fn given(&self, name: &str) -> Option<&Setting> {
        self.get(name)
            .filter(|setting| setting.is_set() && (setting.invalid || setting.value != Value::Null))
    }

    fn is_on(&self, name: &str) -> Option<&Setting> {
        self.get(name)
            .filter(|setting| setting.value == Value::Bool(true) && !setting.invalid)
    }

    /// `ssl_certfile` and `ssl_keyfile` come together or not at all.
    fn tls_pair(&self, problems: &mut Vec<Problem>) {
        for (present, absent) in [
            ("ssl_certfile", "ssl_keyfile"),
            ("ssl_keyfile", "ssl_certfile"),
        ] {
            // An empty or unreadable one is a mistake of its own: nobody knows that TLS is meant.
            let Some(setting) = self.given(present).filter(|setting| !setting.invalid) else {
                continue;
            };
            if M::index(absent).is_none() || self.given(absent).is_some() {
                continue;
            }
            problems.push(
                Problem::error(format!("{present} is set, {absent} is not"))
                    .field(absent)
                    .at(setting.origin.place.clone(), "TLS wanted here")
                    .why("TLS needs a certificate and its private key")
                    .help(how_to_add::<M>(absent, &setting.origin)),
            );
        }
    }

    fn http3(&self, problems: &mut Vec<Problem>) {
        let Some(http3) = self.is_on("http3_enabled") else {
            return;
        };
        let missing: Vec<_> = ["ssl_certfile", "ssl_keyfile"]
            .into_iter()
            .filter(|name| self.given(name).is_none())
            .collect();
        if missing.len() == 2 {
            problems.push(
                Problem::error("http3_enabled is on, but there is no certificate")
                    .field("http3_enabled")
                    .at(http3.origin.place.clone(), "QUIC is always encrypted")
                    .help("set ssl_certfile and ssl_keyfile, or turn http3_enabled off"),
            );
        }
        if let Some(uds) = self.given("uds") {
            problems.push(
                Problem::error("http3_enabled and uds exclude each other")
                    .field("http3_enabled")
                    .at(http3.origin.place.clone(), "HTTP/3 runs over UDP")
                    .at(uds.origin.place.clone(), "a Unix socket has none")
                    .help("remove one of the two"),
            );
        }
    }

    /// With `uds` there is no address. A layer above may well replace an address by a socket; an
    /// address that stands beside or above the socket would be ignored silently.
    fn socket_or_address(&self, problems: &mut Vec<Problem>) {
        // An empty or unreadable one is a mistake of its own: nobody knows that a socket is meant.
        let Some(uds) = self.given("uds").filter(|uds| !uds.invalid) else {
            return;
        };
        for name in ["host", "port"] {
            let Some(address) = self.given(name) else {
                continue;
            };
            if address.origin.layer >= uds.origin.layer {
                problems.push(
                    Problem::error(format!("{name} and uds exclude each other"))
                        .field(name)
                        .at(address.origin.place.clone(), "would be ignored")
                        .at(uds.origin.place.clone(), "the server listens here instead")
                        .help("remove one of the two"),
                );
            }
        }
    }

    /// A path in front of every path: `api` would make `api/items` of `/items`, which no route matches.
    fn root_path(&self, problems: &mut Vec<Problem>) {
        let Some(setting) = self.given("root_path").filter(|path| !path.invalid) else {
            return;
        };
        if let Value::Text(path) = &setting.value
            && !path.is_empty()
            && !path.starts_with('/')
        {
            problems.push(
                Problem::warning("root_path does not start with /")
                    .field("root_path")
                    .at(setting.origin.place.clone(), "put in front of every path")
                    .why("with it no path begins with /, and no route of the app matches any more")
                    .help(format!("write \"/{path}\"")),
            );
        }
    }

    fn secret_key(&self, problems: &mut Vec<Problem>, by_variables: bool) {
        let (Some(key), Some(env)) = (self.get("secret_key"), self.get("env")) else {
            return;
        };
        let empty = matches!(&key.value, Value::Text(text) if text.is_empty()) && !key.invalid;
        let Value::Text(posture) = &env.value else {
            return;
        };
        if empty && posture != "development" {
            problems.push(
                Problem::error("secret_key is empty")
                    .kind(ProblemKind::EmptySecretKey)
                    .field("secret_key")
                    .at(key.origin.place.clone(), "empty")
                    .at(env.origin.place.clone(), format!("env is {posture}"))
                    .why(format!(
                        "sessions and CSRF tokens are signed with it: {posture} needs one"
                    ))
                    .help(if by_variables {
                        "set CHIRP_SECRET_KEY"
                    } else {
                        "give it, as secret_key=os.environ[\"CHIRP_SECRET_KEY\"], or use from_env()"
                    }),
            );
        }
    }
}

fn how_to_add<M: Model>(name: &str, beside: &Origin) -> String {
    let flag = M::field(name).and_then(|field| field.flag);
    match (beside.layer, flag) {
        (Layer::Flag, Some(flag)) => {
            format!("add --{}, or {name} in {}", flag.name, M::PRODUCT.file)
        }
        (Layer::Environment, _) => format!(
            "set {}{} too",
            M::PRODUCT.env_prefix,
            name.to_ascii_uppercase()
        ),
        _ => format!("add {name} beside it"),
    }
}

/// The upload limit lies within the body limit: left at its default it follows, else it is a mistake.
fn upload_within_body<M: Model>(settings: &mut [Setting], problems: &mut Vec<Problem>) {
    let (Some(upload), Some(body)) = (
        M::index("max_upload_size"),
        M::index("max_request_body_size"),
    ) else {
        return;
    };
    if settings[upload].invalid || settings[body].invalid {
        return;
    }
    let (Value::Integer(inner), Value::Integer(outer)) =
        (&settings[upload].value, &settings[body].value)
    else {
        return;
    };
    let (inner, outer) = (*inner, *outer);
    if inner <= outer {
        return;
    }
    if inner == DEFAULT_BODY_SIZE {
        settings[upload].value = Value::Integer(outer);
        settings[upload].origin = settings[body].origin.clone();
        return;
    }
    problems.push(
        Problem::error("max_upload_size is larger than max_request_body_size")
            .field("max_upload_size")
            .at(
                settings[upload].origin.place.clone(),
                format!("{inner} bytes"),
            )
            .at(
                settings[body].origin.place.clone(),
                format!("{outer} bytes"),
            )
            .why("an upload is a request body: the smaller limit always wins")
            .help("raise max_request_body_size, or lower max_upload_size"),
    );
}
