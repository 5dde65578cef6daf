//! The agent's heap, for Rust and for C. The standard library asks the C library for what belongs to threads and for what a
//! child is started with; the one in zig's builds keeps a list for each processor, and a thread that takes from one and gives
//! back to another uses up 64 KiB of each size, 4 KiB after 4 KiB. So both take from one heap.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;

static HEAP: Mutex<Dlmalloc> = Mutex::new(Dlmalloc::new());

pub(crate) fn heap() -> MutexGuard<'static, Dlmalloc> {
    HEAP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To be named as a program's global allocator.
#[derive(Debug)]
pub struct Heap;

#[allow(unsafe_code)]
// SAFETY: dlmalloc's C functions keep the contracts of malloc, memalign, realloc and free, of which these are the callers; the
// lock makes them one after the other. They panic only over a heap that is broken.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: a layout's alignment is a power of two.
        unsafe { heap().c_memalign(layout.align(), layout.size()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: a layout's alignment is a power of two.
        unsafe { heap().calloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller has it from here.
        unsafe { heap().c_free(block) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        // SAFETY: the caller has it from here, with this layout.
        unsafe { heap().realloc(block, layout.size(), layout.align(), new_bytes) }
    }
}

/// Gives back what is free at the heap's end, and the segments of which nothing is in use.
#[allow(unsafe_code)]
pub fn give_back() {
    // SAFETY: it touches nothing that is in use.
    unsafe { heap().trim(0) };
}

/// There is one heap: what another test keeps at its end keeps it long.
#[cfg(test)]
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn the_heap_as_a_whole_shrinks_again() {
        let _alone = alone();
        let layout = Layout::from_size_align(200_000, 16).unwrap();
        let resident = || {
            let list = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
            let line = list.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap().to_owned();
            line.trim_end_matches("kB").trim().parse::<u64>().unwrap()
        };
        // SAFETY: each block is written within its bounds and given back once, with its layout.
        unsafe {
            let blocks: Vec<*mut u8> = (0..20).map(|_| Heap.alloc(layout)).collect();
            blocks.iter().for_each(|block| block.write_bytes(1, layout.size()));
            let before = resident();
            blocks.into_iter().for_each(|block| Heap.dealloc(block, layout));
            give_back();
            let after = resident();
            assert!(after + 1000 < before, "{before} kB before, {after} kB after");
        }
    }
}
