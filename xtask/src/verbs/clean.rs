//! `clean`: removes what was built.

use std::fs;
use std::io::ErrorKind;

use anyhow::Context as _;

use crate::refusal::Status;
use crate::workspace;

/// Removes this clone's `target/`, and with `cache` the emulators that all clones share.
pub(crate) fn clean(cache: bool) -> anyhow::Result<Status> {
    let mut folders = vec![workspace::target()];
    if cache {
        folders.push(workspace::cache());
    }
    for folder in folders {
        match fs::remove_dir_all(&folder) {
            Ok(()) => println!("removed {}", workspace::shown(&folder)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("{} is not there", workspace::shown(&folder));
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot remove {}", workspace::shown(&folder)));
            }
        }
    }
    Ok(Status::Done)
}
