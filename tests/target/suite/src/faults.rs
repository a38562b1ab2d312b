//! Misdeeds: each has to be stopped, with exactly one message that says why.
//!
//! An offence is a function of one or few instructions, so that the test knows the address of the one that faults.

pub(crate) mod instructions;
pub(crate) mod jumps;
pub(crate) mod memory;
pub(crate) mod returns;
pub(crate) mod system_calls;

/// Tests that run instructions with up to four arguments (`rdi`, `rsi`, `rdx`, `rcx`).
///
/// `name: ["instruction", …] [arguments] + offset => expected;`, where the offset from the first instruction is the
/// address that the message must have. With `if FEATURE`, only on a machine where the kernel switched that on.
macro_rules! faults {
    ($($name:ident: [$($line:literal),+] [$($argument:expr),*] + $offset:literal
        $(if $feature:ident)? => $expected:expr;)*) => {
        $(fn $name() -> $crate::harness::Ended {
            $(if !$crate::harness::machine_has(sel4::CpuFeatures::$feature) {
                return $crate::harness::Ended::Skipped(concat!("no ", stringify!($feature)));
            })?
            #[unsafe(naked)]
            unsafe extern "C" fn offence(_: u64, _: u64, _: u64, _: u64) {
                core::arch::naked_asm!($($line),+, "ret")
            }
            let code: unsafe extern "C" fn(u64, u64, u64, u64) = offence;
            let rip = code as usize as u64 + $offset;
            $expected.at(rip).announce();
            let [rdi, rsi, rdx, rcx] = $crate::faults::four(&[$($argument),*]);
            // SAFETY: 1. The instructions do what no task may do, so the kernel stops this one; if it does
            // not, the test has failed, and whatever is broken now ends with this life of the task.
            unsafe { offence(rdi, rsi, rdx, rcx) }
            $crate::harness::Ended::Passed
        })*
        $crate::harness::tests! { $($name)* }
    };
}
pub(crate) use faults;

/// Missing arguments are 0.
fn four(arguments: &[u64]) -> [u64; 4] {
    let mut all = [0; 4];
    all.iter_mut()
        .zip(arguments)
        .for_each(|(to, from)| *to = *from);
    all
}
