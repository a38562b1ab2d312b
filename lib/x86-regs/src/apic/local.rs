//! Registers of the local APIC. SDM vol. 3A, "Advanced Programmable Interrupt Controller (APIC)".

use bitfield_struct::bitfield;

use super::{ApicReg, ApicRegister};
use crate::msr::{MsrAddr, MsrReg, plain_registers};

/// IA32_APIC_BASE: where the local APIC is and in which mode. SDM vol. 3A, "Local APIC Status and Location".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct ApicBase {
    __: u8,
    /// BSP: this CPU was started first.
    pub bootstrap: bool,
    __: bool,
    /// EXTD: x2APIC mode.
    pub x2apic: bool,
    /// EN: the APIC works.
    pub enable: bool,
    /// Number of the page it answers on in xAPIC mode.
    #[bits(40)]
    pub page: u64,
    #[bits(12)]
    __: u16,
}

impl MsrReg for ApicBase {
    const ADDR: MsrAddr = MsrAddr(0x1b);
    const NAME: &'static str = "IA32_APIC_BASE";
}

plain_registers! {
    /// IA32_TSC_DEADLINE: the TSC value at which the timer fires; 0 disarms. SDM vol. 3A, "TSC-Deadline Mode".
    TscDeadline: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x6e0);
        const NAME: &'static str = "IA32_TSC_DEADLINE";
    }
}

/// How a local interrupt is delivered: one layout for all entries of the local vector table.
/// SDM vol. 3A, "Local Vector Table".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct LvtEntry {
    /// Vector, 16 to 255.
    pub vector: u8,
    /// [`Self::FIXED`], [`Self::NMI`] or another delivery mode.
    #[bits(3)]
    pub delivery: u8,
    __: bool,
    /// Delivery is pending. Read only.
    pub pending: bool,
    /// LINT pins: active low.
    pub active_low: bool,
    /// LINT pins: level interrupt accepted, no EOI yet. Read only.
    pub remote_irr: bool,
    /// LINT pins: level triggered.
    pub level: bool,
    /// Nothing is delivered.
    pub masked: bool,
    /// Timer: 0 one shot, 1 periodic, 2 TSC deadline.
    #[bits(2)]
    pub timer_mode: u8,
    #[bits(13)]
    __: u16,
}

impl LvtEntry {
    /// Delivery as an interrupt with the entry's vector.
    pub const FIXED: u8 = 0;
    /// Delivery as NMI; the vector is ignored.
    pub const NMI: u8 = 4;
    /// Timer mode: count down once.
    pub const ONE_SHOT: u8 = 0;
    /// Timer mode: count down again and again.
    pub const PERIODIC: u8 = 1;
    /// Timer mode: fire when the TSC reaches [`TscDeadline`].
    pub const TSC_DEADLINE: u8 = 2;
}

/// SVR: spurious interrupts and the software switch of the APIC. SDM vol. 3A, "Spurious Interrupt".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct SpuriousVector {
    /// Vector of a spurious interrupt.
    pub vector: u8,
    /// The APIC works.
    pub enable: bool,
    #[bits(23)]
    __: u32,
}

impl ApicReg for SpuriousVector {
    const REGISTER: ApicRegister = ApicRegister(0x0f);
    const NAME: &'static str = "SVR";
}

/// Version register. SDM vol. 3A, "Local APIC Version Register".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ApicVersion {
    /// Version of the APIC.
    pub version: u8,
    __: u8,
    /// Entries of the local vector table, minus 1.
    pub last_lvt: u8,
    __: u8,
}

impl ApicReg for ApicVersion {
    const REGISTER: ApicRegister = ApicRegister(0x03);
    const NAME: &'static str = "version";
}

/// Timer clock divider. SDM vol. 3A, "APIC Timer".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct DivideConfiguration {
    /// Low two bits of the divider's code.
    #[bits(2)]
    pub low: u8,
    __: bool,
    /// High bit of the divider's code.
    pub high: bool,
    #[bits(28)]
    __: u32,
}

impl DivideConfiguration {
    /// Count every clock of the timer.
    pub const BY_1: Self = Self::new().with_low(3).with_high(true);

    /// How many clocks of the timer make one count: 1, 2, 4 … 128.
    #[must_use]
    pub const fn divisor(self) -> u32 {
        match (self.high(), self.low()) {
            (true, 3) => 1,
            (false, low) => 2 << low,
            (true, low) => 32 << low,
        }
    }
}

impl ApicReg for DivideConfiguration {
    const REGISTER: ApicRegister = ApicRegister(0x3e);
    const NAME: &'static str = "divide configuration";
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name(pub u32);
        impl From<u32> for $name {
            fn from(bits: u32) -> Self {
                Self(bits)
            }
        }
        impl From<$name> for u32 {
            fn from(register: $name) -> u32 {
                register.0
            }
        }
        impl ApicReg for $name {
            const REGISTER: ApicRegister = ApicRegister($number);
            const NAME: &'static str = $text;
        }
    )+};
}

numbers! {
    /// The APIC's identity: bits 31:24 in xAPIC mode, all 32 in x2APIC mode.
    ApicId = 0x02 "ID";
    /// TPR: interrupts of this class (bits 7:4) and below wait.
    TaskPriority = 0x08 "TPR";
    /// PPR: the class below which interrupts wait, from TPR and the interrupt being served. Read only.
    ProcessorPriority = 0x0a "PPR";
    /// EOI: writing 0 ends the interrupt being served.
    EndOfInterrupt = 0x0b "EOI";
    /// LDR: the logical identity. In x2APIC mode made from [`ApicId`] and read only.
    LogicalDestination = 0x0d "LDR";
    /// x2APIC mode: sends the vector written to this CPU. Write only.
    SelfIpi = 0x3f "self IPI";
    /// Start value of the timer; writing it starts the count.
    InitialCount = 0x38 "initial count";
    /// What is left of the count. Read only.
    CurrentCount = 0x39 "current count";
}

