//! Binds the upcalls by symbol: the linker joins them, inlining crosses over.
//!
//! UNSAFETY: declares functions that crate `kernel` defines through [`upcalls!`](crate::upcalls).

#![expect(unsafe_code, reason = "functions that another crate defines")]

pub use super::entry::go_on;
use super::{Interrupt, Next, UserFault};
use crate::CpuId;
use crate::boot::Boot;

// SAFETY: 1. `upcalls!` defines the functions with these signatures, and defining one differently or twice does not link
// or does not compile there.
unsafe extern "Rust" {
    pub(crate) safe fn baton_boot(boot: &mut Boot) -> Next;
    pub(crate) safe fn baton_fault(cpu: CpuId, fault: UserFault) -> Next;
    pub(crate) safe fn baton_interrupt(cpu: CpuId, interrupt: Interrupt) -> Next;
}

/// Names the four functions that traps lead to: `upcalls! { boot, syscall, fault, interrupt }`.
#[macro_export]
macro_rules! upcalls {
    ($boot:path, $syscall:path, $fault:path, $interrupt:path) => {
        const _: () = {
            use $crate::trap::{Interrupt, Next, UserFault};

            #[unsafe(no_mangle)]
            fn baton_boot(boot: &mut $crate::boot::Boot) -> Next {
                $boot(boot)
            }
            #[unsafe(no_mangle)]
            extern "C" fn baton_syscall(cpu: $crate::CpuId) -> ! {
                $crate::trap::upcall::go_on($syscall(cpu))
            }
            #[unsafe(no_mangle)]
            fn baton_fault(cpu: $crate::CpuId, fault: UserFault) -> Next {
                $fault(cpu, fault)
            }
            #[unsafe(no_mangle)]
            fn baton_interrupt(cpu: $crate::CpuId, interrupt: Interrupt) -> Next {
                $interrupt(cpu, interrupt)
            }
        };
    };
}
