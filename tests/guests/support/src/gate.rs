//! The interrupt table.

use core::arch::asm;

const EXCEPTIONS: u8 = 32;
/// Bytes from one of `fault_gates` to the next.
const GATE_STEP: u64 = 16;
/// A gate's high half of the first word, but for the address: present, ring 0, interrupt gate, code segment 8.
const INTERRUPT_GATE: u64 = 0x8e00 << 32 | 0x08 << 16;

type Gates = [[u64; 2]; 256];

/// The last byte of the table.
const LIMIT: u16 = 0xfff;
const _: () = assert!(size_of::<Gates>() == LIMIT as usize + 1);

static mut GATES: Gates = [[0; 2]; 256];

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Leads exceptions to a report, and loads the table.
pub(crate) fn set_up() {
    unsafe extern "C" {
        static fault_gates: u8;
    }
    let first = (&raw const fault_gates).addr() as u64;
    for vector in 0..EXCEPTIONS {
        write(vector, first + GATE_STEP * u64::from(vector));
    }
    let pointer = Pointer {
        limit: LIMIT,
        base: (&raw const GATES).addr() as u64,
    };
    // SAFETY: 1. the table is static. 2. each exception's gate leads to code.
    unsafe { asm!("lidt [{}]", in(reg) &raw const pointer, options(readonly, nostack)) };
}

/// Leads `vector` to `code`, which ends with IRETQ and changes no register.
pub fn set(vector: u8, code: unsafe extern "C" fn()) {
    write(vector, code as usize as u64);
}

fn write(vector: u8, at: u64) {
    let low = at & 0xffff | INTERRUPT_GATE | (at >> 16 & 0xffff) << 48;
    let gates = &raw mut GATES;
    // SAFETY: 1. there is one CPU, and no interrupt handler uses the table from Rust. 2. no other reference to it exists: it ends here.
    let gates = unsafe { &mut *gates };
    if let Some(gate) = gates.get_mut(usize::from(vector)) {
        *gate = [low, at >> 32];
    }
}
