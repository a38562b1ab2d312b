//! The four ways into the portable kernel, each under the one big lock.

use arch_x86_64::boot::Boot;
use arch_x86_64::sync::Lock;
use arch_x86_64::trap::{Interrupt, Next, UserFault};
use arch_x86_64::{CpuId, upcalls};
use kern::Kernel;

upcalls!(boot, syscall, fault, interrupt);

/// `None` until the boot upcall has made it.
static KERNEL: Lock<Option<Kernel>> = Lock::new(None);

fn boot(boot: &mut Boot) -> Next {
    match Kernel::boot(boot) {
        Ok(kernel) => KERNEL.lock().insert(kernel).start(CpuId::BOOT),
        Err(error) => panic!("cannot start: {error}"),
    }
}

fn syscall(cpu: CpuId) -> Next {
    with_kernel(|kernel| kernel.syscall(cpu))
}

fn fault(cpu: CpuId, fault: UserFault) -> Next {
    with_kernel(|kernel| kernel.fault(cpu, fault))
}

fn interrupt(cpu: CpuId, interrupt: Interrupt) -> Next {
    with_kernel(|kernel| kernel.interrupt(cpu, interrupt))
}

#[inline]
fn with_kernel(act: impl FnOnce(&mut Kernel) -> Next) -> Next {
    match &mut *KERNEL.lock() {
        Some(kernel) => act(kernel),
        // No trap comes before the boot upcall has returned: interrupts are off and ring 3 has not run.
        None => unreachable!("a trap before the kernel was made"),
    }
}
