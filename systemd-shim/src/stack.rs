//! The pages of a thread's own stack that no call needs now. A request takes ten times the stack of the wait that follows
//! it, and the kernel keeps what was touched once.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{self, NonNull};

use nix::libc;
use nix::sys::mman::{MmapAdvise, madvise};

/// The frames that give back, which are in use themselves, with room to spare.
const IN_USE_BYTES: usize = 4096;

/// What may lie above the frame that called [`begins`]: the thread's own data and the calls before.
const ABOVE_BYTES: usize = 16 * 1024;

thread_local! {
    /// What is given back lies above this; the whole address space where nobody has said how far the stack reaches.
    static END: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Says where a thread begins that it was given `bytes` of stack.
pub fn begins(bytes: usize) {
    END.set(here().saturating_sub(bytes.saturating_sub(ABOVE_BYTES)));
}

/// Gives back what lies below the caller's frame. It comes back as it is touched, empty.
pub fn give_back() {
    let Some(page) = page_bytes() else { return };
    let (from, to) = (END.get().checked_next_multiple_of(page), here().saturating_sub(IN_USE_BYTES));
    let (Some(from), to) = (from, to - to % page) else { return };
    if let Some(bytes) = to.checked_sub(from) {
        discard(from, bytes);
    }
}

/// An address in the frame of this function, below that of its caller.
#[inline(never)]
fn here() -> usize {
    let mark = 0_u8;
    (&raw const mark).addr()
}

#[allow(unsafe_code)]
fn page_bytes() -> Option<usize> {
    // SAFETY: it reads a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok().filter(|bytes| *bytes > 0)
}

#[allow(unsafe_code)]
#[inline(never)]
fn discard(from: usize, bytes: usize) {
    let Some(start) = NonNull::new(ptr::with_exposed_provenance_mut::<c_void>(from)) else { return };
    // SAFETY: whole pages of this thread's own stack, by what `begins` was told, and a page's length or more below the frame
    // that asked: no frame that is entered lies there, and those to come write before they read. A kernel that refuses
    // changes nothing.
    let _ = unsafe { madvise(start, bytes, MmapAdvise::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::hint::black_box;

    const STACK_BYTES: usize = 512 * 1024;

    /// Touches a lot of stack and gives the address of some of it.
    #[inline(never)]
    fn dig() -> usize {
        let mut deep = [1_u8; 200 * 1024];
        black_box(&mut deep);
        deep.as_ptr().addr()
    }

    /// Resident KiB of the mapping that `address` lies in.
    fn resident_kib(address: usize) -> u64 {
        let list = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut within = false;
        for line in list.lines() {
            if let Some((range, _)) = line.split_once(' ').filter(|(range, _)| range.contains('-')) {
                let (start, end) = range.split_once('-').unwrap();
                let number = |text| usize::from_str_radix(text, 16).unwrap();
                within = (number(start)..number(end)).contains(&address);
            } else if within && let Some(size) = line.strip_prefix("Rss:") {
                return size.trim().trim_end_matches(" kB").parse().unwrap();
            }
        }
        panic!("{address:#x} is not mapped");
    }

    #[test]
    fn what_no_call_needs_goes_and_what_is_in_use_stays() {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
            begins(STACK_BYTES);
            let kept = black_box([7_u8; 20 * 1024]);
            let below = dig();
            let before = resident_kib(below);
            give_back();
            let after = resident_kib(below);
            assert!(after + 100 < before, "{before} KiB before, {after} KiB after");
            assert!(black_box(&kept).iter().all(|byte| *byte == 7));
            dig()
        });
        assert_ne!(thread.unwrap().join().unwrap(), 0);
    }

    #[test]
    fn a_thread_that_said_nothing_keeps_everything() {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
            let below = dig();
            let before = resident_kib(below);
            give_back();
            assert!(resident_kib(below) >= before);
        });
        thread.unwrap().join().unwrap();
    }
}
