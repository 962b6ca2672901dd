//! `--version`: version, commit, Python.

use super::Host;
use crate::check::Tool;

/// Version of the distribution.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `pounce 0.1.0 (commit 0123456789ab, Python 3.13.0)`.
pub(super) fn line(tool: Tool, host: &Host) -> String {
    let python = match &host.python {
        Some((_, version)) => format!("Python {version}"),
        None => "native, asks the app's own Python".to_owned(),
    };
    format!(
        "{} {VERSION} (commit {}, {python})\n",
        tool.name(),
        env!("POUNCE_COMMIT")
    )
}
