//! Owns the serial line and writes whole lines, each behind its writer's name.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use console::{Lines, Name};
use idl::console::{ConsoleError, ConsoleServer, dispatch};
use idl::supervisor::SupervisorClient;
use idl_runtime::{Bytes, Caller, Connection, Service};
use sel4::{Cap, init_slot};
use text::Uart;

sel4::task! {
    main = run;
    serves { console: console }
    caps { uart: port }
}

struct Server {
    uart: Uart,
    lines: Lines,
    supervisor: SupervisorClient<Connection>,
}

fn run(_: sel4::Start) -> ! {
    let uart = Uart::open(caps::uart).expect("the serial line works");
    let mut server = Server {
        uart,
        lines: Lines::new(),
        supervisor: SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR))),
    };
    let reply = Cap::from_bits(init_slot::REPLY);
    Service::new(caps::console, reply)
        .serve(|buffer, request| dispatch(&mut server, buffer, request))
}

impl ConsoleServer for Server {
    fn write(&mut self, caller: Caller, text: Bytes<256>) -> Result<(), ConsoleError> {
        let Self {
            uart,
            lines,
            supervisor,
        } = self;
        let name = || name_of(supervisor, caller.badge);
        lines
            .add(caller.badge, &text, name, |line| uart.write(line))
            .map_err(|_| ConsoleError::Stuck)
    }
}

fn name_of(supervisor: &mut SupervisorClient<Connection>, badge: u64) -> Name {
    let mut name = *b"somebody\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    if let Ok(words) = supervisor.task_name(badge) {
        name.as_chunks_mut()
            .0
            .iter_mut()
            .zip(words)
            .for_each(|(piece, word)| *piece = word.to_le_bytes());
    }
    name
}
