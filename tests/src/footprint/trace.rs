//! Which functions of a running program are executed: a trap stands at the head of each until the first call. What was
//! entered before is seen by stepping: each thread goes on in single steps at first, back through the loops it waits in.
//! For x86_64, by ptrace(2); the processes are ended afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::failure::{Failure, Outcome};
use crate::footprint::process::entries;
use crate::run::run;
use crate::wait::{Stopwatch, pause_between_steps};

/// `int3`: the trap, one byte.
const TRAP: u8 = 0xcc;

/// `si_code` of a trap that a program ran into (siginfo(2): `SI_KERNEL`); a step has another.
const RAN_INTO: i32 = 0x80;

/// So long each thread goes on in steps, from its first one: an agent's watchdog does not wait for much more.
const STEPPING: Duration = Duration::from_millis(500);

/// The functions of a program that lies at a fixed address.
#[derive(Debug)]
pub struct Functions {
    names: BTreeMap<u64, Vec<String>>,
}

impl Functions {
    /// Reads the names that the file still has.
    ///
    /// # Errors
    /// It has none, or `nm` (Debian: binutils) is missing.
    pub fn of(program: &Path) -> Outcome<Self> {
        let list = run(&["nm", "--defined-only", &program.to_string_lossy()])?.success()?.stdout;
        let functions = Self::read(&list);
        if functions.names.is_empty() {
            return Err(Failure::new(format!("{}: no function has a name", program.display())));
        }
        Ok(functions)
    }

    fn read(list: &str) -> Self {
        let mut names: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for line in list.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [address, "t" | "T" | "w" | "W", name] = words.as_slice() else { continue };
            let Ok(address) = u64::from_str_radix(address, 16) else { continue };
            names.entry(address).or_default().push((*name).to_owned());
        }
        Self { names }
    }

    fn around(&self, address: u64) -> Option<u64> {
        self.names.range(..=address).next_back().map(|(start, _)| *start)
    }
}

/// One process, with traps in it.
struct Process {
    id: Pid,
    memory: File,
    start: u64,
    text: Vec<u8>,
}

/// One thread of it.
struct Thread {
    process: usize,
    stepping: Stepping,
}

/// Whether a thread takes steps.
enum Stepping {
    /// It will, from where it waits now.
    Soon,
    /// Since then.
    Since(Stopwatch),
    /// No more.
    Done,
}

struct Tracer<'a> {
    functions: &'a Functions,
    processes: Vec<Process>,
    threads: BTreeMap<Pid, Thread>,
    /// In this round.
    executed: BTreeSet<u64>,
}

/// Watches processes of one program for `rounds` times `period` and gives the names of what they executed, each with the
/// number of rounds. They are killed at the end.
///
/// # Errors
/// They cannot be traced, or one ends of its own accord.
pub fn executed(
    functions: &Functions,
    ids: &[u32],
    rounds: u32,
    period: Duration,
) -> Outcome<BTreeMap<String, u32>> {
    let mut tracer =
        Tracer { functions, processes: Vec::new(), threads: BTreeMap::new(), executed: BTreeSet::new() };
    let mut names = BTreeMap::new();
    let watched = ids.iter().try_for_each(|id| tracer.begin(*id)).and_then(|()| {
        (0..rounds).try_for_each(|_| {
            tracer.round(period)?;
            let executed = std::mem::take(&mut tracer.executed);
            for name in executed.iter().filter_map(|address| functions.names.get(address)).flatten() {
                *names.entry(name.clone()).or_default() += 1;
            }
            Ok(())
        })
    });
    for process in &tracer.processes {
        let _ = kill(process.id, Signal::SIGKILL);
    }
    watched.map(|()| names)
}

