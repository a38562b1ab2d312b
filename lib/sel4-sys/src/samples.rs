//! The ring of samples: what a counter's overflow leaves behind. An extension of seL4.
//!
//! A frame that the kernel's NMI handler writes and pmu-server reads. Words of 64 bits: a header of
//! [`SAMPLE_HEADER_WORDS`], then records of [`SAMPLE_WORDS`], used round and round. Nothing is overwritten before it was read:
//! when the ring is full the sample is lost, and counted.

/// Words of the header.
pub const SAMPLE_HEADER_WORDS: usize = 8;
/// Words of a record: time-stamp counter, instruction pointer, counters (as bits of GLOBAL_CTRL), [`SampleFlags`].
pub const SAMPLE_WORDS: usize = 4;

/// Words of the header by their index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleHeader;
impl SampleHeader {
    /// Records written since the ring was made. Written by the kernel, after the record.
    pub const WRITTEN: usize = 0;
    /// Records read. Written by the reader; the kernel takes it for a claim.
    pub const READ: usize = 1;
    /// Samples for which there was no room.
    pub const LOST: usize = 2;
}

bitflags::bitflags! {
    /// What else is known of a sample.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SampleFlags: u64 {
        /// Ring 3 was interrupted, else the kernel.
        const USER = 1 << 0;
        /// The overflow was found when a guest's counters were loaded: time is that of the find, the instruction pointer 0.
        const LATE = 1 << 1;
    }
}
