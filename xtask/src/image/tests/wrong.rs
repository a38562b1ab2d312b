//! Each way in which a system can be wrong, with the message its author gets.

use expect_test::{Expect, expect};

use super::{GOOD, build};

/// The good system with one place changed, and the message for it.
fn refused(change: (&str, &str), want: &Expect) {
    assert!(GOOD.contains(change.0), "nothing to change");
    let error = build(&GOOD.replacen(change.0, change.1, 1)).expect_err("it is wrong");
    assert_eq!(
        crate::refusal::status_of(&error),
        crate::refusal::Status::Refused
    );
    want.assert_eq(&format!("{error:#}"));
}

#[test]
fn a_line_that_is_no_toml() {
    refused(
        ("priority = 100", "priority = "),
        &expect![[r#"
            demo.toml:10: string values must be quoted, expected literal string
              help: docs/reference/systems.md says what may stand here"#]],
    );
}

#[test]
fn a_misspelt_key() {
    refused(
        ("passive = true", "pasive = true"),
        &expect![[r#"
        demo.toml:11: unknown field `pasive`
          help: did you mean `passive`?"#]],
    );
}

#[test]
fn a_priority_that_does_not_exist() {
    refused(
        ("priority = 100", "priority = 300"),
        &expect![[r#"
            demo.toml:10: invalid value: integer `300`
              help: write a whole number from 0 to 255"#]],
    );
}

#[test]
fn two_tasks_of_one_name() {
    refused(
        ("name = \"server\"", "name = \"client\""),
        &expect![[r#"
        demo.toml:14: there are two tasks `client`
          help: give each task a name of its own
        demo.toml:20: there is no task `server`
          help: there are: root, client, client"#]],
    );
}

#[test]
fn no_root() {
    refused(
        ("name = \"root\"\n", "name = \"boot\"\nprogram = \"root\"\n"),
        &expect![[r#"
            demo.toml:1: no task is called `root`
              help: add a [[task]] with name = "root": it starts the others"#]],
    );
}

#[test]
fn a_program_that_does_not_exist() {
    refused(
        ("program = \"echo-server\"", "program = \"echo-sever\""),
        &expect![[r#"
            demo.toml:9: there is no program `echo-sever`
              help: did you mean `echo-server`?"#]],
    );
}

#[test]
fn a_server_that_does_not_exist() {
    refused(
        ("gets.echo = \"server\"", "gets.echo = \"servre\""),
        &expect![[r#"
            demo.toml:20: there is no task `servre`
              help: did you mean `server`?"#]],
    );
}

#[test]
fn a_server_of_another_interface() {
    refused(
        ("gets.echo = \"server\"", "gets.echo = \"root\""),
        &expect![[r#"
            demo.toml:20: `root` does not serve `echo`
              help: `echo` is served by: server"#]],
    );
}

#[test]
fn a_call_downhill() {
    refused(
        ("priority = 50", "priority = 100"),
        &expect![[r#"
        demo.toml:20: `client` with priority 100 would call `server` with 100
          help: calls go uphill: give the server a higher priority"#]],
    );
}

#[test]
fn a_task_above_root() {
    refused(
        ("priority = 250", "priority = 80"),
        &expect![[r#"
        demo.toml:10: `server` has priority 100, but root, which it calls, has 80
          help: calls go uphill: give root a higher priority"#]],
    );
}

#[test]
fn a_declared_call_that_nobody_answers() {
    refused(
        ("gets.echo = \"server\"\n", ""),
        &expect![[r#"
        demo.toml:13: `client` declares `call echo`, but gets nothing for it
          help: `echo` is served by: server"#]],
    );
}

#[test]
fn a_declared_device_that_is_not_given() {
    refused(
        ("gets.uart = \"com1\"\n", ""),
        &expect![[r#"
            demo.toml:13: `client` declares `port uart`, but gets nothing for it
              help: add gets.uart = "…" with the name of a device"#]],
    );
}

#[test]
fn a_gift_that_nobody_asked_for() {
    refused(
        ("gets.uart = ", "gets.urat = \"com1\"\ngets.uart = "),
        &expect![[r#"
            demo.toml:21: the program `echo-client` does not ask for `urat`
              help: did you mean `uart`?"#]],
    );
}

#[test]
fn a_device_that_the_board_has_not() {
    refused(
        ("gets.uart = \"com1\"", "gets.uart = \"com2\""),
        &expect![[r#"
            demo.toml:21: this board has no device `com2`
              help: did you mean `com1`?"#]],
    );
}

#[test]
fn ports_of_a_device_without_ports() {
    refused(
        ("gets.uart = \"com1\"", "gets.uart = \"timer\""),
        &expect![[r#"
            demo.toml:21: the device `timer` has no I/O ports
              help: see [devices] in the board's board.toml"#]],
    );
}

#[test]
fn a_frame_that_does_not_exist() {
    refused(
        ("frame = \"shared\"", "frame = \"share\""),
        &expect![[r#"
        demo.toml:23: there is no frame `share`
          help: did you mean `shared`?"#]],
    );
}

#[test]
fn a_gift_with_a_key_that_means_nothing() {
    refused(
        ("read-only = true", "readonly = true"),
        &expect![[r#"
        demo.toml:23: `readonly` means nothing for `frame page`
          help: write the name of a frame in quotes, or { frame = "…", read-only = … }"#]],
    );
}

#[test]
fn a_gift_that_is_no_name() {
    refused(
        ("gets.echo = \"server\"", "gets.echo = 7"),
        &expect![[r#"
            demo.toml:20: `echo` gets no name (integer)
              help: write the name of a task in quotes, or { task = "…", grant = … }"#]],
    );
}

#[test]
fn a_budget_that_is_too_short() {
    refused(
        ("budget-us = 2000", "budget-us = 5"),
        &expect![[r#"
        demo.toml:17: a budget of 5 µs is shorter than 10 µs
          help: the kernel keeps no shorter one: raise budget-us"#]],
    );
}

#[test]
fn a_period_shorter_than_the_budget() {
    refused(
        ("period-us = 10000", "period-us = 1000"),
        &expect![[r#"
        demo.toml:18: the period of 1000 µs is shorter than the budget of 2000 µs
          help: raise period-us to the budget or more"#]],
    );
}

#[test]
fn a_stack_of_nothing() {
    refused(
        ("budget-us = 2000", "stack-kib = 0"),
        &expect![[r#"
        demo.toml:17: a stack of 0 KiB cannot be
          help: stack-kib is a multiple of 4, from 4 to 1024"#]],
    );
}

#[test]
fn a_passive_task_that_serves_nobody() {
    refused(
        (
            "program = \"echo-client\"",
            "program = \"idler\"\npassive = true",
        ),
        &expect![[r#"
            demo.toml:13: `client` is passive and has a budget
              help: leave out either
            demo.toml:13: `client` is passive, but serves nobody whose time it could use
              help: leave out `passive`, or let the program serve an interface
            demo.toml:21: the program `idler` does not ask for `echo`
              help: there are none
            demo.toml:22: the program `idler` does not ask for `uart`
              help: there are none
            demo.toml:23: the program `idler` does not ask for `irq`
              help: there are none
            demo.toml:24: the program `idler` does not ask for `page`
              help: there are none"#]],
    );
}

#[test]
fn an_empty_frame() {
    refused(
        ("pages = 3", "pages = 0"),
        &expect![[r#"
        demo.toml:27: a frame has at least one page
          help: give its size in pages of 4 KiB, or a file that is not empty"#]],
    );
}

#[test]
fn an_interrupt_line_that_another_task_has() {
    refused(
        (
            "[[frame]]\n",
            "[[task]]\nname = \"other\"\nprogram = \"echo-client\"\npriority = 40\ngets = { echo = \"server\", uart = \"com1\", irq = \"com1\", page = \"shared\" }\n\n[[frame]]\n",
        ),
        &expect![[r#"
            demo.toml:29: `client` has the interrupt line of `com1` already
              help: a line has one task that handles it"#]],
    );
}

#[test]
fn a_name_of_more_than_31_bytes() {
    refused(
        (
            "name = \"client\"",
            "name = \"a-client-with-a-name-of-32-bytes\"",
        ),
        &expect![[r#"
            demo.toml:14: the name `a-client-with-a-name-of-32-bytes` does not have 1 to 31 bytes
              help: choose a shorter one"#]],
    );
}

#[test]
fn a_task_without_a_priority() {
    refused(
        ("priority = 100\n", ""),
        &expect![[r#"
        demo.toml:7: missing field `priority`
          help: add `priority` to this table; docs/reference/systems.md explains it"#]],
    );
}