impl Tracer<'_> {
    /// Stops every thread and lets them step.
    fn begin(&mut self, id: u32) -> Outcome {
        let number = self.processes.len();
        let folder = Path::new("/proc").join(id.to_string());
        let mut threads = Vec::new();
        for thread in entries(&folder.join("task"))? {
            let name = thread.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let thread = Pid::from_raw(name.parse().map_err(|cause| Failure::during(&name, cause))?);
            ptrace::seize(thread, Options::PTRACE_O_TRACECLONE)
                .map_err(|cause| of(thread, "trace", cause))?;
            ptrace::interrupt(thread).map_err(|cause| of(thread, "stop", cause))?;
            waitpid(thread, Some(WaitPidFlag::__WALL)).map_err(|cause| of(thread, "await", cause))?;
            threads.push(thread);
        }
        self.processes.push(Process::open(id, &folder)?);
        for thread in threads {
            self.threads.insert(thread, Thread { process: number, stepping: Stepping::Soon });
            self.go_on(thread, None)?;
        }
        Ok(())
    }

    /// Puts all traps in place, and watches which are run into.
    fn round(&mut self, period: Duration) -> Outcome {
        self.processes.iter().try_for_each(|process| process.set_traps(self.functions))?;
        let watch = Stopwatch::start();
        while watch.elapsed() < period {
            let mut none = true;
            for thread in self.threads.keys().copied().collect::<Vec<Pid>>() {
                match waitpid(thread, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) => {}
                    Ok(status) => {
                        none = false;
                        self.see(thread, status)?;
                    }
                    Err(Errno::EINTR) => {}
                    Err(cause) => return Err(of(thread, "await", cause)),
                }
            }
            if none {
                pause_between_steps();
            }
        }
        Ok(())
    }

    fn see(&mut self, thread: Pid, status: WaitStatus) -> Outcome {
        match status {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => self.trapped(thread),
            WaitStatus::Stopped(_, signal) => self.go_on(thread, Some(signal)),
            WaitStatus::PtraceEvent(_, _, event) => {
                if event == nix::libc::PTRACE_EVENT_CLONE {
                    let new = ptrace::getevent(thread).map_err(|cause| of(thread, "ask", cause))?;
                    let new = i32::try_from(new).map_err(|cause| of(thread, "ask", cause))?;
                    let process = self.threads.get(&thread).map_or(0, |thread| thread.process);
                    self.threads.insert(Pid::from_raw(new), Thread { process, stepping: Stepping::Done });
                }
                self.go_on(thread, None)
            }
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                self.threads.remove(&thread);
                let is_process = self.processes.iter().any(|process| process.id == thread);
                if is_process {
                    Err(of(thread, "trace", format!("it has ended: {status:?}")))
                } else {
                    Ok(())
                }
            }
            _ => self.go_on(thread, None),
        }
    }

    /// A thread ran into a trap, which goes, or took a step.
    fn trapped(&mut self, thread: Pid) -> Outcome {
        let asked = |cause| of(thread, "ask", cause);
        let ran_into = ptrace::getsiginfo(thread).map_err(asked)?.si_code == RAN_INTO;
        let mut registers = ptrace::getregs(thread).map_err(asked)?;
        if ran_into {
            registers.rip -= 1;
            for process in &self.processes {
                process.take_trap(registers.rip)?;
            }
            ptrace::setregs(thread, registers).map_err(asked)?;
        }
        self.executed.extend(self.functions.around(registers.rip));
        if let Some(state) = self.threads.get_mut(&thread) {
            state.stepping = match &state.stepping {
                Stepping::Soon => Stepping::Since(Stopwatch::start()),
                Stepping::Since(watch) if watch.elapsed() < STEPPING => return self.go_on(thread, None),
                _ => Stepping::Done,
            };
        }
        self.go_on(thread, None)
    }

    fn go_on(&mut self, thread: Pid, signal: Option<Signal>) -> Outcome {
        let Some(state) = self.threads.get_mut(&thread) else { return Ok(()) };
        let gone_on = match state.stepping {
            Stepping::Done => ptrace::cont(thread, signal),
            _ => ptrace::step(thread, signal),
        };
        match gone_on {
            // It is being killed, and its end will be seen.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(cause) => Err(of(thread, "let go on", cause)),
        }
    }
}

impl Process {
    /// Finds the program's code in a stopped process.
    fn open(id: u32, folder: &Path) -> Outcome<Self> {
        let failed = |cause: &dyn std::fmt::Display| Failure::during(format!("read process {id}"), cause);
        let program = fs::read_link(folder.join("exe")).map_err(|cause| failed(&cause))?;
        let maps = fs::read_to_string(folder.join("maps")).map_err(|cause| failed(&cause))?;
        let code = |line: &&str| line.contains(" r-xp ") && line.ends_with(&*program.to_string_lossy());
        let range = maps.lines().find(code).and_then(|line| line.split(' ').next()?.split_once('-'));
        let address = |text: &str| u64::from_str_radix(text, 16).ok();
        let range = range.and_then(|(start, end)| Some((address(start)?, address(end)?)));
        let (start, end) = range.ok_or_else(|| failed(&"it has no code"))?;
        let memory = File::options().read(true).write(true).open(folder.join("mem"));
        let memory = memory.map_err(|cause| failed(&cause))?;
        let mut text = vec![0; usize::try_from(end - start).map_err(|cause| failed(&cause))?];
        memory.read_exact_at(&mut text, start).map_err(|cause| failed(&cause))?;
        let id = Pid::from_raw(id.try_into().map_err(|cause| failed(&cause))?);
        Ok(Self { id, memory, start, text })
    }

    fn set_traps(&self, functions: &Functions) -> Outcome {
        let mut text = self.text.clone();
        for address in functions.names.keys() {
            let place = address.checked_sub(self.start).and_then(|offset| usize::try_from(offset).ok());
            if let Some(byte) = place.and_then(|place| text.get_mut(place)) {
                *byte = TRAP;
            }
        }
        self.write(&text, self.start)
    }

    fn take_trap(&self, address: u64) -> Outcome {
        let place = address.checked_sub(self.start).and_then(|offset| usize::try_from(offset).ok());
        match place.and_then(|place| self.text.get(place)) {
            Some(byte) => self.write(&[*byte], address),
            None => Err(of(self.id, "trace", format!("a trap at {address:#x}, outside its code"))),
        }
    }

    fn write(&self, bytes: &[u8], address: u64) -> Outcome {
        self.memory.write_all_at(bytes, address).map_err(|cause| of(self.id, "write into", cause))
    }
}

fn of(thread: Pid, doing: &str, cause: impl std::fmt::Display) -> Failure {
    Failure::during(format!("{doing} process {thread}"), cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_function_before_it_and_has_all_its_names() {
        let list = "\
            0000000000001000 T first\n0000000000001010 t _RNv_second\n0000000000001010 W alias\n\
            0000000000001018 d data\n                 U elsewhere\n";
        let functions = Functions::read(list);
        assert_eq!(functions.around(0xfff), None);
        assert_eq!(functions.around(0x100f), Some(0x1000));
        assert_eq!(functions.around(0x1019), Some(0x1010));
        assert_eq!(functions.names.get(&0x1010).unwrap(), &["_RNv_second", "alias"]);
    }
}
