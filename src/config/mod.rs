//! One typed configuration: fields declared once, layers that remember where a value came from.

pub mod address;
mod advice;
pub mod app;
pub mod contradictions;
pub mod derived;
pub mod env_file;
pub mod environment;
pub mod field;
pub mod file;
pub mod flags;
pub mod foreign;
pub mod keywords;
pub mod kind;
mod model;
pub mod nearest;
pub mod origin;
pub mod peers;
pub mod problem;
pub mod python_stub;
pub mod reference;
pub mod resolve;
pub mod schema;
pub mod secrets;
pub mod server;
pub mod show;
pub mod source;
pub mod template;
pub mod types;
pub mod value;

pub use app::AppConfig;
pub use field::{Field, Model};
pub use origin::{Layer, Origin};
pub use problem::{Label, Problem, ProblemKind, Weight};
pub use resolve::{Inputs, Resolved, Setting, resolve};
pub use server::ServerConfig;
pub use source::{Place, SourceId, Sources};
