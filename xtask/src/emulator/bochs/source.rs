//! The source of Bochs: from the user's own package mirror, checked, kept.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::packages;
use crate::process::{self, hex, storage};
use crate::refusal::Refusal;
use crate::workspace;

/// The original source archive of Debian's package `bochs` 3.0.
pub(crate) const FILE: &str = "bochs_3.0+dfsg.orig.tar.xz";
/// What its SHA-256 must be.
pub(crate) const SHA256: &str = "78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b";
/// The release of Debian that has it.
const SUITE: &str = "trixie";

/// The archive in the cache; fetched if it is not there.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let archive = workspace::cache().join(FILE);
    if archive.is_file() {
        verify(&archive)?;
        return Ok(archive);
    }
    if packages::in_path("apt-get").is_none() {
        return Err(Refusal::because(by_hand(
            &archive,
            "this machine has no apt to fetch it",
        )));
    }
    let fetched = workspace::cache().join(format!("fetch-{}", std::process::id()));
    let outcome = fetch(&fetched).and_then(|()| {
        verify(&fetched.join(FILE))?;
        fs::rename(fetched.join(FILE), &archive).map_err(|error| storage(&error, &archive))
    });
    let _ = fs::remove_dir_all(&fetched);
    outcome.map(|()| archive)
}

/// What a user does when the archive cannot be fetched.
fn by_hand(archive: &Path, why: &str) -> String {
    format!(
        "the source of Bochs is missing, and {why}; put Debian's {FILE} \
         (SHA-256 {SHA256}) at {}",
        archive.display()
    )
}

/// Fetches the archive into the new folder `to`.
///
/// apt's own settings say which mirror; only the suite is another. Everything that apt
/// writes goes to `to`, so the machine's package lists stay as they are.
fn fetch(to: &Path) -> anyhow::Result<()> {
    let lists = to.join("lists");
    fs::create_dir_all(lists.join("partial")).map_err(|error| storage(&error, &lists))?;
    let archive = workspace::cache().join(FILE);
    let unreachable = |error: anyhow::Error| {
        Refusal::because(by_hand(&archive, &format!("cannot be fetched ({error:#})")))
    };
    let mirror = mirror().map_err(unreachable)?;
    let sources = to.join("sources.list");
    fs::write(&sources, format!("deb-src {mirror} {SUITE} main\n"))
        .map_err(|error| storage(&error, &sources))?;
    let apt = |program: &str| {
        let mut command = Command::new(program);
        command
            .arg("-o")
            .arg(format!("Dir::Etc::sourcelist={}", sources.display()));
        command.args([
            "-o",
            "Dir::Etc::sourceparts=/dev/null",
            "-o",
            "Acquire::Languages=none",
        ]);
        command
            .arg("-o")
            .arg(format!("Dir::State::lists={}", lists.display()));
        command.args(["-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root"]);
        command
    };
    let log = workspace::log("bochs-source");
    // Without this, apt warns that no mirror answered, and succeeds.
    let strict = ["-o", "APT::Update::Error-Mode=any"];
    let mut update = apt("apt-get");
    update.args(strict).args(["-qq", "update"]);
    process::run_logged(&mut update, &log).map_err(unreachable)?;
    let addresses =
        process::output_of(apt("apt-get").args(["-qq", "--print-uris", "source", "bochs"]))
            .map_err(unreachable)?;
    let address = address_in(&addresses)
        .with_context(|| format!("the mirror's {SUITE} has no {FILE}"))
        .map_err(unreachable)?;
    let mut download = apt("/usr/lib/apt/apt-helper");
    download
        .arg("download-file")
        .arg(address)
        .arg(to.join(FILE));
    process::run_logged(&mut download, &log).map_err(unreachable)
}

/// The mirror of the machine's own Debian release.
fn mirror() -> anyhow::Result<String> {
    let text = process::output_of(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
        "Label: Debian",
        "Component: main",
    ]))?;
    text.lines()
        .next()
        .map(str::to_owned)
        .context("apt knows no mirror of Debian")
}

/// The address of the archive in what `apt-get --print-uris` says: `'URI' NAME SIZE SUM`.
fn address_in(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let (address, rest) = line.strip_prefix('\'')?.split_once('\'')?;
        (rest.split_whitespace().next() == Some(FILE)).then_some(address)
    })
}

/// Refuses an archive that is not the one this was written for.
fn verify(archive: &Path) -> anyhow::Result<()> {
    let found = sum_of(archive)?;
    if found == SHA256 {
        return Ok(());
    }
    Err(Refusal::because(format!(
        "{} has SHA-256 {found}, not {SHA256}: remove it and try again",
        archive.display()
    )))
}

/// The SHA-256 of a file, in hexadecimal.
fn sum_of(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex(&Sha256::digest(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_told_from_its_companions() {
        let text = "'http://mirror.example/a/bochs_3.0%2bdfsg-1.dsc' bochs_3.0+dfsg-1.dsc 2 SHA256:1\n\
                    'http://mirror.example/a/bochs_3.0%2bdfsg.orig.tar.xz' bochs_3.0+dfsg.orig.tar.xz 3 SHA256:2\n";
        assert_eq!(
            address_in(text),
            Some("http://mirror.example/a/bochs_3.0%2bdfsg.orig.tar.xz")
        );
        assert_eq!(address_in("Need to get 3 kB\n"), None);
    }

    #[test]
    fn a_wrong_archive_is_refused_with_both_sums() {
        let path = std::env::temp_dir().join(format!("baton-sum-{}", std::process::id()));
        fs::write(&path, "abc").expect("the temporary folder can be written");
        let error = verify(&path).expect_err("not the archive").to_string();
        fs::remove_file(&path).expect("it was written above");
        // The first example of FIPS 180.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(
            error.contains(&format!("has SHA-256 {abc}, not {SHA256}")),
            "{error}"
        );
    }

    #[test]
    fn off_debian_the_user_learns_which_file_goes_where() {
        let text = by_hand(Path::new("/home/x/.cache/baton/y"), "z");
        assert!(text.contains(FILE) && text.contains(SHA256), "{text}");
        assert!(text.ends_with("at /home/x/.cache/baton/y"), "{text}");
    }
}
