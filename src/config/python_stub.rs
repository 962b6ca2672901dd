//! Type stub of the extension module, derived from the declared fields: `python/pounce_rs/_native.pyi`.

use std::fmt::Write as _;

use super::field::{Field, Model};
use super::kind::Kind;
use super::{AppConfig, ServerConfig};

const HEAD: &str = r#"
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import Field
from os import PathLike
from typing import Any, ClassVar, Literal, TypedDict, final, type_check_only

from typing_extensions import Self, Unpack

__all__ = [
    "AppConfig",
    "Listening",
    "ServerConfig",
    "Startup",
    "Worker",
    "__version__",
    "check_snapshot",
    "implicit_app_config",
    "listen",
    "main",
    "serve_again",
    "serve_target",
    "server_settings",
    "worker_count",
    "write_error",
]

__version__: str

def write_error(records: str, /, *, json: bool) -> None:
    """Write records to standard error, without waiting long for who reads it.

    Once it is read again, a line tells how many were lost: an object with ``json``.
    """

def main(command: str, arguments: list[str], /) -> int: ...
def check_snapshot(snapshot: str, *, deploy: bool, warnings_as_errors: bool) -> tuple[str, str]: ...
def implicit_app_config() -> AppConfig: ...
def listen(config: ServerConfig, app: str, /) -> Listening: ...
def serve_again(config: ServerConfig, app: str, /, *, arguments: list[str]) -> int: ...
def serve_target(config: ServerConfig, target: str, /, *, app_dir: str | PathLike[str]) -> int: ...
def server_settings(config: AppConfig, /) -> str: ...
def worker_count(config: ServerConfig, /) -> int: ...

@final
class Listening:
    @property
    def document(self) -> str: ...

@final
class Startup:
    def __new__(
        cls,
        listeners: Sequence[tuple[int, bool]],
        *,
        config: str,
        workers: int,
        worker_id: int,
        certificate: tuple[str, str] | None = None,
    ) -> Self: ...
    def close(self) -> None: ...

@final
class Worker:
    def __new__(
        cls,
        app: object,
        *,
        event_loop: AbstractEventLoop,
        context: Context,
        config: str,
        workers: int,
        worker_id: int,
        state: dict[str, Any],
        journal: Callable[[str, str, str, str, BaseException | None], None],
        report: Callable[[str, bool], None],
        awaiting: Callable[[Any], Coroutine[Any, Any, None]],
        startup: Startup | None = None,
        certificate: tuple[str, str] | None = None,
    ) -> Self: ...
    @property
    def connections(self) -> int:
        """Open connections."""
    @property
    def tasks(self) -> list[Task[Any]]:
        """Tasks of requests that are not at their end."""
    def start(self, listeners: Sequence[tuple[int, bool]]) -> None: ...
    def turn(self) -> None: ...
    def go_on(self) -> None: ...
    def ring(self) -> None: ...
    def announce_end(self) -> None: ...
    def drain(self) -> None: ...
    def retire(self, patience: float) -> None: ...
    def adopt(self, slot: int, listeners: Sequence[tuple[int, bool]]) -> None: ...
    def release(self, slot: int) -> None: ...
    def close(self) -> None: ...
"#;

/// Fields that hold live Python objects: (name, type as keyword, type as attribute, doc).
///
/// They have no form outside Python, so the model does not know them.
const LIVE_OBJECTS: [(&str, &str, &str, &str); 2] = [
    (
        "extra_loaders",
        "Iterable[Any]",
        "tuple[Any, ...]",
        "Template loaders that are asked before the folders.",
    ),
    (
        "static_context",
        "Mapping[str, Any] | None",
        "Mapping[str, Any] | None",
        "Values that every template sees.",
    ),
];

/// The whole stub.
#[must_use]
pub fn python_stub() -> String {
    let mut out = format!(
        "# Generated from the fields declared in src/config by `make generate`; do not edit.\n{HEAD}"
    );
    class::<ServerConfig>(&mut out, &[], "");
    class::<AppConfig>(&mut out, &LIVE_OBJECTS, APP_CONFIG_METHODS);
    out
}

