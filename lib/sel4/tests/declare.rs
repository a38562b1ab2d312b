//! What `sel4::task!` makes of a declaration, seen from a program.

sel4::task! {
    main = run;
    calls { console: console }
    notes { line: 0, bell: 5 }
    serves { echo: echo, sums: echo }
    caps { uart: port, spare: empty }
}

fn run(start: sel4::Start) -> ! {
    panic!("generation {}", start.generation())
}

#[test]
fn slots_count_from_16_in_the_order_of_the_source() {
    let slots = [
        caps::console.bits(),
        caps::echo.bits(),
        caps::sums.bits(),
        caps::uart.bits(),
        caps::spare.bits(),
    ];
    assert_eq!(slots, [16, 17, 18, 19, 20]);
    assert_eq!((notes::line, notes::bell), (1, 32));
}

#[test]
fn on_the_host_a_task_refuses_to_run() {
    assert_eq!(main(), std::process::ExitCode::from(2));
}
