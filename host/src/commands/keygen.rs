//! Making key files, and telling whether two are the same.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use zeroize::Zeroizing;

use crate::commands::newfile::NewFile;
use crate::keys::KeyRules;
use crate::keys::file::{KeyFile, Psk, Reading};
use crate::keys::fingerprint::Fingerprint;

/// What a new key file holds, in bytes: as much as the protocol makes of any.
const KEY_FILE_LEN: usize = 32;

/// The content of a new key file.
pub(crate) type KeyFileContent = Zeroizing<[u8; KEY_FILE_LEN]>;

/// Runs `spiped keygen`: a new key file with random content.
///
/// # Errors
/// Why there is no new file.
pub(crate) fn keygen(path: &Path) -> Result<ExitCode> {
    let file = NewFile::reserve(path)?;
    let mut content = Zeroizing::new([0; KEY_FILE_LEN]);
    getrandom::fill(&mut *content).map_err(|error| anyhow!("Cannot get random bytes: {error}"))?;
    file.commit(&*content)?;
    announce(path, &content)
}

/// Runs `spiped fingerprint`: a line for each file that can be read.
///
/// # Errors
/// When the lines cannot be printed.
pub(crate) fn fingerprint(files: &[KeyFile]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match file.read(KeyRules::default()) {
            Ok(Reading { psk, doubts }) => {
                for doubt in doubts {
                    log::warn!("{doubt}");
                }
                match file {
                    KeyFile::Path(path) => print(path, &psk)?,
                    KeyFile::Stdin => print(Path::new("-"), &psk)?,
                }
            }
            Err(error) => {
                log::error!("{:#}", anyhow::Error::from(error));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Tells the fingerprint of a file that was just made.
pub(crate) fn announce(path: &Path, content: &KeyFileContent) -> Result<ExitCode> {
    print(path, &Psk::of_content(&**content)).with_context(|| {
        format!("{} was created, but its fingerprint cannot be shown", path.display())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn print(path: &Path, psk: &Psk) -> Result<()> {
    writeln!(io::stdout(), "{}: {}", path.display(), Fingerprint::of(psk))
        .context("Cannot write to standard output")
}
