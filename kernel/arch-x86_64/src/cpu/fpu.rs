//! The FPU and vector registers of threads that have them.
//!
//! Switched eagerly: when a thread with an FPU leaves the CPU its registers are saved, and the next one's, or fresh
//! ones, are loaded before anything else runs in ring 3. Fresh ones because with CR0.TS alone the old values would still be in the
//! registers, where speculation can read them (CVE-2018-3665). Kernel and most tasks are soft-float; between two of
//! those nothing happens at all.
//!
//! UNSAFETY: XSAVE and XRSTOR write and read a thread's area.

#![expect(unsafe_code, reason = "inline assembly and access to FPU areas")]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use x86_regs::cpuid::{CpuidLeaf, XsaveLeaf};

use super::features::Features;
use super::instructions;
use crate::context::FpuArea;

/// Words of an area in multiples of 64 bytes, as FXSAVE needs it.
const FXSAVE_WORDS: usize = 64;

static HAS_XSAVE: AtomicBool = AtomicBool::new(false);
/// Words of a thread's area.
static AREA_WORDS: AtomicU64 = AtomicU64::new(FXSAVE_WORDS as u64);

/// An area in the state of a thread that has not run yet.
static FRESH: FreshArea = FreshArea::new();

#[repr(C, align(64))]
struct FreshArea([u64; FXSAVE_WORDS + 8]);

impl FreshArea {
    const fn new() -> Self {
        let mut words = [0; FXSAVE_WORDS + 8];
        words[0] = FpuArea::FRESH_WORD_0;
        words[3] = FpuArea::FRESH_WORD_3;
        Self(words)
    }
}

/// Words of the area that a context needs, a multiple of 8.
pub(crate) fn area_words() -> usize {
    usize::try_from(AREA_WORDS.load(Ordering::Relaxed)).unwrap_or(FXSAVE_WORDS)
}

/// Sets XCR0 and finds out how big an area is. CR4.OSXSAVE is set already.
pub(crate) fn prepare(features: &Features) {
    let Some(xcr0) = features.xsave else {
        return;
    };
    // SAFETY: 1. CPUID has XSAVE and these bits (features.rs), OSXSAVE is set.
    unsafe { instructions::write_xcr0(xcr0) }
    HAS_XSAVE.store(true, Ordering::Relaxed);
    let leaf = XsaveLeaf::from(instructions::cpuid(XsaveLeaf::LEAF, XsaveLeaf::SUBLEAF));
    AREA_WORDS.store(u64::from(leaf.ebx).div_ceil(64) * 8, Ordering::Relaxed);
}

/// Lets FPU instructions work, or makes them fault.
pub(crate) fn allow(on: bool) {
    if on {
        // SAFETY: 1. Clears CR0.TS only.
        unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) }
    } else {
        // SAFETY: 1. Sets CR0.TS only: MP, the one other bit of the low four that may be set, keeps its value, PE cannot be cleared so.
        unsafe {
            asm!("smsw {r:x}", "or {r:e}, 8", "lmsw {r:x}", r = out(reg) _, options(nomem, nostack));
        }
    }
}

/// Saves the registers into `area`. CR0.TS is clear.
pub(crate) fn save(area: &mut FpuArea) {
    let area = area.as_mut_ptr();
    if HAS_XSAVE.load(Ordering::Relaxed) {
        // SAFETY: 1. The area has the size that CPUID says for XCR0 and is 64-byte aligned (Boot::carve_contexts).
        unsafe {
            asm!("xsave64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack, preserves_flags));
        }
    } else {
        // SAFETY: 1. The area has at least 512 bytes and is 16-byte aligned.
        unsafe { asm!("fxsave64 [{}]", in(reg) area, options(nostack, preserves_flags)) }
    }
}

/// Loads the registers from `area`, or fresh ones. CR0.TS is clear.
pub(crate) fn load(area: Option<&FpuArea>) {
    let area = area.map_or(FRESH.0.as_ptr(), FpuArea::as_ptr);
    if HAS_XSAVE.load(Ordering::Relaxed) {
        // SAFETY: 1. Ring 3 cannot write areas: they hold what XSAVE wrote or the fresh state, both of which XRSTOR accepts.
        // 2. Of the fresh area only the first 576 bytes are read, since its header names no component. 3. Ring 0 has no FPU values of its own.
        unsafe {
            asm!("xrstor64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(readonly, nostack, preserves_flags));
        }
    } else {
        // SAFETY: 1. As above, for FXSAVE's 512 bytes.
        unsafe { asm!("fxrstor64 [{}]", in(reg) area, options(readonly, nostack, preserves_flags)) }
    }
}
