//! The agent's heap, for Rust and for C. The standard library asks the C library for what belongs to threads and for what a
//! child is started with; the one in zig's builds keeps a list for each processor, and a thread that takes from one and gives
//! back to another uses up 64 KiB of each size, 4 KiB after 4 KiB. So both take from one heap.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::{Allocator, Dlmalloc};
use nix::sys::mman::{MRemapFlags, MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, mremap, munmap};

/// No kernel for these programs has smaller pages; on one with larger ones nothing within a block is given back.
const PAGE_BYTES: usize = 4096;
/// What is looked for first; larger blocks are mapped by themselves, and go as they are freed.
const FREE_FIRST_BYTES: usize = 128 * 1024;
/// What is looked for last: one whole page lies in it, wherever it begins.
const FREE_LAST_BYTES: usize = 2 * PAGE_BYTES;
/// Blocks that are looked at in one go.
const FREE_BLOCKS_MAX: usize = 64;

static HEAP: Mutex<Dlmalloc<Mappings>> = Mutex::new(Dlmalloc::new_with_allocator(Mappings { closed: false }));

/// Where the heap has its memory from: the kernel, or nowhere while it is to make do with what it has.
pub(crate) struct Mappings {
    closed: bool,
}

#[allow(unsafe_code)]
// SAFETY: what `alloc` gives is a mapping of its own, of zeros, and what is unmapped or moved is what the heap says it is.
unsafe impl Allocator for Mappings {
    fn alloc(&self, bytes: usize) -> (*mut u8, usize, u32) {
        let nothing = (ptr::null_mut(), 0, 0);
        let Some(length) = NonZeroUsize::new(bytes).filter(|_| !self.closed) else { return nothing };
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses where.
        match unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_PRIVATE) } {
            Ok(start) => (start.as_ptr().cast(), bytes, 0),
            Err(_) => nothing,
        }
    }

    fn remap(&self, start: *mut u8, old_bytes: usize, bytes: usize, can_move: bool) -> *mut u8 {
        let flags = if can_move { MRemapFlags::MREMAP_MAYMOVE } else { MRemapFlags::empty() };
        let Some(start) = NonNull::new(start.cast::<c_void>()) else { return ptr::null_mut() };
        // SAFETY: the heap has this mapping from here and asks for it.
        let moved = unsafe { mremap(start, old_bytes, bytes, flags, None) };
        moved.map_or(ptr::null_mut(), |start| start.as_ptr().cast())
    }

    fn free_part(&self, start: *mut u8, old_bytes: usize, bytes: usize) -> bool {
        self.free(start.wrapping_add(bytes), old_bytes - bytes)
    }

    fn free(&self, start: *mut u8, bytes: usize) -> bool {
        // SAFETY: the heap has this mapping from here and needs it no longer.
        NonNull::new(start.cast::<c_void>()).is_some_and(|start| unsafe { munmap(start, bytes) }.is_ok())
    }

    fn can_release_part(&self, _: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

pub(crate) fn heap() -> MutexGuard<'static, Dlmalloc<Mappings>> {
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

/// Gives back what is free: the segments of which nothing is in use, and whole pages between blocks that are. These are
/// found by asking for them, large ones first, while the heap gets nothing new.
#[allow(unsafe_code)]
pub fn give_back() {
    let mut heap = heap();
    let (mut found, mut count, mut bytes) = ([ptr::null_mut(); FREE_BLOCKS_MAX], 0, FREE_FIRST_BYTES);
    // SAFETY: it touches nothing that is in use.
    unsafe { heap.trim(0) };
    heap.allocator_mut().closed = true;
    while let Some(place) = found.get_mut(count).filter(|_| bytes >= FREE_LAST_BYTES) {
        // SAFETY: it asks nothing of its caller.
        *place = unsafe { heap.c_malloc(bytes) };
        if place.is_null() {
            bytes /= 2;
        } else {
            discard(*place, bytes);
            count += 1;
        }
    }
    heap.allocator_mut().closed = false;
    for block in found.into_iter().take(count) {
        // SAFETY: it is from this heap, and nobody else was given it.
        unsafe { heap.c_free(block) };
    }
}

/// Gives the kernel the whole pages of a block whose contents nobody needs.
#[allow(unsafe_code)]
fn discard(block: *mut u8, bytes: usize) {
    let before = block.align_offset(PAGE_BYTES);
    let whole = bytes.saturating_sub(before) / PAGE_BYTES * PAGE_BYTES;
    if let Some(start) = NonNull::new(block.wrapping_add(before).cast::<c_void>()).filter(|_| whole > 0) {
        // SAFETY: these pages lie within one block, which is the caller's and holds nothing. Where it fails, they stay.
        let _ = unsafe { madvise(start, whole, MmapAdvise::MADV_DONTNEED) };
    }
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

    fn resident_kib() -> u64 {
        let list = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let line = list.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap().to_owned();
        line.trim_end_matches("kB").trim().parse().unwrap()
    }

    #[test]
    #[allow(unsafe_code)]
    fn the_heap_as_a_whole_shrinks_again() {
        let _alone = alone();
        let layout = Layout::from_size_align(200_000, 16).unwrap();
        // SAFETY: each block is written within its bounds and given back once, with its layout.
        unsafe {
            let blocks: Vec<*mut u8> = (0..20).map(|_| Heap.alloc(layout)).collect();
            blocks.iter().for_each(|block| block.write_bytes(1, layout.size()));
            let before = resident_kib();
            blocks.into_iter().for_each(|block| Heap.dealloc(block, layout));
            give_back();
            let after = resident_kib();
            assert!(after + 1000 < before, "{before} KiB before, {after} KiB after");
        }
    }

    /// Between blocks that stay, and they keep what is in them.
    #[test]
    #[allow(unsafe_code)]
    fn what_is_free_between_others_goes_too() {
        let _alone = alone();
        let layout = Layout::from_size_align(100_000, 16).unwrap();
        // SAFETY: each block is written and read within its bounds, and given back once, with its layout.
        unsafe {
            let blocks: Vec<*mut u8> = (0..40).map(|_| Heap.alloc(layout)).collect();
            blocks.iter().for_each(|block| block.write_bytes(7, layout.size()));
            let (stay, go): (Vec<_>, Vec<_>) =
                blocks.into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
            let before = resident_kib();
            go.into_iter().for_each(|(_, block)| Heap.dealloc(block, layout));
            give_back();
            let after = resident_kib();
            assert!(after + 1000 < before, "{before} KiB before, {after} KiB after");
            for (_, block) in stay {
                assert!((0..layout.size()).all(|at| block.add(at).read() == 7));
                Heap.dealloc(block, layout);
            }
        }
    }
}
