//! Where a setting was given: a place in a file, or an option.

/// Where settings came from.
#[derive(Debug)]
pub(super) enum Places {
    /// The command line.
    CommandLine,
}

impl Places {
    /// Where the setting `key` of this pipe, or of the process, was given.
    pub(super) fn of(&self, _pipe: Option<&str>, key: &str) -> String {
        match self {
            Self::CommandLine => option(key).to_owned(),
        }
    }

    /// Whether pipes are known by a name that their administrator gave them.
    pub(super) fn have_names(&self) -> bool {
        match self {
            Self::CommandLine => false,
        }
    }
}

/// How a setting is called on the command line.
fn option(key: &str) -> &str {
    match key {
        "source" => "-s",
        "target" => "-t",
        "key" => "-k",
        "bind" => "-b",
        "user" => "-u",
        "max-connections" => "-n",
        "pid-file" => "-p",
        other => other,
    }
}
