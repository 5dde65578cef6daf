//! What a process costs, read from `/proc` and its control group: memory, threads, descriptors, processor time, wake-ups.
//! Nothing is started for it and nothing slows it down.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::machine::Machine;

/// A process, and the control group that also counts what it starts, where it has one of its own.
#[derive(Clone, Debug)]
pub struct Process {
    id: u32,
    group: Option<PathBuf>,
}

/// What it holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Its share of what is resident, in KiB.
    pub pss_kib: u64,
    /// What is resident, in KiB.
    pub rss_kib: u64,
    /// The most that ever was, in KiB.
    pub peak_kib: u64,
    /// The part that no file backs, in KiB.
    pub anonymous_kib: u64,
    /// What was touched since [`Process::forget_touched`], in KiB; the kernel may take the rest and nobody notices.
    pub touched_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

/// What adds up while it runs.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    /// Processor time in microseconds; with a control group, that of all it started too.
    pub cpu_us: u64,
    /// Page faults of the children it has waited for: every program that was started has some.
    pub child_faults: u64,
    /// Times that each thread went to sleep of its own accord.
    sleeps: BTreeMap<u32, u64>,
}

impl Spent {
    /// Wake-ups since `before`, those of threads that came meanwhile included.
    #[must_use]
    pub fn wakeups_since(&self, before: &Self) -> u64 {
        let since =
            |(thread, sleeps): (&u32, &u64)| sleeps - before.sleeps.get(thread).unwrap_or(&0).min(sleeps);
        self.sleeps.iter().map(since).sum()
    }
}

impl Process {
    /// A process of the host.
    #[must_use]
    pub fn of_host(id: u32) -> Self {
        Self { id, group: None }
    }

    /// The first process of a system service in a machine.
    ///
    /// # Errors
    /// When the machine is off or the service has none.
    pub fn of_service(machine: &Machine, service: &str) -> Outcome<Self> {
        let group = machine.inside(&format!("/sys/fs/cgroup/system.slice/{service}"))?;
        let text = read(&group.join("cgroup.procs"))?;
        let first = text.lines().next().and_then(|line| line.parse().ok());
        let id = first.ok_or_else(|| {
            Failure::new(format!("{service} has no process on {}", machine.identity().name))
        })?;
        Ok(Self { id, group: Some(group) })
    }

