//! The page that the kernel and this VMM share about the virtual CPU.

use core::mem::offset_of;
use core::ops::Range;

use sel4::{CapRights, Result, Window};
use sel4_sys::vcpu::{Changed, VcpuState};
use zerocopy::IntoBytes as _;

/// Bytes of the segments and descriptor tables, which most exits neither show nor change.
const SEGMENTS: Range<usize> = offset_of!(VcpuState, segments)..offset_of!(VcpuState, exit_reason);

/// The mapped page.
#[derive(Debug)]
pub(crate) struct Page {
    window: Window,
    /// The kernel has had all words once.
    is_told: bool,
}

impl Page {
    pub(crate) fn open() -> Result<Self> {
        let space = sel4::Cap::from_bits(sel4::init_slot::ADDRESS_SPACE);
        let rights = CapRights::READ.union(CapRights::WRITE);
        let window = Window::open(crate::caps::registers, space, rights)?;
        Ok(Self {
            window,
            is_told: false,
        })
    }

    /// Takes over what the kernel left there.
    pub(crate) fn load(&self, state: &mut VcpuState) {
        self.load_part(state, 0..SEGMENTS.start);
        self.load_part(state, SEGMENTS.end..size_of::<VcpuState>());
        if state.shown & Changed::SEGMENTS != 0 {
            self.load_part(state, SEGMENTS);
        }
    }

    /// What the kernel is to do next.
    pub(crate) fn store(&mut self, state: &VcpuState) {
        let is_first = !core::mem::replace(&mut self.is_told, true);
        self.store_part(state, 0..SEGMENTS.start);
        self.store_part(state, SEGMENTS.end..size_of::<VcpuState>());
        if is_first || state.changed & Changed::SEGMENTS != 0 {
            self.store_part(state, SEGMENTS);
        }
    }

    fn load_part(&self, state: &mut VcpuState, bytes: Range<usize>) {
        let offset = bytes.start as u64;
        if let Some(part) = state.as_mut_bytes().get_mut(bytes) {
            // The frame has a page, and the state fits into one; likewise below.
            let _ = self.window.read(offset, part);
        }
    }

    fn store_part(&self, state: &VcpuState, bytes: Range<usize>) {
        let offset = bytes.start as u64;
        if let Some(part) = state.as_bytes().get(bytes) {
            let _ = self.window.write(offset, part);
        }
    }
}
