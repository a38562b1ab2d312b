//! How an image ends by itself: a byte to the debug-exit port.

/// The I/O port of the emulator's exit device (QEMU `isa-debug-exit`, one byte wide).
pub const DEBUG_EXIT_PORT: u16 = 0xf4;

/// The I/O port that text and records are written to (QEMU `isa-debugcon`).
pub const DEBUG_CONSOLE_PORT: u16 = 0xe9;

/// What an image says about its run when it ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything that was to be shown was shown.
    Passed,
    /// Something was wrong; records or text said what.
    Failed,
    /// The kernel panicked.
    Panicked,
}

impl End {
    /// Every way to end.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Panicked];

    /// The byte to write to [`DEBUG_EXIT_PORT`].
    ///
    /// The values leave 0 and 1 alone: emulators end with those for reasons of their own.
    #[must_use]
    pub const fn port_value(self) -> u8 {
        match self {
            Self::Passed => 0x10,
            Self::Failed => 0x11,
            Self::Panicked => 0x12,
        }
    }

    /// The emulator's process status after that byte: `(value << 1) | 1`.
    ///
    /// Source: QEMU's documentation of `isa-debug-exit`.
    #[must_use]
    pub fn status(self) -> i32 {
        (i32::from(self.port_value()) << 1) | 1
    }

    /// The end that an emulator's process status means, if the image ended by itself.
    #[must_use]
    pub fn from_status(status: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.status() == status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statuses_are_33_35_and_37_and_nothing_else_is_an_end() {
        let ends: Vec<i32> = (-1..256)
            .filter(|&status| End::from_status(status).is_some())
            .collect();
        assert_eq!(ends, [33, 35, 37]);
        assert_eq!(End::from_status(33), Some(End::Passed));
        assert_eq!(End::from_status(37), Some(End::Panicked));
    }
}
