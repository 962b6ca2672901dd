//! Names of users and groups, as `/etc/passwd` and `/etc/group` know them.

use std::fs;

/// The name of user `uid`, where the machine's own table has one (a container often has none).
#[must_use]
pub fn user_name(uid: u32) -> Option<String> {
    name_in(&fs::read_to_string("/etc/passwd").ok()?, uid)
}

/// The name of group `gid`, where the machine's own table has one.
#[must_use]
pub fn group_name(gid: u32) -> Option<String> {
    name_in(&fs::read_to_string("/etc/group").ok()?, gid)
}

/// Finds a number in the text of a passwd or group table: both are `name:password:number:...`.
fn name_in(table: &str, number: u32) -> Option<String> {
    table.lines().find_map(|line| {
        let mut columns = line.split(':');
        let name = columns.next()?;
        let found: u32 = columns.nth(1)?.parse().ok()?;
        (found == number && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_name_by_its_number() {
        let table = "root:x:0:0:root:/root:/bin/sh\n# note\nbroken\nweb:x:33:33::/:/bin/false\n";
        assert_eq!(name_in(table, 33).as_deref(), Some("web"));
        assert_eq!(name_in(table, 0).as_deref(), Some("root"));
        assert_eq!(name_in(table, 7), None);
    }
}
