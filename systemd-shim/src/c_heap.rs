//! What C calls, under its names in a static program: `malloc` and its kin, from the heap that Rust uses. Elsewhere the C
//! library is shared and keeps its own.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::ptr;

use nix::errno::Errno;

use crate::heap::heap;

/// What every block is aligned to.
const ALIGNMENT: usize = 2 * size_of::<usize>();

fn or_no_memory(block: *mut u8) -> *mut c_void {
    if block.is_null() {
        Errno::ENOMEM.set();
    }
    block.cast()
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) extern "C" fn malloc(bytes: usize) -> *mut c_void {
    // SAFETY: it asks nothing of its caller.
    or_no_memory(unsafe { heap().c_malloc(bytes) })
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) extern "C" fn calloc(count: usize, bytes: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(bytes) else { return or_no_memory(ptr::null_mut()) };
    // SAFETY: the alignment is a power of two.
    or_no_memory(unsafe { heap().calloc(bytes, ALIGNMENT) })
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn realloc(block: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: the caller has it from here, or it is null.
    or_no_memory(unsafe { heap().c_realloc(block.cast(), bytes) })
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(bytes) else { return or_no_memory(ptr::null_mut()) };
    // SAFETY: the caller keeps realloc's contract.
    unsafe { realloc(block, bytes) }
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller has it from here, or it is null.
    unsafe { heap().c_free(block.cast()) }
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) extern "C" fn memalign(alignment: usize, bytes: usize) -> *mut c_void {
    if !alignment.is_power_of_two() {
        Errno::EINVAL.set();
        return ptr::null_mut();
    }
    // SAFETY: the alignment is a power of two.
    or_no_memory(unsafe { heap().c_memalign(alignment, bytes) })
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) extern "C" fn aligned_alloc(alignment: usize, bytes: usize) -> *mut c_void {
    memalign(alignment, bytes)
}

#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn posix_memalign(
    to: *mut *mut c_void,
    alignment: usize,
    bytes: usize,
) -> c_int {
    if !alignment.is_power_of_two() {
        return Errno::EINVAL as c_int;
    }
    // SAFETY: the alignment is a power of two.
    let block = unsafe { heap().c_memalign(alignment, bytes) };
    if block.is_null() {
        return Errno::ENOMEM as c_int;
    }
    // SAFETY: the caller says where the result is to stand.
    unsafe { to.write(block.cast()) };
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::alone;

    #[test]
    fn c_gets_what_it_asks_for_and_gives_it_back() {
        let _alone = alone();
        // SAFETY: each block is used for what it was asked for, and given back once.
        unsafe {
            let block = malloc(100).cast::<u8>();
            block.write_bytes(7, 100);
            let block = realloc(block.cast(), 5000).cast::<u8>();
            assert!((0..100).all(|at| block.add(at).read() == 7));
            let block = reallocarray(block.cast(), 3, 20).cast::<u8>();
            assert_eq!(block.add(59).read(), 7);
            free(block.cast());
            let zeros = calloc(10, 10).cast::<u8>();
            assert!((0..100).all(|at| zeros.add(at).read() == 0));
            free(zeros.cast());
            for block in [memalign(4096, 10), aligned_alloc(4096, 10), posix(4096)] {
                assert_eq!(block.addr() % 4096, 0);
                free(block);
            }
            free(ptr::null_mut());
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        // SAFETY: nothing is given.
        unsafe {
            assert!(calloc(usize::MAX, 2).is_null());
            assert!(reallocarray(ptr::null_mut(), usize::MAX, 2).is_null());
            assert!(memalign(3, 10).is_null());
            assert!(posix(3).is_null());
        }
    }

    fn posix(alignment: usize) -> *mut c_void {
        let mut block = ptr::null_mut();
        // SAFETY: it may write there.
        let _ = unsafe { posix_memalign(&raw mut block, alignment, 10) };
        block
    }

    /// Blocks come and go by the thousand on one thread and another, as those of threads do.
    #[test]
    fn what_one_thread_takes_and_another_gives_back_is_used_again() {
        let _alone = alone();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            let block = malloc(48).expose_provenance();
            seen.insert(block);
            let free = move || {
                let block = ptr::with_exposed_provenance_mut(block);
                // SAFETY: nobody else has it.
                unsafe { free(block) }
            };
            std::thread::spawn(free).join().unwrap();
        }
        assert!(seen.len() < 200, "{} blocks for one at a time", seen.len());
    }
}