const APP_CONFIG_METHODS: &str = r#"    @classmethod
    def from_env(
        cls,
        prefix: str = "CHIRP_",
        *,
        env_file: str | PathLike[str] | None = None,
        **overrides: Unpack[_AppConfigKeywords],
    ) -> Self: ...
    def feature(self, name: str, default: bool = False) -> bool: ...
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _chirp_fields: ClassVar[tuple[str, ...]]
    _chirp_secret_fields: ClassVar[tuple[str, ...]]
    @property
    def _chirp_created_at(self) -> Any: ...
    @property
    def _chirp_explicit(self) -> dict[str, object]: ...
    @property
    def _chirp_from_env(self) -> bool: ...
    @property
    def _chirp_env_prefix(self) -> str | None: ...
    @property
    def _chirp_problems(self) -> list[tuple[str | None, str]]: ...
"#;

fn class<M: Model>(out: &mut String, live: &[(&str, &str, &str, &str)], methods: &str) {
    let name = M::PRODUCT.class;
    let settable = || M::fields().iter().filter(|field| !field.derived);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "\n@type_check_only\nclass _{name}Keywords(TypedDict, total=False):\n"
    );
    for field in settable() {
        let _ = writeln!(out, "    {}: {}", field.name, keyword_type(field));
    }
    for (field, keyword, _, _) in live {
        let _ = writeln!(out, "    {field}: {keyword}");
    }
    let _ = write!(
        out,
        "\n@final\nclass {name}:\n    __match_args__ = ()\n    \
         def __new__(cls, **settings: Unpack[_{name}Keywords]) -> Self: ...\n    \
         def __eq__(self, other: object, /) -> bool: ...\n    \
         def __hash__(self) -> int: ...\n    \
         def __copy__(self) -> Self: ...\n    \
         def __deepcopy__(self, memo: object, /) -> Self: ...\n    \
         def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...\n    \
         def __replace__(self, **changes: Unpack[_{name}Keywords]) -> Self: ...\n    \
         def replace(self, **changes: Unpack[_{name}Keywords]) -> Self: ...\n{methods}"
    );
    for field in M::fields() {
        property(out, field.name, &attribute_type(field), field.doc);
    }
    for (field, _, attribute, doc) in live {
        property(out, field, attribute, doc);
    }
}

fn property(out: &mut String, name: &str, kind: &str, doc: &str) {
    let doc: Vec<&str> = doc.trim().lines().map(str::trim).collect();
    let doc = doc
        .join("\n        ")
        .replace('\\', "\\\\")
        .replace("\n        \n", "\n\n");
    let close = if doc.contains('\n') { "\n        " } else { "" };
    let _ = writeln!(
        out,
        "    @property\n    def {name}(self) -> {kind}:\n        \"\"\"{doc}{close}\"\"\""
    );
}

/// What a keyword argument takes.
fn keyword_type(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text | Kind::NonEmpty => "str | PathLike[str]".to_owned(),
        Kind::List => "Iterable[str | PathLike[str]]".to_owned(),
        Kind::Table => "Mapping[str, str | PathLike[str]]".to_owned(),
        Kind::Flags => "Mapping[str, bool] | Iterable[tuple[str, bool]]".to_owned(),
        Kind::FileMode => "int | str".to_owned(),
        // Also plain `str`: the text often comes from elsewhere, and is checked when it arrives.
        Kind::Choice(_) | Kind::Tier(_) => format!("{} | str", value_type(field.kind)),
        other => value_type(other),
    };
    nullable(field, kind)
}

/// What an attribute gives.
fn attribute_type(field: &Field) -> String {
    nullable(field, value_type(field.kind))
}

fn nullable(field: &Field, kind: String) -> String {
    if field.nullable {
        format!("{kind} | None")
    } else {
        kind
    }
}

fn value_type(kind: Kind) -> String {
    match kind {
        Kind::Bool => "bool".into(),
        Kind::Integer { .. } | Kind::FileMode => "int".into(),
        Kind::Positive | Kind::NonNegative | Kind::Share => "float".into(),
        Kind::Text | Kind::NonEmpty | Kind::UrlPath => "str".into(),
        Kind::Choice(choices) => literal(choices),
        Kind::Tier(tiers) => format!("bool | {}", literal(tiers)),
        Kind::List => "tuple[str, ...]".into(),
        Kind::Table => "Mapping[str, str]".into(),
        Kind::Flags => "tuple[tuple[str, bool], ...]".into(),
    }
}

fn literal(choices: &[&str]) -> String {
    let quoted: Vec<_> = choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect();
    format!("Literal[{}]", quoted.join(", "))
}