    /// Its process ID on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.id))
    }

    /// What it holds now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn holds(&self) -> Outcome<Holds> {
        let maps = read(&self.file("smaps_rollup"))?;
        let status = read(&self.file("status"))?;
        Ok(Holds {
            pss_kib: field(&maps, "Pss")?,
            rss_kib: field(&maps, "Rss")?,
            peak_kib: field(&status, "VmHWM")?,
            anonymous_kib: field(&maps, "Anonymous")?,
            touched_kib: field(&maps, "Referenced")?,
            threads: field(&status, "Threads")?,
            descriptors: count(&self.file("fd"))?,
        })
    }

    /// Begins to note what it touches anew.
    ///
    /// # Errors
    /// When it has ended.
    pub fn forget_touched(&self) -> Outcome {
        let path = self.file("clear_refs");
        fs::write(&path, "1").map_err(|cause| Failure::during(format!("write {}", path.display()), cause))
    }

    /// What it has spent so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn spent(&self) -> Outcome<Spent> {
        let mut spent = Spent { child_faults: self.child_faults()?, ..Spent::default() };
        let mut run_ns = 0;
        for thread in entries(&self.file("task"))? {
            // A thread may end while it is looked at.
            let Ok(status) = fs::read_to_string(thread.join("status")) else { continue };
            let id = thread.file_name().and_then(|name| name.to_string_lossy().parse().ok()).unwrap_or(0);
            spent.sleeps.insert(id, field(&status, "voluntary_ctxt_switches")?);
            let times = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
            run_ns += times.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        }
        spent.cpu_us = match &self.group {
            Some(group) => field(&read(&group.join("cpu.stat"))?, "usage_usec")?,
            None => run_ns / 1000,
        };
        Ok(spent)
    }

    fn child_faults(&self) -> Outcome<u64> {
        let stat = read(&self.file("stat"))?;
        // After the name, which may hold blanks and brackets: state, then numbers; the 9th and 11th are these.
        let words: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |position: usize| words.get(position).and_then(|word| word.parse::<u64>().ok());
        match (number(8), number(10)) {
            (Some(minor), Some(major)) => Ok(minor + major),
            _ => Err(Failure::new(format!("cannot read {stat:?}"))),
        }
    }

    /// Resident and proportional KiB of its own program file: equal if no other process maps the same file.
    ///
    /// # Errors
    /// When it has ended.
    pub fn program(&self) -> Outcome<(u64, u64)> {
        let exe = fs::read_link(self.file("exe"))
            .map_err(|cause| Failure::during(format!("find the program of process {}", self.id), cause))?;
        let (mut resident, mut share, mut within) = (0, 0, false);
        for line in read(&self.file("smaps"))?.lines() {
            // A line with the range and the file begins a mapping.
            if line.split(' ').next().is_some_and(|word| !word.ends_with(':')) {
                within = line.ends_with(&*exe.to_string_lossy());
            } else if within && line.starts_with("Rss:") {
                resident += field(line, "Rss")?;
            } else if within && line.starts_with("Pss:") {
                share += field(line, "Pss")?;
            }
        }
        Ok((resident, share))
    }
}

/// How many processes and threads a machine has started, by the last process ID it gave; asking takes some as well.
///
/// # Errors
/// When the machine is off.
pub fn last_process_id(machine: &Machine) -> Outcome<u64> {
    let text = machine.run(&["cat", "/proc/loadavg"])?.success()?.stdout;
    let last = text.split_whitespace().last().and_then(|word| word.parse().ok());
    last.ok_or_else(|| Failure::new(format!("cannot read {text:?}")))
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|cause| Failure::during(format!("read {}", path.display()), cause))
}

/// What lies in a folder.
pub(crate) fn entries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).map_err(|cause| Failure::during(format!("list {}", folder.display()), cause))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

fn count(folder: &Path) -> Outcome<u64> {
    Ok(entries(folder)?.len().try_into().unwrap_or(u64::MAX))
}

/// The number of `name` in lines such as `Name:  12 kB` or `name 12`.
fn field(text: &str, name: &str) -> Outcome<u64> {
    let values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix([':', ' ']));
    let number = values.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).next();
    number.ok_or_else(|| Failure::new(format!("no {name} in {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_read_and_this_one_is_no_small_one() {
        let own = Process::of_host(std::process::id());
        let (holds, spent) = (own.holds().expect("this process"), own.spent().expect("this process"));
        assert!(
            holds.pss_kib > 0 && holds.pss_kib <= holds.rss_kib && holds.rss_kib <= holds.peak_kib + 512,
            "{holds:?}"
        );
        assert!(holds.threads > 0 && holds.descriptors > 2, "{holds:?}");
        assert!(spent.cpu_us > 0, "{spent:?}");
    }

    #[test]
    fn a_child_that_was_waited_for_shows() {
        let own = Process::of_host(std::process::id());
        let before = own.spent().expect("this process").child_faults;
        std::process::Command::new("true").status().expect("true runs");
        assert!(own.spent().expect("this process").child_faults > before);
    }

    #[test]
    fn wakeups_of_old_and_new_threads_add_up() {
        let spent =
            |sleeps: &[(u32, u64)]| Spent { sleeps: sleeps.iter().copied().collect(), ..Spent::default() };
        assert_eq!(spent(&[(1, 7), (3, 2)]).wakeups_since(&spent(&[(1, 5), (2, 9)])), 4);
    }
}
