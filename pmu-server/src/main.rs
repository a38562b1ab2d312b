//! Owns one CPU's performance counters, and says who has them when.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod control;
mod lives;
mod ring;
mod server;
mod wire;

use idl::pmu::dispatch;
use idl::supervisor::SupervisorClient;
use idl_runtime::{Connection, Service};
use sel4::{Cap, CapRights, Window, init_slot};

use crate::control::Control;
use crate::ring::Ring;
use crate::server::{Server, Vm};

/// Samples after which the kernel says that there are some. Nobody waits for that yet: samples are sorted when a client asks.
const WATERMARK: u64 = 64;

sel4::task! {
    main = run;
    serves { pmu: pmu }
    caps { control: pmu_control, samples: frame, lease: pmu_lease }
}

fn run(start: sel4::Start) -> ! {
    let supervisor = Connection::to(Cap::from_bits(init_slot::SUPERVISOR));
    let space = Cap::from_bits(init_slot::ADDRESS_SPACE);
    let rights = CapRights::READ.union(CapRights::WRITE);
    let window = Window::open(caps::samples, space, rights).expect("the ring can be mapped");
    caps::control
        .set_ring(caps::samples, WATERMARK)
        .expect("the frame holds a ring");
    let vm = Vm {
        lease: caps::lease,
        vmm: caps::lease.vmm().expect("the lease is one"),
    };
    let mut server = Server::new(
        start.generation(),
        Control::new(caps::control),
        Ring::new(window),
        [vm],
        SupervisorClient::new(supervisor),
    );
    Service::new(caps::pmu, Cap::from_bits(init_slot::REPLY))
        .serve(|buffer, request| dispatch(&mut server, buffer, request))
}
