//! The page that the kernel and this VMM share about the virtual CPU.

use sel4::{CapRights, Result, Window};
use sel4_sys::vcpu::VcpuState;
use zerocopy::transmute;

/// Words of the page that mean something.
const WORDS: usize = size_of::<VcpuState>() / 8;

/// The mapped page.
#[derive(Debug)]
pub(crate) struct Page(Window);

impl Page {
    pub(crate) fn open() -> Result<Self> {
        let space = sel4::Cap::from_bits(sel4::init_slot::ADDRESS_SPACE);
        let rights = CapRights::READ.union(CapRights::WRITE);
        Window::open(crate::caps::registers, space, rights).map(Self)
    }

    /// What the kernel left there.
    pub(crate) fn load(&self) -> VcpuState {
        let mut words = [0; WORDS];
        for (word, offset) in words.iter_mut().zip((0..).step_by(8)) {
            *word = self.0.word(offset).unwrap_or(0);
        }
        transmute!(words)
    }

    /// What the kernel is to do next.
    pub(crate) fn store(&self, state: &VcpuState) {
        let words: [u64; WORDS] = transmute!(*state);
        for (word, offset) in words.into_iter().zip((0..).step_by(8)) {
            // The frame has a page, and the state fits into one.
            let _ = self.0.set_word(offset, word);
        }
    }
}
