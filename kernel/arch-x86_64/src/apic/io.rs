//! The I/O APICs. Their registers are reached through a window: select by number, then read or write.
//!
//! UNSAFETY: device registers by address.

#![expect(unsafe_code, reason = "device registers")]

use x86_regs::apic::{IoApicVersion, RedirectionHigh, RedirectionLow};

use crate::boot::acpi::{IoApicFound, MAX_IO_APICS};
use crate::irq::{LineFlags, NoSuchLine};
use crate::mm::layout::{DEVICE_BASE, PAGE, to_usize};
use crate::sync::Lock;
use crate::trap::vector::Vector;

/// Where the first I/O APIC of a PC is when no table says. "82093AA IOAPIC", "Memory Mapped Registers".
pub(crate) const USUAL: IoApicFound = IoApicFound {
    address: 0xfec0_0000,
    first_line: 0,
};
/// Number of the device page of the first I/O APIC; the others follow.
pub(crate) const FIRST_PAGE: usize = 1;

/// Offset of the register that selects, and of the one that shows what is selected.
const SELECT: usize = 0x00;
const WINDOW: usize = 0x10;

static IO_APICS: Lock<heapless::Vec<IoApic, MAX_IO_APICS>> = Lock::new(heapless::Vec::new());

#[derive(Debug)]
struct IoApic {
    page: usize,
    first_line: u32,
    inputs: u32,
}

/// Takes over the I/O APICs whose pages are mapped as [`FIRST_PAGE`] and following, with every input masked.
/// Says whether there is any.
pub(crate) fn prepare(found: &[IoApicFound]) -> bool {
    let mut io_apics = IO_APICS.lock();
    for (i, io_apic) in found.iter().enumerate() {
        let mut io_apic = IoApic {
            page: FIRST_PAGE + i,
            first_line: io_apic.first_line,
            inputs: 0,
        };
        let version = io_apic.read(IoApicVersion::REGISTER);
        // Nothing answers: the bus floats high.
        if version == u32::MAX {
            continue;
        }
        io_apic.inputs = u32::from(IoApicVersion::from_bits(version).last_input()) + 1;
        for input in 0..io_apic.inputs {
            let input = u8::try_from(input).unwrap_or(u8::MAX);
            io_apic.write(
                RedirectionLow::register(input),
                RedirectionLow::new().with_masked(true).into(),
            );
        }
        // `found` has no more than fit.
        let _ = io_apics.push(io_apic);
    }
    !io_apics.is_empty()
}

/// Routes `line` to the APIC with identity `destination`, masked.
pub(crate) fn configure(line: u32, flags: LineFlags, destination: u8) -> Result<(), NoSuchLine> {
    let vector = Vector::of_line(line).ok_or(NoSuchLine)?;
    with_input(line, |io_apic, input| {
        let high = RedirectionHigh::new().with_destination(destination);
        let low = RedirectionLow::new()
            .with_vector(vector.0)
            .with_level(flags.level)
            .with_active_low(flags.active_low)
            .with_masked(true);
        io_apic.write(RedirectionHigh::register(input), high.into());
        io_apic.write(RedirectionLow::register(input), low.into());
    })
    .ok_or(NoSuchLine)
}

/// Masks or unmasks `line`, if it was configured.
pub(crate) fn set_masked(line: u32, masked: bool) {
    with_input(line, |io_apic, input| {
        let number = RedirectionLow::register(input);
        let entry = RedirectionLow::from_bits(io_apic.read(number));
        if entry.vector() != 0 {
            io_apic.write(number, entry.with_masked(masked).into());
        }
    });
}

fn with_input(line: u32, act: impl FnOnce(&mut IoApic, u8)) -> Option<()> {
    let mut io_apics = IO_APICS.lock();
    io_apics
        .iter_mut()
        .find_map(|io_apic| {
            let input = line.checked_sub(io_apic.first_line)?;
            let input = u8::try_from(input)
                .ok()
                .filter(|_| input < io_apic.inputs)?;
            Some((io_apic, input))
        })
        .map(|(io_apic, input)| act(io_apic, input))
}

impl IoApic {
    fn read(&mut self, number: u32) -> u32 {
        self.select(number);
        // SAFETY: 1. The page is mapped as device memory and the window lies in it, aligned; reading what is selected here has no effect.
        unsafe { core::ptr::read_volatile(self.register(WINDOW)) }
    }

    fn write(&mut self, number: u32, value: u32) {
        self.select(number);
        // SAFETY: 1. As above; redirection entries lead to vectors that have gates.
        unsafe { core::ptr::write_volatile(self.register(WINDOW), value) }
    }

    fn select(&mut self, number: u32) {
        // SAFETY: 1. As above; selecting changes nothing but the window.
        unsafe { core::ptr::write_volatile(self.register(SELECT), number) }
    }

    fn register(&self, offset: usize) -> *mut u32 {
        core::ptr::with_exposed_provenance_mut(
            to_usize(DEVICE_BASE + self.page as u64 * PAGE) + offset,
        )
    }
}
