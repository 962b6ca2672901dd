//! Choosing the Python that will run the app.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

/// What the command line said about the interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// The active virtual environment, else `.venv`, else `python3` of the path.
    #[default]
    Automatic,
    /// `--python`: a path, or a name to look up in the path.
    Given(PathBuf),
}

/// Where an interpreter was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--python`.
    Given,
    /// The active virtual environment (`VIRTUAL_ENV`).
    VirtualEnv,
    /// A `.venv` folder.
    DotVenv,
    /// `python3` in `PATH`.
    SearchPath,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "--python",
            Self::VirtualEnv => "the active virtual environment",
            Self::DotVenv => ".venv",
            Self::SearchPath => "python3 in PATH",
        })
    }
}

/// An interpreter and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Path of the program.
    pub program: PathBuf,
    /// How it was found.
    pub origin: Origin,
}

/// No interpreter; the message says what was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// Each place looked at, with what was wrong there.
    pub tried: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no Python found: {}", self.tried.join("; "))
    }
}

impl std::error::Error for NotFound {}

/// What of the process's environment decides.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `VIRTUAL_ENV`.
    pub virtual_env: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// Folders in which a `.venv` is looked for, first one first.
    pub folders: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process, for an app in `app_dir`.
    #[must_use]
    pub fn of_process(app_dir: &Path) -> Self {
        let mut folders = vec![app_dir.to_path_buf()];
        folders.extend(env::current_dir().ok().filter(|folder| folder != app_dir));
        Self {
            virtual_env: env::var_os("VIRTUAL_ENV")
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            path: env::var_os("PATH")
                .map_or_else(Vec::new, |path| env::split_paths(&path).collect()),
            folders,
        }
    }
}

/// Finds the interpreter of a choice.
///
/// # Errors
/// [`NotFound`] where the choice names none. An active virtual environment without a Python is an
/// error, too: going on with another Python would check something else than what was meant.
pub fn find(choice: &Choice, around: &Surroundings) -> Result<Found, NotFound> {
    let mut tried = Vec::new();
    if let Choice::Given(given) = choice {
        let found = if given.components().count() > 1 || given.is_absolute() {
            executable(given).then(|| given.clone())
        } else {
            in_path(given, &around.path)
        };
        return match found {
            Some(program) => Ok(Found {
                program,
                origin: Origin::Given,
            }),
            None => {
                tried.push(format!("--python {} is no program", given.display()));
                Err(NotFound { tried })
            }
        };
    }
    if let Some(folder) = &around.virtual_env {
        return match in_environment(folder) {
            Some(program) => Ok(Found {
                program,
                origin: Origin::VirtualEnv,
            }),
            None => {
                let shown = folder.display();
                tried.push(format!("VIRTUAL_ENV is {shown}, which holds no bin/python"));
                Err(NotFound { tried })
            }
        };
    }
    tried.push("VIRTUAL_ENV is not set".to_owned());
    for folder in &around.folders {
        let environment = folder.join(".venv");
        if let Some(program) = in_environment(&environment) {
            return Ok(Found {
                program,
                origin: Origin::DotVenv,
            });
        }
        let state = if environment.exists() {
            "holds no bin/python"
        } else {
            "does not exist"
        };
        tried.push(format!("{} {state}", environment.display()));
    }
    if let Some(program) = in_path(Path::new("python3"), &around.path) {
        return Ok(Found {
            program,
            origin: Origin::SearchPath,
        });
    }
    tried.push("python3 is not in PATH".to_owned());
    Err(NotFound { tried })
}

fn in_environment(folder: &Path) -> Option<PathBuf> {
    let names = if cfg!(windows) {
        ["Scripts/python.exe", "python.exe"]
    } else {
        ["bin/python", "bin/python3"]
    };
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|program| executable(program))
}

fn in_path(name: &Path, path: &[PathBuf]) -> Option<PathBuf> {
    path.iter()
        .map(|folder| folder.join(name))
        .find(|program| executable(program))
}

#[cfg(unix)]
fn executable(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    program
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn executable(program: &Path) -> bool {
    program.is_file()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_first_of_the_order_wins() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut around = Surroundings {
            virtual_env: None,
            path: vec![root.join("nothing"), root.join("usr")],
            folders: vec![root.join("project")],
        };
        let missing = find(&Choice::Automatic, &around).unwrap_err().to_string();
        assert!(missing.contains("VIRTUAL_ENV is not set"), "{missing}");
        assert!(missing.contains("python3 is not in PATH"), "{missing}");

        program(&root.join("usr/python3"));
        assert_eq!(
            find(&Choice::Automatic, &around).unwrap().origin,
            Origin::SearchPath
        );
        program(&root.join("project/.venv/bin/python"));
        assert_eq!(
            find(&Choice::Automatic, &around).unwrap().origin,
            Origin::DotVenv
        );
        program(&root.join("active/bin/python"));
        around.virtual_env = Some(root.join("active"));
        assert_eq!(
            find(&Choice::Automatic, &around).unwrap().origin,
            Origin::VirtualEnv
        );
        let given = find(&Choice::Given("python3".into()), &around).unwrap();
        assert_eq!(
            given,
            Found {
                program: root.join("usr/python3"),
                origin: Origin::Given
            }
        );
    }

    #[test]
    fn an_active_environment_without_python_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        program(&folder.path().join("usr/python3"));
        let around = Surroundings {
            virtual_env: Some(folder.path().join("gone")),
            path: vec![folder.path().join("usr")],
            folders: Vec::new(),
        };
        let error = find(&Choice::Automatic, &around).unwrap_err().to_string();
        assert!(error.contains("gone"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("python3");
        fs::write(&file, "").unwrap();
        let error = find(&Choice::Given(file), &Surroundings::default()).unwrap_err();
        assert!(error.to_string().contains("is no program"), "{error}");
    }
}
