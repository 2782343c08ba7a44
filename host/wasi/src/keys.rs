//! The key: the SHA-256 of a key file.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use sha2::{Digest, Sha256};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasip2::io::streams::{InputStream, StreamError};
use zeroize::{Zeroize, Zeroizing};

use crate::log;
use crate::settings::KeySource;

/// 32 bytes, wiped when dropped.
pub(crate) type Psk = Box<Zeroizing<[u8; 32]>>;

/// # Errors
///
/// Why there is no key.
pub(crate) fn read(source: &KeySource) -> Result<Psk, String> {
    match source {
        KeySource::Given(content) => Ok(hash(|hash| hash.update(&**content))),
        KeySource::Stdin => digest(&wasip2::cli::stdin::get_stdin(), "standard input"),
        KeySource::File(path) => {
            let file = open(path)?;
            let stream = file.read_via_stream(0);
            digest(&stream.map_err(|error| format!("cannot read {path}: {error}"))?, path)
        }
    }
}

fn digest(stream: &InputStream, name: &str) -> Result<Psk, String> {
    let mut problem = None;
    let mut is_empty = true;
    let psk = hash(|hash| {
        problem = loop {
            match stream.blocking_read(PIECE) {
                Ok(mut bytes) => {
                    is_empty &= bytes.is_empty();
                    hash.update(&bytes);
                    bytes.zeroize();
                }
                Err(StreamError::Closed) => break None,
                Err(StreamError::LastOperationFailed(error)) => {
                    break Some(error.to_debug_string());
                }
            }
        };
    });
    match problem {
        None => {
            if is_empty {
                log::line(&format!("{name} is empty, and anyone can guess this key"));
            }
            Ok(psk)
        }
        Some(problem) => Err(format!("cannot read {name}: {problem}")),
    }
}

fn hash(fill: impl FnOnce(&mut Sha256)) -> Psk {
    let mut hash = Sha256::new();
    fill(&mut hash);
    let mut psk = Box::new(Zeroizing::new([0; 32]));
    hash.finalize_into((&mut **psk).into());
    psk
}

/// In the folder that the host has opened and that leads there: one that was
/// opened as an absolute path for an absolute path, else the longest.
fn open(path: &str) -> Result<Descriptor, String> {
    let wanted = normal(path);
    let is_absolute = |path: &str| path.starts_with('/');
    let found = get_directories().into_iter().filter_map(|(folder, name)| {
        let rest = wanted.strip_prefix(normal(&name))?;
        let leads_there = normal(&name).is_empty() || rest.starts_with('/');
        let preference = (is_absolute(&name) == is_absolute(path), normal(&name).len());
        leads_there.then(|| (preference, folder, rest.trim_start_matches('/')))
    });
    let Some((_, folder, rest)) = found.max_by_key(|(preference, ..)| *preference) else {
        return Err(format!(
            "cannot open {path}: the host has opened no folder that leads there \
             (wasmtime: --dir FOLDER)"
        ));
    };
    let no_flags = OpenFlags::empty();
    folder
        .open_at(PathFlags::SYMLINK_FOLLOW, rest, no_flags, DescriptorFlags::READ)
        .map_err(|error| format!("cannot open {path}: {error}"))
}

/// There is no current folder: `/a`, `./a` and `a` are the same.
fn normal(path: &str) -> &str {
    let mut path = path;
    loop {
        match path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
            Some(rest) => path = rest,
            None if path == "." => return "",
            None => return path.trim_end_matches('/'),
        }
    }
}

const PIECE: u64 = 65_536;
