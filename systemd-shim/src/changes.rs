//! Notices that units changed, without asking systemd: one inotify descriptor over systemd's invocation links
//! and the `cgroup.events` of the units of interest. It says *that* something happened to a unit; what the unit
//! is now is for `Systemd::states` to say. Comparing by itself, for what inotify missed, is `sweep`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use cluster::UnitName;
use cluster::sorted::{Map, Set};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use crate::cgroup::ControlGroups;
use crate::error::FileError;
use crate::group_watch::GroupWatches;
use crate::states::UnitStatus;
use crate::sweep::Sign;
use crate::systemctl::Systemd;

/// systemd's name for the link of a unit that has started something and is not dead since.
pub(crate) const LINK_PREFIX: &str = "invocation:";
/// Reads of the descriptor per drain; what is left keeps it readable.
const READS_PER_DRAIN: usize = 64;

/// What happened since the last drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Watched units that changed.
    pub units: Set<UnitName>,
    /// Events were lost, or systemd's directory came or went: any unit may have changed.
    pub everything: bool,
}

/// Which directory is watched for links.
#[derive(Clone, Copy, Debug)]
enum LinkWatch {
    /// systemd's own.
    There(WatchDescriptor),
    /// The nearest one above it, until it comes.
    Above(WatchDescriptor),
    /// None could be watched.
    Nowhere,
}

#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) slice: Option<Box<str>>,
    /// What the last sweep told about this unit and the status it was told against: told once.
    pub(crate) told: Option<(Sign, UnitStatus)>,
}

/// Watches units for changes. Wait for its descriptor to be readable, then [`drain`](Self::drain) it.
#[derive(Debug)]
pub struct Changes {
    inotify: Inotify,
    pub(crate) link_dir: PathBuf,
    links: LinkWatch,
    pub(crate) groups: ControlGroups,
    pub(crate) units: Map<UnitName, Watched>,
    group_watches: GroupWatches,
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

impl Changes {
    /// Watches the links of `systemd`, whose own control group is `control_group`
    /// ([`Systemd::control_group`]). The directory of links need not exist yet.
    ///
    /// # Errors
    /// The kernel gives no inotify descriptor.
    pub fn new(systemd: &Systemd, control_group: &str) -> Result<Self, FileError> {
        let paths = systemd.paths();
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(|errno| FileError::new("watch", &paths.invocation_dir, errno))?;
        let mut changes = Self {
            inotify,
            link_dir: paths.invocation_dir.clone(),
            links: LinkWatch::Nowhere,
            groups: ControlGroups::new(systemd.scope, paths.cgroup_root.as_deref(), control_group),
            units: Map::new(),
            group_watches: GroupWatches::default(),
        };
        changes.attach_links();
        Ok(changes)
    }

    /// Reports changes of `unit` from now on; ask for its state after this, not before. `slice` is the last
    /// `Slice=` of its unit file, if it has one. Said again, it takes the new slice.
    pub fn watch(&mut self, unit: &UnitName, slice: Option<&str>) {
        self.units.entry(unit.clone()).or_default().slice = slice.map(Box::from);
        self.follow_group(unit);
    }

    /// Reports `unit` no more.
    pub fn forget(&mut self, unit: &UnitName) {
        self.units.remove(unit);
        self.group_watches.forget(&self.inotify, unit);
    }

    /// Takes all events that wait. Never blocks.
    ///
    /// # Errors
    /// The descriptor cannot be read.
    pub fn drain(&mut self) -> io::Result<Drained> {
        let mut drained = Drained::default();
        for _ in 0..READS_PER_DRAIN {
            match self.inotify.read_events() {
                Ok(events) => events.into_iter().for_each(|event| self.take(&event, &mut drained)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(drained)
    }

    fn take(&mut self, event: &InotifyEvent, drained: &mut Drained) {
        let gone = AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_UNMOUNT
            | AddWatchFlags::IN_IGNORED;
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            drained.everything = true;
            return;
        }
        match self.links {
            LinkWatch::There(links) if links == event.wd => {
                if event.mask.intersects(gone) {
                    self.detach_links(links);
                    self.attach_links();
                    drained.everything = true;
                } else if let Some(unit) = event.name.as_deref().and_then(unit_of_link) {
                    self.note(unit, drained);
                }
                return;
            }
            LinkWatch::Above(above) if above == event.wd => {
                self.detach_links(above);
                self.attach_links();
                drained.everything |= matches!(self.links, LinkWatch::There(_));
                return;
            }
            _ => {}
        }
        drained.units.extend(self.group_watches.unit_of(event).cloned());
    }

    /// A link of `unit` came or went, and with it perhaps its group: systemd makes the group first.
    fn note(&mut self, unit: UnitName, drained: &mut Drained) {
        if self.units.contains_key(&unit) {
            self.follow_group(&unit);
            drained.units.insert(unit);
        }
    }

    /// Watches the group `unit` has now.
    pub(crate) fn follow_group(&mut self, unit: &UnitName) {
        let Some(watched) = self.units.get(unit) else { return };
        let candidates = self.groups.candidates(unit, watched.slice.as_deref());
        self.group_watches.follow(&self.inotify, unit, candidates);
    }

    fn detach_links(&mut self, wd: WatchDescriptor) {
        self.links = LinkWatch::Nowhere;
        // It fails if the kernel has dropped the watch already, which is what is wanted.
        let _ = self.inotify.rm_watch(wd);
    }

    /// Watches the directory of links, or what is nearest above it. A directory made between the two attempts
    /// on it would be missed, so the upper watch stands only if the lower one fails again after it.
    fn attach_links(&mut self) {
        if let Some(links) = self.add_link_watch() {
            self.links = LinkWatch::There(links);
            return;
        }
        let link_dir = self.link_dir.clone();
        for above in link_dir.ancestors().skip(1) {
            let Ok(watch) = self.inotify.add_watch(above, coming()) else { continue };
            self.links = match self.add_link_watch() {
                Some(links) => {
                    self.detach_links(watch);
                    LinkWatch::There(links)
                }
                None => LinkWatch::Above(watch),
            };
            return;
        }
        self.links = LinkWatch::Nowhere;
    }

    fn add_link_watch(&self) -> Option<WatchDescriptor> {
        let going = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
        self.inotify.add_watch(&self.link_dir, coming() | going).ok()
    }

    /// Tries again where no directory could be watched; called by the sweep.
    pub(crate) fn mend_links(&mut self) {
        if matches!(self.links, LinkWatch::Nowhere) {
            self.attach_links();
        }
    }
}

fn coming() -> AddWatchFlags {
    AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_MOVE_SELF
        | AddWatchFlags::IN_ONLYDIR
}

/// The unit of a link's name; `None` for systemd's other files and its temporary ones.
pub(crate) fn unit_of_link(name: impl AsRef<Path>) -> Option<UnitName> {
    let name = name.as_ref().to_str()?.strip_prefix(LINK_PREFIX)?;
    UnitName::parse(name).ok()
}
