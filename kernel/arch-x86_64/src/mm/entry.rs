//! An entry of a page table, and how an address walks through the tables.

use bitfield_struct::bitfield;

use super::MapRights;

/// An entry of any level. SDM vol. 3A, "4-Level Paging and 5-Level Paging".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub(crate) struct PageEntry {
    /// P.
    pub(crate) present: bool,
    /// R/W.
    pub(crate) write: bool,
    /// U/S.
    pub(crate) user: bool,
    /// PWT: with `uncached`, the strongest kind of uncached memory.
    pub(crate) write_through: bool,
    /// PCD.
    pub(crate) uncached: bool,
    /// A.
    pub(crate) accessed: bool,
    /// D.
    pub(crate) dirty: bool,
    /// PS: maps 2 MiB or 1 GiB instead of naming a table.
    pub(crate) large: bool,
    /// G: survives a change of CR3.
    pub(crate) global: bool,
    #[bits(3)]
    __: u8,
    /// Physical address without its last 12 bits.
    #[bits(40)]
    pub(crate) page: u64,
    #[bits(11)]
    __: u16,
    /// XD.
    pub(crate) no_execute: bool,
}

impl PageEntry {
    /// Names the next table for kernel addresses; rights are the last entry's.
    pub(crate) const KERNEL_TABLE: Self = Self::new().with_present(true).with_write(true);
    /// Names the next table for user addresses.
    pub(crate) const USER_TABLE: Self = Self::KERNEL_TABLE.with_user(true);
    /// Kernel text.
    pub(crate) const TEXT: Self = Self::new().with_present(true).with_global(true);
    /// Kernel constants.
    pub(crate) const CONSTANTS: Self = Self::TEXT.with_no_execute(true);
    /// Kernel data and the direct map.
    pub(crate) const DATA: Self = Self::CONSTANTS.with_write(true);
    /// Registers of a device.
    pub(crate) const DEVICE: Self = Self::DATA.with_uncached(true).with_write_through(true);

    /// A page of ring 3.
    pub(crate) fn user_page(rights: MapRights, is_device: bool) -> Self {
        Self::new()
            .with_present(true)
            .with_user(true)
            .with_write(rights.write)
            .with_no_execute(!rights.execute)
            .with_uncached(is_device)
            .with_write_through(is_device)
    }

    /// This entry for the page or table at `address`.
    pub(crate) const fn at(self, address: u64) -> Self {
        self.with_page(address >> 12)
    }

    /// The address of the page or table that it names.
    pub(crate) const fn address(self) -> u64 {
        self.page() << 12
    }
}

/// A level of the tables, by what one of its entries spans.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// 4 KiB: the last table.
    Page = 0,
    /// 2 MiB.
    Large = 1,
    /// 1 GiB.
    Huge = 2,
    /// 512 GiB: the root.
    Root = 3,
}

impl Level {
    /// Bytes that one entry spans.
    pub(crate) const fn span(self) -> u64 {
        1 << self.shift()
    }

    /// Which entry of a table of this level `address` goes through, below 512.
    pub(crate) const fn index(self, address: u64) -> usize {
        super::layout::to_usize(address >> self.shift()) % super::layout::ENTRIES
    }

    /// The level of the tables that entries of this one name.
    pub(crate) const fn below(self) -> Option<Self> {
        match self {
            Self::Root => Some(Self::Huge),
            Self::Huge => Some(Self::Large),
            Self::Large => Some(Self::Page),
            Self::Page => None,
        }
    }

    /// The largest level whose entries can map the start of `length` bytes from `address` to `physical`.
    pub(crate) fn largest_for(address: u64, physical: u64, length: u64, huge: bool) -> Self {
        let fits = |level: Self| {
            (address | physical).is_multiple_of(level.span()) && length >= level.span()
        };
        match () {
            () if huge && fits(Self::Huge) => Self::Huge,
            () if fits(Self::Large) => Self::Large,
            () => Self::Page,
        }
    }

    const fn shift(self) -> u32 {
        12 + 9 * self as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, MapRights, PageEntry};

    #[test]
    fn an_address_is_taken_apart_nine_bits_a_level() {
        let address = 0xffff_8040_4000_3abc;
        let indices =
            [Level::Root, Level::Huge, Level::Large, Level::Page].map(|l| l.index(address));
        assert_eq!(indices, [256, 257, 0, 3]);
    }

    #[test]
    fn user_pages_are_never_global_and_executable_only_when_asked() {
        // Bits as the manual has them: P 0, R/W 1, U/S 2, PWT 3, PCD 4, XD 63.
        let bits = |write, execute, device| {
            PageEntry::user_page(MapRights { write, execute }, device).into_bits()
        };
        assert_eq!(bits(false, false, false), 1 << 63 | 0b101);
        assert_eq!(bits(true, false, false), 1 << 63 | 0b111);
        assert_eq!(bits(false, true, false), 0b101);
        assert_eq!(bits(true, false, true), 1 << 63 | 0b1_1111);
    }

    #[test]
    fn no_kernel_page_is_both_writable_and_executable() {
        for entry in [
            PageEntry::TEXT,
            PageEntry::CONSTANTS,
            PageEntry::DATA,
            PageEntry::DEVICE,
        ] {
            assert!(!entry.user() && entry.global());
            assert!(!entry.write() || entry.no_execute(), "{entry:?}");
        }
    }

    #[test]
    fn an_entry_keeps_the_address_it_is_given() {
        let entry = PageEntry::DATA.at(0x000f_ffff_ffff_f000);
        assert_eq!(entry.address(), 0x000f_ffff_ffff_f000);
        assert_eq!(entry.with_page(0), PageEntry::DATA);
    }

    #[test]
    fn large_pages_are_used_only_where_both_addresses_and_the_length_allow() {
        let gib = 1 << 30;
        let level = |address, physical, length| Level::largest_for(address, physical, length, true);
        assert_eq!(level(gib, gib, gib), Level::Huge);
        assert_eq!(level(gib, gib, gib - 1), Level::Large);
        assert_eq!(level(gib, gib + 0x1000, gib), Level::Page);
        assert_eq!(level(0x20_0000, 0x40_0000, 0x20_0000), Level::Large);
        assert_eq!(Level::largest_for(gib, gib, gib, false), Level::Large);
    }
}
