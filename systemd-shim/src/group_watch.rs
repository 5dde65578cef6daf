//! Which control groups are watched for which units: the inotify bookkeeping behind `changes`. Two things tell
//! that a group's last process has ended: the kernel touches its `cgroup.events`, unless systemd removes the group
//! sooner than the kernel gets to it (about one time in twenty, tried); and then the group goes from its slice.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cluster::UnitName;
use cluster::sorted::Map;
use nix::sys::inotify::{AddWatchFlags, Inotify, InotifyEvent, WatchDescriptor};

use crate::cgroup::events_file;

/// The two watches of one unit's group; the slice's is shared by all units in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    events: WatchDescriptor,
    slice: WatchDescriptor,
}

/// The groups watched now.
#[derive(Debug, Default)]
pub(crate) struct GroupWatches {
    groups: Map<UnitName, Group>,
    units: Map<WatchDescriptor, UnitName>,
    /// How many units each slice is watched for.
    slices: Map<WatchDescriptor, usize>,
}

impl GroupWatches {
    /// Watches the first of `candidates` that exists for `unit`, in place of what was watched for it. The
    /// kernel says nothing to the watch of a file whose group goes, and a new group of the same name has
    /// another file, so this is to be done whenever a unit starts. A group that cannot be watched is left to
    /// the links and the sweep.
    pub(crate) fn follow(
        &mut self,
        inotify: &Inotify,
        unit: &UnitName,
        mut candidates: impl Iterator<Item = PathBuf>,
    ) {
        let now = candidates.find_map(|dir| self.add(inotify, &dir));
        if now == self.groups.get(unit).copied() {
            return;
        }
        if let Some(group) = now {
            // Counted before the old one is dropped: they may lie in one slice.
            *self.slices.entry(group.slice).or_default() += 1;
        }
        self.forget(inotify, unit);
        if let Some(group) = now {
            self.units.insert(group.events, unit.clone());
            self.groups.insert(unit.clone(), group);
        }
    }

    /// Watches no group for `unit`.
    pub(crate) fn forget(&mut self, inotify: &Inotify, unit: &UnitName) {
        let Some(group) = self.groups.remove(unit) else { return };
        self.units.remove(&group.events);
        remove(inotify, group.events);
        let count = self.slices.entry(group.slice).or_default();
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.slices.remove(&group.slice);
            remove(inotify, group.slice);
        }
    }

    /// The slice first: a group that goes between the two is then told.
    fn add(&self, inotify: &Inotify, dir: &Path) -> Option<Group> {
        if !dir.exists() {
            return None;
        }
        let leaving = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_ONLYDIR;
        let slice = inotify.add_watch(dir.parent()?, leaving).ok()?;
        match inotify.add_watch(&events_file(dir), AddWatchFlags::IN_MODIFY) {
            Ok(events) => Some(Group { events, slice }),
            Err(_) => {
                if !self.slices.contains_key(&slice) {
                    remove(inotify, slice);
                }
                None
            }
        }
    }

    /// The unit whose group `event` is about.
    pub(crate) fn unit_of(&self, event: &InotifyEvent) -> Option<&UnitName> {
        if let Some(unit) = self.units.get(&event.wd) {
            return Some(unit);
        }
        let name = event.name.as_deref().and_then(OsStr::to_str)?;
        let (unit, group) =
            self.groups.get_key_value(name).or_else(|| self.groups.get_key_value(name.strip_prefix('_')?))?;
        (group.slice == event.wd).then_some(unit)
    }
}

fn remove(inotify: &Inotify, watch: WatchDescriptor) {
    // It fails if the kernel has dropped the watch already, which is what is wanted.
    let _ = inotify.rm_watch(watch);
}
