//! An unknown flag that another server has: what it is here.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::check::Tool;
use crate::config::field::{Field, Model};
use crate::config::foreign::counterpart;
use crate::config::{AppConfig, ServerConfig};

/// The error with a tip of ours, where it is about such a flag.
pub(super) fn explained(tool: Tool, mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let (product, fields) = match tool {
        Tool::Pounce => (ServerConfig::PRODUCT, ServerConfig::fields()),
        Tool::Chirp => (AppConfig::PRODUCT, AppConfig::fields()),
    };
    let Some(known) = counterpart(flag, fields) else {
        return error;
    };
    let said = known.said(|field: &Field| match field.flag {
        Some(flag) => format!("--{}", flag.name),
        None => format!("{} in {}", field.name, product.file),
    });
    let tips = [said.as_str(), known.note]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| StyledStr::from(text.to_owned()))
        .collect();
    error.remove(ContextKind::SuggestedArg);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    error
}
