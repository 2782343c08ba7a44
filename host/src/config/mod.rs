//! What the programs will do, whoever said so: pure data. Nothing in here
//! looks anything up or touches a file.

pub(crate) mod build;
pub(crate) mod diff;
mod file;
pub(crate) mod given;
pub(crate) mod number;
pub(crate) mod options;
mod place;
pub(crate) mod problem;
pub(crate) mod quantity;
pub(crate) mod settings;
mod show;
mod table;
pub(crate) mod words;
pub(crate) mod write;

pub(crate) use crate::process::text_files::TextFile;
pub(crate) use file::Parsed;
pub(crate) use place::{Fault, Faults, Place, Places};
pub(crate) use settings::{
    Admission, FileWords, Launch, Origin, PipeSettings, ProcessSettings, Settings, SpipeSettings,
};
