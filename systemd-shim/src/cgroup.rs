//! Where a unit's control group is in the unified tree, and whether anything lives in it. Reads two kinds of
//! files and starts nothing; who is told about it is `changes`' business.

use std::path::{Path, PathBuf};

use cluster::UnitName;

use crate::scope::Scope;

/// The control groups below one manager.
#[derive(Clone, Debug)]
pub(crate) struct ControlGroups {
    /// The manager's own group; `None` on a host without a unified tree.
    manager: Option<PathBuf>,
    scope: Scope,
}

impl ControlGroups {
    /// `control_group` is the manager's own as systemd tells it, `cgroup_root` where the unified tree is.
    pub(crate) fn new(scope: Scope, cgroup_root: Option<&Path>, control_group: &str) -> Self {
        let manager = cgroup_root.map(|root| root.join(control_group.trim_start_matches('/')));
        Self { manager, scope }
    }

    /// Where the group of `unit` may be, likeliest first. `slice` is the unit file's `Slice=`; without one
    /// systemd takes `system.slice` or `app.slice`, and for instances a slice of their template in that.
    pub(crate) fn candidates(&self, unit: &UnitName, slice: Option<&str>) -> impl Iterator<Item = PathBuf> {
        let slice = slice.map_or_else(|| default_slice(self.scope, unit), str::to_owned);
        let parent = self.manager.as_ref().and_then(|manager| Some(manager.join(slice_path(&slice)?)));
        // systemd puts an underscore before names that the kernel could take for its own (`cpu.service`).
        let names = [unit.as_str().to_owned(), format!("_{unit}")];
        parent.into_iter().flat_map(move |parent| names.clone().map(|name| parent.join(name)))
    }

    /// True if the group of `unit` has a living process, false if it has none, `None` if there is no group.
    pub(crate) fn is_populated(&self, unit: &UnitName, slice: Option<&str>) -> Option<bool> {
        let text =
            self.candidates(unit, slice).find_map(|dir| std::fs::read_to_string(events_file(&dir)).ok());
        text?.lines().find_map(|line| line.strip_prefix("populated ")).map(|value| value == "1")
    }
}

/// The file in a group that the kernel touches when its last process ends and when a first one comes.
pub(crate) fn events_file(dir: &Path) -> PathBuf {
    dir.join("cgroup.events")
}

fn default_slice(scope: Scope, unit: &UnitName) -> String {
    let base = match scope {
        Scope::System => "system",
        Scope::User => "app",
    };
    match unit.instance() {
        Some(_) => format!("{base}-{}.slice", escaped(unit.prefix())),
        None => format!("{base}.slice"),
    }
}

/// A template's prefix as part of a slice's name, where a dash would mean one more level.
fn escaped(prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len());
    for (at, c) in prefix.char_indices() {
        match c {
            '-' => text.push_str("\\x2d"),
            '\\' => text.push_str("\\x5c"),
            '.' if at == 0 => text.push_str("\\x2e"),
            other => text.push(other),
        }
    }
    text
}

/// The path of a slice: `a-b.slice` lies in `a.slice`. `None` for what is no slice's name.
fn slice_path(slice: &str) -> Option<PathBuf> {
    let stem = slice.strip_suffix(".slice")?;
    if stem == "-" {
        return Some(PathBuf::new());
    }
    if UnitName::parse(slice).is_err() || stem.split('-').any(str::is_empty) {
        return None;
    }
    let ends = stem.match_indices('-').map(|(at, _)| at).chain([stem.len()]);
    Some(ends.filter_map(|end| stem.get(..end)).map(|outer| format!("{outer}.slice")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(scope: Scope, group: &str, unit: &str, slice: Option<&str>) -> Option<String> {
        let groups = ControlGroups::new(scope, Some(Path::new("/cg")), group);
        let unit = UnitName::parse(unit).expect("valid name");
        groups.candidates(&unit, slice).next().map(|path| path.display().to_string())
    }

    #[test]
    fn default_slices_are_systemds() {
        let system = |unit| first(Scope::System, "", unit, None).expect("a path");
        assert_eq!(system("web.service"), "/cg/system.slice/web.service");
        assert_eq!(system("web@1.service"), "/cg/system.slice/system-web.slice/web@1.service");
        assert_eq!(system("my-web@1.service"), "/cg/system.slice/system-my\\x2dweb.slice/my-web@1.service");
        let user = first(Scope::User, "/u/user@7.service", "web.service", None).expect("a path");
        assert_eq!(user, "/cg/u/user@7.service/app.slice/web.service");
    }

    #[test]
    fn a_units_own_slice_is_followed_and_a_wrong_one_leads_nowhere() {
        let with = |slice| first(Scope::System, "", "a.service", Some(slice));
        assert_eq!(with("a-b-c.slice").as_deref(), Some("/cg/a.slice/a-b.slice/a-b-c.slice/a.service"));
        assert_eq!(with("-.slice").as_deref(), Some("/cg/a.service"));
        for wrong in ["../../etc", "a/b.slice", "a--b.slice", ".slice", "", "a.service"] {
            assert_eq!(with(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn no_unified_tree_means_no_candidates() {
        let groups = ControlGroups::new(Scope::System, None, "");
        let unit = UnitName::parse("a.service").expect("valid name");
        assert_eq!(groups.candidates(&unit, None).count(), 0);
        assert_eq!(groups.is_populated(&unit, None), None);
    }
}
