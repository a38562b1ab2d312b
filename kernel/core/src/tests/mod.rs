//! Promises of the kernel, held against small systems on the host.

mod ipc;
mod machine;
mod system;
