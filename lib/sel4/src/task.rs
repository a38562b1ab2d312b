//! [`task!`](crate::task): makes a program a task of a system image.

/// Declares what a task needs, and makes its entry.
///
/// ```ignore
/// sel4::task! {
///     main = run;                          // fn run(start: sel4::Start) -> !
///     calls { console: console }           // name: interface
///     serves { echo: echo }
///     caps { uart: port, memory: frame }   // name: kind
///     notes { line: 0 }                    // name: bit of the task's own notification
/// }
/// ```
/// The blocks may be left out, and come in any order after `main`. Capabilities get slots in the order in which
/// they stand, from `slot::FIRST_DECLARED` on; the system description gives each name its meaning. Module
/// `caps` holds them, typed: `caps::uart.out8(…)`. Kinds: `signal port interrupt frame thread endpoint
/// notification sched_context guest_space vcpu pmu_control pmu_lease reply empty`. Module `notes` holds the bits as masks.
///
/// `panic = function;` after `main` is for a task without a supervisor: the function gets the panic's
/// text and does not return.
///
/// On the host the program says what it is and ends with status 2.
#[macro_export]
macro_rules! task {
    (main = $main:path; panic = $panic:path; $($blocks:tt)*) => {
        $crate::task!(@entry $main);
        #[cfg(bare)]
        #[panic_handler]
        fn panic(info: &::core::panic::PanicInfo<'_>) -> ! {
            $panic($crate::panicking::PanicText::of(info).as_str())
        }
        #[cfg(not(bare))]
        const _: fn(&str) -> ! = $panic;
        $crate::task!(@block [] [] $($blocks)*);
    };
    (main = $main:path; $($blocks:tt)*) => {
        $crate::task!(@entry $main);
        #[cfg(bare)]
        #[panic_handler]
        fn panic(info: &::core::panic::PanicInfo<'_>) -> ! {
            $crate::panicking::report(info)
        }
        $crate::task!(@block [] [] $($blocks)*);
    };

    // The kernel enters with a 16-byte aligned stack; a function expects to have been called.
    (@entry $main:path) => {
        #[cfg(bare)]
        const _: () = {
            extern "C" fn enter(_ipc_buffer: u64, boot_info: u64, generation: u64) -> ! {
                $main($crate::Start::from_registers(boot_info, generation))
            }
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            extern "C" fn _start() -> ! {
                ::core::arch::naked_asm!("xor ebp, ebp", "call {enter}", "ud2", enter = sym enter)
            }
        };
        #[cfg(not(bare))]
        fn main() -> $crate::private::ExitCode {
            const _: fn($crate::Start) -> ! = $main;
            $crate::private::refuse_to_run()
        }
    };

    // Blocks become a list of (name, type, manifest line), and a list of notes.
    (@block [$($cap:tt)*] [$($note:tt)*] calls { $($name:ident: $interface:ident),* $(,)? } $($rest:tt)*) => {
        $crate::task!(@block
            [$($cap)* $(($name Endpoint concat!("call ", stringify!($name), " ", stringify!($interface), "\n")))*]
            [$($note)*] $($rest)*);
    };
    (@block [$($cap:tt)*] [$($note:tt)*] serves { $($name:ident: $interface:ident),* $(,)? } $($rest:tt)*) => {
        $crate::task!(@block
            [$($cap)* $(($name Endpoint concat!("serve ", stringify!($name), " ", stringify!($interface), "\n")))*]
            [$($note)*] $($rest)*);
    };
    (@block [$($cap:tt)*] [$($note:tt)*] caps { $($name:ident: $kind:ident),* $(,)? } $($rest:tt)*) => {
        $crate::task!(@block
            [$($cap)* $(($name $kind concat!(stringify!($kind), " ", stringify!($name), " -\n")))*]
            [$($note)*] $($rest)*);
    };
    (@block $caps:tt [$($note:tt)*] notes { $($name:ident: $bit:literal),* $(,)? } $($rest:tt)*) => {
        $crate::task!(@block $caps [$($note)* $(($name $bit))*] $($rest)*);
    };
    (@block [$(($name:ident $kind:ident $line:expr))*] [$(($note:ident $bit:literal))*]) => {
        /// The capabilities that this task declares, in the slots where the system image puts them.
        #[allow(dead_code, non_upper_case_globals, reason = "named as in the system description; a task need not use all")]
        mod caps {
            $crate::task!(@slots ($crate::init_slot::FIRST_DECLARED) $(($name $kind))*);
        }
        /// The bits of this task's notification.
        #[allow(dead_code, non_upper_case_globals, reason = "a task need not use all")]
        mod notes {
            $(pub(crate) const $note: $crate::Badge = 1 << $bit;)*
        }
        #[cfg(bare)]
        const _: () = {
            const TEXT: &str = concat!("baton-task 1\n", $($line),*);
            #[used]
            #[unsafe(link_section = ".baton.task")]
            static MANIFEST: [u8; TEXT.len()] = $crate::private::bytes_of(TEXT);
        };
    };

    (@slots ($slot:expr)) => {};
    (@slots ($slot:expr) ($name:ident $kind:ident) $($rest:tt)*) => {
        pub(crate) const $name: $crate::task!(@type $kind) = $crate::Cap::from_bits($slot);
        $crate::task!(@slots ($slot + 1) $($rest)*);
    };

    (@type Endpoint) => { $crate::cap::Endpoint };
    (@type endpoint) => { $crate::cap::Endpoint };
    (@type signal) => { $crate::cap::Notification };
    (@type notification) => { $crate::cap::Notification };
    (@type port) => { $crate::cap::Port };
    (@type interrupt) => { $crate::cap::Interrupt };
    (@type frame) => { $crate::cap::Frame };
    (@type thread) => { $crate::cap::Thread };
    (@type sched_context) => { $crate::cap::SchedContext };
    (@type guest_space) => { $crate::cap::GuestSpace };
    (@type vcpu) => { $crate::cap::Vcpu };
    (@type pmu_control) => { $crate::cap::PmuControl };
    (@type pmu_lease) => { $crate::cap::PmuLease };
    (@type reply) => { $crate::cap::Reply };
    (@type empty) => { $crate::cap::Unspecified };
}

/// The bytes of a text, for a `static` whose size is the text's.
#[doc(hidden)]
#[must_use]
pub const fn bytes_of<const N: usize>(text: &str) -> [u8; N] {
    match text.as_bytes().first_chunk() {
        Some(bytes) => *bytes,
        None => panic!("the text is shorter than the array"),
    }
}

/// What a task does on the host.
#[cfg(not(bare))]
#[doc(hidden)]
#[must_use]
pub fn refuse_to_run() -> std::process::ExitCode {
    eprintln!("this is a task of a Baton image; `cargo xtask run` boots one");
    std::process::ExitCode::from(2)
}
