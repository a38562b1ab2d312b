//! Which RDMSR and WRMSR of a guest do not exit.
//!
//! Registers that the entry loads and the exit puts back (`state`, `msrs`) are the guest's own. Counters are while its
//! context is resident. Everything else exits: nothing is open because somebody forgot it.

use x86_regs::msr::{MsrAddr, MsrBank, MsrReg};
use x86_regs::pmu::{
    FixedCounter, FullWidthCounter, GlobalStatus, GlobalStatusReset, LegacyCounter, PerfGlobalCtrl,
};
use x86_regs::system::{
    Cstar, Efer, FsBase, GsBase, KernelGsBase, Lstar, PageAttributes, Sfmask, Star, SysenterCs,
    SysenterEip, SysenterEsp, TimeStampCounter, TscAux,
};
use x86_regs::vmx::{BitmapBit, MSR_BITMAP_BYTES};

use crate::vcpu::Access;

/// Words of a bitmap.
const WORDS: usize = MSR_BITMAP_BYTES / 8;

/// A bitmap for `access`; `None` while no counter is the guest's.
pub(super) fn bitmap(access: Option<Access>, has_tsc_aux: bool) -> [u64; WORDS] {
    let mut map = Bitmap([u64::MAX; WORDS]);
    for address in [
        Efer::ADDR,
        Star::ADDR,
        Lstar::ADDR,
        Cstar::ADDR,
        Sfmask::ADDR,
        FsBase::ADDR,
        GsBase::ADDR,
        KernelGsBase::ADDR,
        SysenterCs::ADDR,
        SysenterEsp::ADDR,
        SysenterEip::ADDR,
        PageAttributes::ADDR,
    ] {
        map.open(address);
    }
    if has_tsc_aux {
        map.open(TscAux::ADDR);
    }
    map.open_reading(TimeStampCounter::ADDR);
    if let Some(access) = access {
        map.open_counters(access);
    }
    map.0
}

struct Bitmap([u64; WORDS]);

impl Bitmap {
    fn open_counters(&mut self, access: Access) {
        let bits = access.counters.bits();
        let gp = (0..8).filter(|i| bits >> i & 1 == 1);
        for index in gp {
            LegacyCounter::addr(index)
                .into_iter()
                .for_each(|at| self.open(at));
            FullWidthCounter::addr(index)
                .filter(|_| access.full_width)
                .into_iter()
                .for_each(|at| self.open(at));
        }
        for index in (0..4).filter(|i| bits >> (32 + i) & 1 == 1) {
            FixedCounter::addr(index)
                .into_iter()
                .for_each(|at| self.open(at));
        }
        if access.global {
            self.open(PerfGlobalCtrl::ADDR);
            self.open_reading(GlobalStatus::ADDR);
            self.open(GlobalStatusReset::ADDR);
        }
    }

    fn open(&mut self, address: MsrAddr) {
        self.open_reading(address);
        if let Some(bit) = BitmapBit::of(address) {
            self.clear(bit.byte + BitmapBit::WRITES, bit.mask);
        }
    }

    fn open_reading(&mut self, address: MsrAddr) {
        if let Some(bit) = BitmapBit::of(address) {
            self.clear(bit.byte, bit.mask);
        }
    }

    fn clear(&mut self, byte: usize, mask: u8) {
        if let Some(word) = self.0.get_mut(byte / 8) {
            *word &= !(u64::from(mask) << (byte % 8 * 8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WORDS, bitmap};
    use crate::vcpu::Access;
    use pmu_drv::CounterSet;

    /// (reads, writes) that do not exit, by number.
    fn open(map: &[u64; WORDS]) -> (Vec<u32>, Vec<u32>) {
        let half = |first: u32| {
            let bits = (0..2048 * 8).filter(move |n| {
                let bit = first * 8 + n;
                map[(bit / 64) as usize] >> (bit % 64) & 1 == 0
            });
            bits.map(|n| {
                if n < 0x2000 {
                    n
                } else {
                    n - 0x2000 + 0xc000_0000
                }
            })
            .collect()
        };
        (half(0), half(2048))
    }

    const OWN: [u32; 12] = [
        0x174,
        0x175,
        0x176,
        0x277,
        0xc000_0080,
        0xc000_0081,
        0xc000_0082,
        0xc000_0083,
        0xc000_0084,
        0xc000_0100,
        0xc000_0101,
        0xc000_0102,
    ];

    #[test]
    fn a_guest_without_counters_reaches_what_the_switch_puts_back_and_the_time() {
        let (reads, writes) = open(&bitmap(None, false));
        assert_eq!(writes, OWN);
        assert_eq!(reads[0], 0x10);
        assert_eq!(reads[1..], OWN);
        let (_, writes) = open(&bitmap(None, true));
        assert_eq!(writes.last(), Some(&0xc000_0103));
    }

    #[test]
    fn open_counters_are_reached_under_every_allowed_name_and_selectors_never() {
        let access = Access {
            counters: CounterSet::from_bits(0x4_0000_0002),
            full_width: false,
            global: false,
            rdpmc: true,
        };
        let more = |access| {
            let (reads, writes) = open(&bitmap(Some(access), false));
            let extra = |all: Vec<u32>| -> Vec<u32> {
                all.into_iter()
                    .filter(|n| !OWN.contains(n) && *n != 0x10)
                    .collect()
            };
            (extra(reads), extra(writes))
        };
        assert_eq!(more(access), (vec![0xc2, 0x30b], vec![0xc2, 0x30b]));
        let all = Access {
            full_width: true,
            global: true,
            ..access
        };
        assert_eq!(
            more(all),
            (
                vec![0xc2, 0x30b, 0x38e, 0x38f, 0x390, 0x4c2],
                vec![0xc2, 0x30b, 0x38f, 0x390, 0x4c2]
            )
        );
    }
}
