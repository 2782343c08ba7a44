//! What the programs will do, whoever said so: pure data. Nothing in here
//! looks anything up or touches a file.

mod settings;

pub(crate) use settings::{
    Admission, ConnectionSettings, Launch, PipeSettings, ProcessSettings, Settings, SpipeSettings,
};
