//! Which files the compiler writes, and when it calls them stale.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use idl_compiler::{Failure, check, generate};

const PING: &str = "//! For a test.

/// A test.
pub trait Test {
    /// Nothing.
    #[op(1)]
    #[idempotent]
    fn ping(&self);
}
";

/// An empty project of this name, without files of an earlier run.
fn project(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    for folder in ["idl/interfaces", "idl/src"] {
        fs::create_dir_all(root.join(folder)).expect("the build's temporary folder can be written");
    }
    root
}

fn message<T>(outcome: Result<T, Failure>) -> String {
    outcome.err().expect("there is something wrong").to_string()
}

#[test]
fn the_stubs_of_this_project_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Err(failure) = check(&root) {
        panic!("{failure}");
    }
}

#[test]
fn stubs_are_stale_until_they_are_generated_and_after_the_interface_changes() {
    let root = project("stale");
    let interface = root.join("idl/interfaces/test.idl.rs");
    fs::write(&interface, PING).unwrap();
    expect![[r#"
        idl/src/test.rs, idl/src/lib.rs: not what idl/interfaces says
          next: run `cargo run -p idl-compiler` and commit what it writes"#]]
    .assert_eq(&message(check(&root)));

    assert_eq!(
        generate(&root).unwrap(),
        ["idl/src/test.rs", "idl/src/lib.rs"]
    );
    check(&root).unwrap();
    assert_eq!(generate(&root).unwrap(), [""; 0]);

    fs::write(&interface, PING.replace("ping", "pong")).unwrap();
    assert!(message(check(&root)).starts_with("idl/src/test.rs: not what"));
}

#[test]
fn stubs_without_an_interface_are_stale_and_are_removed() {
    let root = project("leftover");
    fs::write(root.join("idl/src/gone.rs"), "").unwrap();
    assert!(message(check(&root)).starts_with("idl/src/lib.rs, idl/src/gone.rs: not what"));
    generate(&root).unwrap();
    assert!(!root.join("idl/src/gone.rs").exists());
    check(&root).unwrap();
}

#[test]
fn nothing_is_written_while_an_interface_is_wrong() {
    let root = project("wrong");
    fs::write(root.join("idl/interfaces/good.idl.rs"), PING).unwrap();
    fs::write(
        root.join("idl/interfaces/bad.idl.rs"),
        PING.replace("(1)", "(0)"),
    )
    .unwrap();
    fs::write(root.join("idl/interfaces/Notes.txt"), "").unwrap();
    expect![[r#"
        idl/interfaces/Notes.txt:1:1: the file's name is not that of an interface
          next: call it like `echo.idl.rs`: small letters, digits and underscores
        idl/interfaces/bad.idl.rs:6:5: the number of operation `ping` is not one from 1 to 4095
          next: write it like `#[op(1)]`"#]]
    .assert_eq(&message(generate(&root)));
    assert_eq!(fs::read_dir(root.join("idl/src")).unwrap().count(), 0);
}

#[test]
fn a_root_without_interfaces_is_named() {
    let root = project("nowhere").join("deeper");
    assert!(message(check(&root)).contains("deeper/idl/interfaces: "));
}