/// ESR: what went wrong; a write of 0 latches it. SDM vol. 3A, "Error Handling".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ErrorStatus {
    #[bits(5)]
    __: u8,
    /// This APIC was told to send a vector below 16.
    pub send_illegal_vector: bool,
    /// This APIC received a vector below 16, its own local vector table included.
    pub receive_illegal_vector: bool,
    #[bits(25)]
    __: u32,
}

impl ApicReg for ErrorStatus {
    const REGISTER: ApicRegister = ApicRegister(0x28);
    const NAME: &'static str = "ESR";
}

/// ICR in x2APIC mode, one register of 64 bits. SDM vol. 3A, "ICR Operation in x2APIC Mode".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct InterruptCommand {
    /// Vector.
    pub vector: u8,
    /// [`LvtEntry::FIXED`], [`Self::LOWEST_PRIORITY`], [`LvtEntry::NMI`], or a mode that starts other CPUs.
    #[bits(3)]
    pub delivery: u8,
    /// The destination is a logical identity.
    pub logical: bool,
    #[bits(2)]
    __: u8,
    /// Level: asserted.
    pub asserted: bool,
    /// Level triggered.
    pub level: bool,
    #[bits(2)]
    __: u8,
    /// Instead of a destination: [`Self::TO_SELF`], [`Self::TO_ALL`], [`Self::TO_OTHERS`]; 0: none.
    #[bits(2)]
    pub shorthand: u8,
    #[bits(12)]
    __: u16,
    /// Destination.
    pub destination: u32,
}

impl InterruptCommand {
    /// Which register.
    pub const REGISTER: ApicRegister = ApicRegister(0x30);
    /// Delivery to the least urgent of the destinations.
    pub const LOWEST_PRIORITY: u8 = 1;
    /// To this CPU.
    pub const TO_SELF: u8 = 1;
    /// To every CPU.
    pub const TO_ALL: u8 = 2;
    /// To every other CPU.
    pub const TO_OTHERS: u8 = 3;
    /// The destination that means every CPU.
    pub const EVERYBODY: u32 = u32::MAX;
}

/// Rows of eight registers with one bit for each vector. SDM vol. 3A, "Interrupt Acceptance for Fixed Interrupts".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VectorRow(pub ApicRegister);

impl VectorRow {
    /// ISR: vectors being served.
    pub const IN_SERVICE: Self = Self(ApicRegister(0x10));
    /// TMR: vectors that came as levels.
    pub const TRIGGER_MODE: Self = Self(ApicRegister(0x18));
    /// IRR: vectors that wait.
    pub const REQUESTED: Self = Self(ApicRegister(0x20));

    /// Which of the row's registers `register` is; register `i` has vectors `32 i` to `32 i + 31`.
    #[must_use]
    pub const fn index(self, register: ApicRegister) -> Option<u8> {
        match register.0.checked_sub(self.0.0) {
            Some(index) if index < 8 => Some(index),
            _ => None,
        }
    }
}

macro_rules! lvt_entries {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name(pub LvtEntry);
        impl From<u32> for $name {
            fn from(bits: u32) -> Self {
                Self(bits.into())
            }
        }
        impl From<$name> for u32 {
            fn from(register: $name) -> u32 {
                register.0.into()
            }
        }
        impl ApicReg for $name {
            const REGISTER: ApicRegister = ApicRegister($number);
            const NAME: &'static str = $text;
        }
    )+};
}

lvt_entries! {
    /// The timer.
    LvtTimer = 0x32 "LVT timer";
    /// The thermal sensor. Exists when [`ApicVersion::last_lvt`] is at least 5.
    LvtThermal = 0x33 "LVT thermal sensor";
    /// Overflow of a performance counter (PMI). Exists when [`ApicVersion::last_lvt`] is at least 4.
    LvtPmc = 0x34 "LVT performance monitoring counters";
    /// Pin LINT0, to which the 8259 is wired.
    LvtLint0 = 0x35 "LVT LINT0";
    /// Pin LINT1, to which NMI is wired.
    LvtLint1 = 0x36 "LVT LINT1";
    /// The APIC's own errors.
    LvtError = 0x37 "LVT error";
}

const _: () = assert!(LvtPmc::REGISTER.offset() == 0x340 && LvtPmc::REGISTER.msr().0 == 0x834);
const _: () = assert!(LvtEntry::new().with_masked(true).into_bits() == 1 << 16);
const _: () = assert!(
    LvtEntry::new()
        .with_timer_mode(LvtEntry::TSC_DEADLINE)
        .into_bits()
        == 2 << 17
);
const _: () = assert!(
    ErrorStatus::new()
        .with_receive_illegal_vector(true)
        .into_bits()
        == 1 << 6
);
const _: () = assert!(InterruptCommand::new().with_shorthand(1).into_bits() == 1 << 18);
const _: () = assert!(DivideConfiguration::BY_1.into_bits() == 0b1011);
const _: () = assert!(ApicBase::new().with_enable(true).into_bits() == 1 << 11);
