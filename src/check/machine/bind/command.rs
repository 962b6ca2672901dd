//! What of a command line may be shown: the program and what it runs, never options with their values.
//!
//! Command lines carry passwords and tokens, so this is a list of what is let through.

use std::path::{Path, PathBuf};

/// Most words that are kept.
const WORDS: usize = 4;

/// The first words of a command line, up to the first option.
///
/// For a Python interpreter its own harmless switches are left out and `-m module` or the script is
/// kept, so `python3 -u -m uvicorn shop:app --port 80` gives `python3 -m uvicorn shop:app`.
pub(super) fn headline(arguments: &[String]) -> Vec<String> {
    let Some((program, rest)) = arguments.split_first() else {
        return Vec::new();
    };
    let mut words = vec![program.clone()];
    let mut rest = rest.iter();
    if is_python(program) {
        match after_switches(&mut rest) {
            Some(Run::Module(module)) => words.extend(["-m".to_owned(), module.to_owned()]),
            Some(Run::Script(script)) => words.push(script.to_owned()),
            None => return words,
        }
    }
    words.extend(rest.take_while(|word| is_plain(word)).cloned());
    words.truncate(WORDS);
    words
}

/// The file that a command line runs, made absolute: a script of Python, else nothing.
pub(super) fn script(arguments: &[String], folder: Option<&Path>) -> Option<PathBuf> {
    let (program, rest) = arguments.split_first()?;
    if !is_python(program) {
        return None;
    }
    match after_switches(&mut rest.iter())? {
        Run::Script(script) => {
            let script = Path::new(script);
            Some(folder.map_or_else(|| script.to_owned(), |folder| folder.join(script)))
        }
        Run::Module(_) => None,
    }
}

/// Whether a command line is that of this project's server: `pounce` or `chirp`, run as a command, as
/// a script of an interpreter, or as a module.
pub(super) fn is_pounce(arguments: &[String]) -> bool {
    const NAMES: [&str; 2] = ["pounce", "chirp"];
    const MODULES: [&str; 3] = ["pounce", "chirp", "pounce_rs"];
    let Some((program, rest)) = arguments.split_first() else {
        return false;
    };
    if NAMES.contains(&base(program)) {
        return true;
    }
    if !is_python(program) {
        return false;
    }
    match after_switches(&mut rest.iter()) {
        Some(Run::Script(script)) => NAMES.contains(&base(script)),
        Some(Run::Module(module)) => {
            MODULES.contains(&module.split('.').next().unwrap_or_default())
        }
        None => false,
    }
}

enum Run<'word> {
    Module(&'word str),
    Script(&'word str),
}

/// Skips the interpreter's switches; `None` for code on the command line or an unknown switch.
fn after_switches<'word>(words: &mut impl Iterator<Item = &'word String>) -> Option<Run<'word>> {
    while let Some(word) = words.next() {
        match word.as_str() {
            "-m" => return words.next().map(|module| Run::Module(module)),
            "-X" | "-W" => {
                words.next();
            }
            switch if switch.starts_with("-X") || switch.starts_with("-W") => {}
            switch if is_harmless(switch) => {}
            script if is_plain(script) => return Some(Run::Script(script)),
            _ => return None,
        }
    }
    None
}

/// Switches of Python without a value, alone or together (`-Iu`).
fn is_harmless(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| {
        !letters.is_empty()
            && letters
                .chars()
                .all(|letter| "bBdEiIOPqsSuvx".contains(letter))
    })
}

/// Whether a word names something and carries no value that might be secret.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('-')
        && !word.contains(['=', '@', '?', '\n'])
        && !word.contains("://")
}

fn is_python(program: &str) -> bool {
    let name = base(program);
    ["python", "pypy"].iter().any(|stem| name.starts_with(stem))
}

/// The last part of a path; login shells and `exec -a` may put a dash before it.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn options_and_their_values_are_not_shown() {
        for (line, shown) in [
            ("/usr/sbin/nginx -g daemon", "/usr/sbin/nginx"),
            ("redis-server *:6379", "redis-server *:6379"),
            (
                "python3 -u -m uvicorn shop:app --port 80",
                "python3 -m uvicorn shop:app",
            ),
            (
                "python3 -X dev -Iu /srv/app.py --key s3cret",
                "python3 /srv/app.py",
            ),
            ("python3 -c print(password)", "python3"),
            ("serve PASSWORD=s3cret shop", "serve"),
            ("proxy https://user:s3cret@host/ now", "proxy"),
            ("mysql -ps3cret shop", "mysql"),
            ("a b c d e f", "a b c d"),
        ] {
            assert_eq!(headline(&words(line)).join(" "), shown, "{line}");
        }
        assert_eq!(headline(&[]), Vec::<String>::new());
    }

    #[test]
    fn pounce_is_known_by_its_command_line() {
        for line in [
            "pounce serve shop:app",
            "/venv/bin/chirp run shop:app",
            "/venv/bin/python3.13 /venv/bin/pounce serve shop:app",
            "python3 -I -m pounce_rs.worker",
            "python3 -m chirp run",
        ] {
            assert!(is_pounce(&words(line)), "{line}");
        }
        for line in [
            "python3 -m uvicorn pounce:app",
            "vim pounce",
            "python3 pounce.py",
            "pouncer",
        ] {
            assert!(!is_pounce(&words(line)), "{line}");
        }
        assert!(!is_pounce(&[]));
    }

    #[test]
    fn scripts_are_found_from_the_folder_of_the_process() {
        let folder = Some(Path::new("/srv/old"));
        assert_eq!(
            script(&words("python3 -u app.py"), folder),
            Some("/srv/old/app.py".into())
        );
        assert_eq!(
            script(&words("python3 /a/b.py"), folder),
            Some("/a/b.py".into())
        );
        assert_eq!(script(&words("python3 -m http.server"), folder), None);
        assert_eq!(script(&words("nginx app.py"), folder), None);
    }
}
