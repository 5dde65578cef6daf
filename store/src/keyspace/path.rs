//! Paths of keys: one spelling for each. The root is the empty path; every other one is `/` and a name, repeated.

/// The one spelling of a path: no empty and no `.` parts, `..` undone, no slash at the end.
#[must_use]
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    let mut cleaned = String::with_capacity(path.len() + 1);
    for part in parts {
        cleaned.push('/');
        cleaned.push_str(part);
    }
    cleaned
}

/// The names of a clean path, outermost first.
pub(crate) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// The path above and the last name; `None` for the root.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/')
}

/// True if a watch at `watched` is not to see a change at `key`, since a part of the way down is hidden.
pub(crate) fn is_hidden(watched: &str, key: &str) -> bool {
    // Of a removed directory even the watches below it are told: they are longer than the key.
    key.get(watched.len()..).is_some_and(|below| clean(below).contains("/_"))
}

#[cfg(test)]
mod tests {
    use super::{clean, is_hidden};

    #[test]
    fn there_is_one_spelling() {
        for (path, cleaned) in
            [("", ""), ("/", ""), ("a", "/a"), ("/a//b/", "/a/b"), ("/a/./b/../c", "/a/c"), ("/../..", "")]
        {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }

    #[test]
    fn a_hidden_part_below_the_watch_hides() {
        assert!(is_hidden("", "/_a") && is_hidden("/a", "/a/b/_c/d"));
        assert!(!is_hidden("/_a", "/_a/b") && !is_hidden("/_a", "/_a") && !is_hidden("/a/b/c", "/a"));
    }
}
