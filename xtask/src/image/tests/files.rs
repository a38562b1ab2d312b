//! Frames that contain a file.

use std::fs;

use expect_test::expect;
use sysdesc::SystemImage;

use super::super::write::Aligned;
use super::{GOOD, build_with};
use crate::emulator::RunFolder;

/// The good system with a frame that says this instead of its size, and a file of 5000 bytes `7`.
fn built(says: &str) -> anyhow::Result<Vec<u8>> {
    let folder = RunFolder::create()?;
    fs::write(folder.path().join("sevens"), vec![7; 5000])?;
    build_with(&GOOD.replace("pages = 3", says), folder.path())
}

#[test]
fn a_frame_with_a_file_is_as_large_as_it_and_begins_with_it() {
    let bytes = built("file = \"sevens\"").expect("the system is right");
    let aligned = Aligned::of(&bytes);
    let image = SystemImage::check(aligned.bytes()).expect("the kernel takes it");
    let region = image.regions.first().expect("the frame");
    assert_eq!((region.pages, region.data_length), (2, 5000));
    let first = region.data_offset as usize;
    assert_eq!(bytes.get(first..first + 5000), Some(&[7; 5000][..]));
}

#[test]
fn a_file_that_does_not_fit_is_refused_at_the_size() {
    let error = built("pages = 1\nfile = \"sevens\"").expect_err("refused");
    expect![[r"
        demo.toml:27: the frame has 4096 bytes, and its file 5000
          help: leave `pages` out: the file decides"]]
    .assert_eq(&error.to_string());
}

#[test]
fn a_file_that_is_not_there_is_refused_by_the_line_that_names_it() {
    let error = built("file = \"eights\"").expect_err("refused").to_string();
    assert!(error.starts_with("demo.toml:27: cannot read "), "{error}");
}
