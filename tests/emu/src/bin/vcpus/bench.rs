//! A vCPU with a little memory, and what a VMM does with it.

use core::mem::offset_of;

use arch_x86_64::CpuId;
use arch_x86_64::boot::{Boot, OutOfMemory};
use arch_x86_64::context::Context;
use arch_x86_64::cpu::switch_to;
use arch_x86_64::mm::{AddressSpace, Frame, PageRef};
use arch_x86_64::vcpu::{Counters, GuestRights, GuestSpace, RawExit, Vcpu};
use sel4_sys::vcpu::{Changed, VcpuState};
use x86_regs::pmu::PerfGlobalCtrl;

pub(crate) const CPU: CpuId = CpuId::BOOT;
/// Where the guest's code is.
pub(crate) const CODE: u64 = 0x1000;
/// Where its data is.
pub(crate) const DATA: u64 = 0x2000;

/// Nobody counts.
pub(crate) const QUIET: Counters = Counters::Host {
    inside: PerfGlobalCtrl::new(),
    outside: PerfGlobalCtrl::new(),
};

macro_rules! word {
    ($field:ident) => {
        core::mem::offset_of!(sel4_sys::vcpu::VcpuState, $field) / 8
    };
}
pub(crate) use word;

/// General registers by their number in instructions.
pub(crate) const RAX: usize = 0;
pub(crate) const RCX: usize = 1;
pub(crate) const RBX: usize = 3;

pub(crate) struct Bench {
    pub(crate) vcpu: &'static mut Vcpu,
    pub(crate) thread: &'static mut Context,
    pub(crate) space: GuestSpace,
    pub(crate) page: PageRef,
    pub(crate) code: Frame,
    pub(crate) data: Frame,
    pub(crate) samples: Frame,
    /// Instructions between an overflow and its interrupt, as the machine was told.
    pub(crate) delay: u64,
    _own: AddressSpace,
}

const ALL: GuestRights = GuestRights {
    write: true,
    execute: true,
};

impl Bench {
    pub(crate) fn new(boot: &mut Boot) -> Result<Self, OutOfMemory> {
        let [vcpu] = boot.carve_vcpus(1)? else {
            return Err(OutOfMemory);
        };
        let [thread] = boot.carve_contexts(1)? else {
            return Err(OutOfMemory);
        };
        let own = boot.address_space()?;
        thread.set_fpu(true);
        thread.set_space(&own);
        switch_to(CPU, thread);
        let mut space = boot.guest_space()?;
        boot.add_guest_tables(&mut space, 3)?;
        let page = boot.frame(1, &[])?.page(0).ok_or(OutOfMemory)?;
        let (code, data) = (boot.frame(1, &[])?, boot.frame(1, &[])?);
        for (address, frame) in [(CODE, &code), (DATA, &data)] {
            space.map(address, frame, 0, ALL).map_err(|_| OutOfMemory)?;
        }
        Ok(Self {
            vcpu,
            thread,
            space,
            page,
            code,
            data,
            samples: boot.frame(1, &[])?,
            delay: delay(boot.image()),
            _own: own,
        })
    }

    /// A new guest that begins at the start of `code` in flat 32-bit mode, without paging.
    pub(crate) fn begin(&mut self, code: &[u8]) {
        self.vcpu.reset();
        self.code.reset(0, 1, code);
        self.data.reset(0, 1, &[]);
        (0..512).for_each(|i| self.page.set_word(i, 0));
        self.set(word!(rip), CODE);
        self.set(word!(rflags), 2);
        self.set(word!(cr0), 0x11);
        let first = word!(segments);
        // es cs ss ds fs gs ldtr tr: flat data, flat code, unusable, a busy task state.
        let access = [
            0xc093_u64, 0xc09b, 0xc093, 0xc093, 0xc093, 0xc093, 0x1_0000, 0x8b,
        ];
        for (i, access) in access.into_iter().enumerate() {
            let limit = if i < 6 { 0xffff_ffff } else { 0xffff };
            self.set(first + i * 3 + 1, access << 32 | limit);
            self.set(first + i * 3 + 2, if i == 1 { 8 } else { 16 });
        }
        self.set(first + 6 * 3 + 2, 0);
        self.vcpu.take_changes(self.page);
    }

    /// Enters until an exit that is not the kernel's own business.
    pub(crate) fn enter(&mut self, counters: Counters) -> RawExit {
        let exit = self
            .vcpu
            .enter(CPU, self.thread, &self.space, self.page, counters);
        self.vcpu.describe_exit(self.page);
        exit
    }

    /// Goes on behind the instruction that exited.
    pub(crate) fn skip(&mut self) {
        let next = self.get(word!(rip)) + self.get(word!(instruction_length));
        self.set(word!(rip), next);
        self.vcpu.take_changes(self.page);
    }

    pub(crate) fn get(&self, index: usize) -> u64 {
        self.page.word(index)
    }

    pub(crate) fn set(&self, index: usize, value: u64) {
        self.page.set_word(index, value);
    }

    /// The 32-bit word at `offset` of the guest's data.
    pub(crate) fn datum(&self, offset: usize) -> u64 {
        let word = self.data.page(0).map_or(0, |page| page.word(offset / 8));
        word >> (offset % 8 * 8) & 0xffff_ffff
    }
}

/// The number behind `pmi_delay=` in the words of the machine's description; 0 without.
fn delay(image: &[u8]) -> u64 {
    let words = core::str::from_utf8(image).unwrap_or("");
    let number = words
        .split_whitespace()
        .find_map(|word| word.strip_prefix("pmi_delay="));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

const _: () = assert!(offset_of!(VcpuState, registers) == 0 && Changed::CONTROL == 1);
