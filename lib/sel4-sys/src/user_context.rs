//! The registers of a thread in ring 3.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What `ThreadOp::READ_REGISTERS` returns and `WRITE_REGISTERS` takes, in this order. As seL4's `seL4_UserContext`.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
#[expect(missing_docs, reason = "the names are the registers'")]
pub struct UserContext {
    pub rip: u64,
    pub rsp: u64,
    pub rflags: u64,
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub fs_base: u64,
    pub gs_base: u64,
}

impl UserContext {
    /// Words in the structure.
    pub const WORDS: usize = 20;
}

const _: () = assert!(size_of::<UserContext>() == UserContext::WORDS * 8);
