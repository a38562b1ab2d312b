//! Who uses which of the 256 vectors. SDM vol. 3A, "Exception and Interrupt Vectors".

/// A vector of the interrupt descriptor table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Vector(pub(crate) u8);

impl Vector {
    pub(crate) const DEBUG: Self = Self(1);
    pub(crate) const NMI: Self = Self(2);
    pub(crate) const BREAKPOINT: Self = Self(3);
    pub(crate) const OVERFLOW: Self = Self(4);
    pub(crate) const DOUBLE_FAULT: Self = Self(8);
    pub(crate) const PAGE_FAULT: Self = Self(14);
    pub(crate) const MACHINE_CHECK: Self = Self(18);
    /// First vector that is not an exception.
    pub(crate) const FIRST_INTERRUPT: Self = Self(32);
    /// Line 0 of the I/O APICs; line n has the n-th vector after it. The 8259s are moved below it.
    const FIRST_LINE: Self = Self(48);
    /// The local timer.
    pub(crate) const TIMER: Self = Self(0xe0);
    /// This CPU's own samples have reached the watermark.
    pub(crate) const SAMPLES: Self = Self(0xe8);
    /// A guest's counters, in an even epoch and in an odd one.
    pub(crate) const GUEST_PMI: [Self; 2] = [Self(0xf4), Self(0xf5)];
    /// The local APIC's spurious interrupt, which wants no EOI.
    pub(crate) const SPURIOUS: Self = Self(0xff);

    /// Lines that have a vector.
    pub(crate) const LINES: u32 = (Self::TIMER.0 - Self::FIRST_LINE.0) as u32;

    /// The vector of a line, `None` from [`Self::LINES`] on.
    pub(crate) fn of_line(line: u32) -> Option<Self> {
        let offset = u8::try_from(line).ok().filter(|_| line < Self::LINES)?;
        Some(Self(Self::FIRST_LINE.0 + offset))
    }

    /// The line of this vector, if it is a line's.
    pub(crate) fn line(self) -> Option<u32> {
        let is_line = (Self::FIRST_LINE..Self::TIMER).contains(&self);
        is_line.then(|| u32::from(self.0 - Self::FIRST_LINE.0))
    }

    /// The exception's name, for people.
    pub(crate) fn name(self) -> &'static str {
        const NAMES: [&str; 32] = [
            "#DE divide error",
            "#DB debug",
            "NMI",
            "#BP breakpoint",
            "#OF overflow",
            "#BR bound range",
            "#UD invalid opcode",
            "#NM no FPU",
            "#DF double fault",
            "coprocessor overrun",
            "#TS invalid TSS",
            "#NP segment not present",
            "#SS stack segment",
            "#GP general protection",
            "#PF page fault",
            "15",
            "#MF x87 error",
            "#AC alignment",
            "#MC machine check",
            "#XM SIMD error",
            "#VE virtualization",
            "#CP control protection",
            "22",
            "23",
            "24",
            "25",
            "26",
            "27",
            "#HV hypervisor",
            "#VC VMM communication",
            "#SX security",
            "31",
        ];
        NAMES
            .get(usize::from(self.0))
            .copied()
            .unwrap_or("interrupt")
    }
}

#[cfg(test)]
mod tests {
    use super::Vector;

    #[test]
    fn every_line_has_a_vector_of_its_own_and_gets_its_number_back() {
        for line in 0..Vector::LINES {
            let vector = Vector::of_line(line).unwrap();
            assert!(vector > Vector::FIRST_INTERRUPT && vector < Vector::TIMER);
            assert_eq!(vector.line(), Some(line));
        }
        assert_eq!(Vector::of_line(Vector::LINES), None);
        assert_eq!(Vector::TIMER.line(), None);
        assert_eq!(Vector::PAGE_FAULT.line(), None);
    }
}
