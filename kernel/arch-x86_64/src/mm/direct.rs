//! The machine's memory as the kernel sees it: one long window.
//!
//! Memory that ring 3 or the CPU's page walker may touch at any time is seen only as words that
//! are read and written whole ([`Page`]), never as plain references.
//!
//! UNSAFETY: turns physical addresses into references. Invariant *owned*: a physical page is handed out once, by
//! [`MemoryMap`](crate::boot::memory::MemoryMap), and lies in the direct map for ever.

#![expect(unsafe_code, reason = "physical addresses become references here")]

use core::arch::asm;
use core::sync::atomic::AtomicU64;

use super::layout::{DIRECT_BASE, ENTRIES, to_usize};

/// A page of words.
pub(crate) type Page = [AtomicU64; ENTRIES];

/// Where the kernel sees physical address `physical`.
pub(crate) const fn window(physical: u64) -> u64 {
    DIRECT_BASE + physical
}

/// Where `page` lies physically.
pub(crate) fn physical_of(page: &Page) -> u64 {
    core::ptr::from_ref(page).addr() as u64 - DIRECT_BASE
}

/// `count` pages from `physical` on, whatever they hold.
///
/// # Safety
/// The pages are *owned* by the caller or by page tables, and nothing sees them as anything but words.
pub(crate) unsafe fn pages(physical: u64, count: usize) -> &'static [Page] {
    let start = core::ptr::with_exposed_provenance::<Page>(to_usize(window(physical)));
    // SAFETY: 1. The direct map has the pages, writable, for ever (kernel_map.rs). 2. Any bytes are
    // valid words, and words may change under a shared reference. 3. Alignment is the page's.
    unsafe { core::slice::from_raw_parts(start, count) }
}

/// Fills pages with zero words.
pub(crate) fn clear(pages: &[Page]) {
    clear_words(pages.as_flattened());
}

/// Copies `source` to the start of `pages`, the last word filled up with zero bytes, and clears the rest.
/// What does not fit is left out.
pub(crate) fn fill(pages: &[Page], source: &[u8]) {
    let words = pages.as_flattened();
    let (source, _) = source.split_at(source.len().min(words.len() * 8));
    let (whole, rest) = source.as_chunks::<8>();
    // SAFETY: 1. `whole` has as many words as are read, and they fit in `words` by the cut above.
    // 2. As in `clear_words`: atomics, whole words, DF is 0. 3. Source and destination do not overlap: one is `&[u8]`, the other atomics.
    unsafe {
        asm!(
            "rep movsq",
            inout("rsi") whole.as_ptr() => _,
            inout("rdi") words.as_ptr() => _,
            inout("rcx") whole.len() => _,
            options(nostack, preserves_flags),
        );
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
    let mut after = whole.len();
    if !rest.is_empty() {
        if let Some(word) = words.get(after) {
            word.store(
                u64::from_le_bytes(last),
                core::sync::atomic::Ordering::Relaxed,
            );
        }
        after += 1;
    }
    clear_words(words.get(after..).unwrap_or(&[]));
}

fn clear_words(words: &[AtomicU64]) {
    // SAFETY: 1. The words are atomics: writing through a shared reference is allowed. 2. STOSQ writes whole words, so
    // whoever reads at the same time sees old or new ones. 3. DF is 0 in ring 0 (trap/entry.rs).
    unsafe {
        asm!(
            "rep stosq",
            inout("rdi") words.as_ptr() => _,
            inout("rcx") words.len() => _,
            in("rax") 0_u64,
            options(nostack, preserves_flags),
        );
    }
}
