//! The pages of the running program's own file. The kernel maps whatever was touched once, and its neighbours, for as long as
//! the process lives; an agent that has done its work needs few of them, and whatever it needs again is in the page cache.

use std::ffi::c_void;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::ptr::{self, NonNull};

use nix::sys::mman::{MmapAdvise, madvise};

/// What is read of the list of mappings at a time.
const READ_BUFFER_BYTES: usize = 1024;

/// Unmaps the pages of this program's file that nobody can have changed; they come back as they are touched.
///
/// # Errors
/// The kernel's list of mappings cannot be read, or it refuses one.
pub fn give_back() -> io::Result<()> {
    let program = fs::read_link("/proc/self/exe")?;
    let list = BufReader::with_capacity(READ_BUFFER_BYTES, File::open("/proc/self/smaps")?);
    let mut unchanged =
        Unchanged { program: &program.to_string_lossy(), of_program: None, found: Vec::new() };
    for line in list.lines() {
        unchanged.read(&line?);
    }
    unchanged.found.into_iter().try_for_each(unmap)
}

#[allow(unsafe_code)]
fn unmap(pages: Range<usize>) -> io::Result<()> {
    let Some(start) = NonNull::new(ptr::with_exposed_provenance_mut::<c_void>(pages.start)) else {
        return Ok(());
    };
    // SAFETY: these are private pages of a file, nobody may write to them, and the kernel says that none of them, in memory or
    // swapped out, is anything but the file's. The file of a running program cannot be changed. So the next access finds the
    // same bytes.
    unsafe { madvise(start, pages.len(), MmapAdvise::MADV_DONTNEED) }.map_err(io::Error::from)
}

/// Finds the mappings in the kernel's list (proc_pid_smaps(5)).
struct Unchanged<'a> {
    program: &'a str,
    /// The read-only mapping of the program whose lines are being read.
    of_program: Option<Range<usize>>,
    found: Vec<Range<usize>>,
}

impl Unchanged<'_> {
    fn read(&mut self, line: &str) {
        if let Some((pages, rest)) = mapping(line) {
            let is_constant = matches!(rest.get(..4), Some("r--p" | "r-xp"));
            self.of_program = (is_constant && rest.ends_with(self.program)).then_some(pages);
        } else if line.strip_prefix("Anonymous:").is_some_and(|size| size.trim() != "0 kB") {
            self.of_program = None;
        } else if line.strip_prefix("Swap:").is_some_and(|size| size.trim() == "0 kB") {
            self.found.extend(self.of_program.take());
        }
    }
}

/// The addresses at the head of a mapping, and what comes after them.
fn mapping(line: &str) -> Option<(Range<usize>, &str)> {
    let (addresses, rest) = line.split_once(' ')?;
    let (start, end) = addresses.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some((number(start)?..number(end)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_constant_pages_of_the_program_that_are_the_files_are_given_back() {
        let mut unchanged = Unchanged { program: "/usr/bin/agent", of_program: None, found: Vec::new() };
        for line in [
            "01000000-01073000 r--p 00000000 08:01 7 /usr/bin/agent",
            "Anonymous:             0 kB",
            "Swap:                  0 kB",
            "01073000-01264000 r-xp 00072000 08:01 7 /usr/bin/agent",
            "Rss:                 900 kB",
            "Anonymous:             0 kB",
            "Swap:                  0 kB",
            "01264000-01265000 r--p 00262000 08:01 7 /usr/bin/agent",
            "Anonymous:             4 kB",
            "Swap:                  0 kB",
            "01265000-01266000 r--p 00262000 08:01 7 /usr/bin/agent",
            "Anonymous:             0 kB",
            "Swap:                  4 kB",
            "01266000-01268000 rw-p 00262000 08:01 7 /usr/bin/agent",
            "Anonymous:             0 kB",
            "Swap:                  0 kB",
            "7f0000000000-7f0000001000 r-xp 00000000 08:01 9 /usr/lib/libc.so",
            "Anonymous:             0 kB",
            "Swap:                  0 kB",
        ] {
            unchanged.read(line);
        }
        assert_eq!(unchanged.found, [0x100_0000..0x107_3000, 0x107_3000..0x126_4000]);
    }

    #[test]
    fn the_program_goes_on_with_fewer_pages() {
        let resident = || {
            let list = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
            let line = list.lines().find_map(|line| line.strip_prefix("Pss_File:")).unwrap().to_owned();
            line.trim_end_matches("kB").trim().parse::<u64>().unwrap()
        };
        let before = resident();
        give_back().unwrap();
        let after = resident();
        assert!(after < before, "{before} kB before, {after} kB after");
    }
}
