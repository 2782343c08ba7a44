//! What the programs will do, whoever said so: pure data. Nothing in here
//! looks anything up or touches a file.

mod file;
mod place;
mod settings;

pub(crate) use crate::process::text_files::TextFile;
pub(crate) use file::Parsed;
pub(crate) use place::{Fault, Faults, Place, Places};
pub(crate) use settings::{
    Admission, ConnectionSettings, FileWords, Launch, Origin, PipeSettings, ProcessSettings,
    Settings, SpipeSettings,
};
