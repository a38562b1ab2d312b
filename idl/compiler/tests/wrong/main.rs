//! Wrong interfaces, each with everything that the compiler says about it.

mod death;
mod files;
mod layouts;
mod operations;
mod types;

use expect_test::Expect;

/// Interfaces by what is wrong with them, and what their author reads.
fn refused(table: &[(&str, &str, Expect)]) {
    for (what, text, wanted) in table {
        let Err(found) = idl_compiler::compile("t.idl.rs", text) else {
            panic!("an interface with {what} was compiled");
        };
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        wanted.assert_eq(&lines.join("\n"));
    }
}
