//! What a capability allows.

bitflags::bitflags! {
    /// Rights of a capability. A copy never has more than its source.
    ///
    /// For a frame, `READ` and `WRITE` bound how it may be mapped. Bits as seL4's `seL4_CapRights_t`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct CapRights: u8 {
        /// Send, signal, write.
        const WRITE = 1 << 0;
        /// Receive, wait, read.
        const READ = 1 << 1;
        /// Send capabilities with a message.
        const GRANT = 1 << 2;
        /// Be answered: `Call` needs this or `GRANT`.
        const GRANT_REPLY = 1 << 3;
    }
}
