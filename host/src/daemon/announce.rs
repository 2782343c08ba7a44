//! What the start says about settings that work, though perhaps not as meant.

use std::num::NonZeroUsize;

use crate::config::{Origin, PipeSettings, Settings};
use crate::daemon::capacity::{Need, Room, Share, Shares};
use crate::daemon::gather::Blame;
use crate::keys::Loaded;
use crate::process::text_files;

/// Says which keys are in use, and what speaks against some of them.
pub(super) fn keys(pipe: &PipeSettings, keys: &Loaded, blame: &Blame<'_>) {
    let Loaded { keys, doubts } = keys;
    for doubt in doubts {
        log::warn!("{}", blame.line(pipe, "key", doubt));
    }
    log::info!("{}", blame.name(pipe, &keys.in_use(&pipe.connection.keys)));
}

/// Says what speaks against the files that the settings came from.
pub(super) fn files(origin: &Origin) {
    if let Origin::File(words) = origin {
        for doubt in text_files::doubts(&words.path) {
            log::warn!("{doubt}");
        }
    }
}

/// Warns of what the C library takes for this host, and people for all interfaces.
pub(super) fn stars(pipes: &[PipeSettings]) {
    for source in pipes.iter().flat_map(|pipe| &pipe.sources).filter(|source| source.is_star()) {
        log::warn!(
            "-s {source}: this does not stand for all interfaces: for these write [0.0.0.0]:PORT \
             or [::]:PORT"
        );
    }
}

/// Warns of pipes that get fewer connections than they were to have: of the first,
/// and how many there are.
pub(super) fn fewer(settings: &Settings, need: &Need, room: &Room, shares: &Shares) {
    let is_less = |(pipe, share): &(&PipeSettings, &Share)| {
        pipe.connection_limit.is_some_and(|asked| asked > share.connections)
    };
    let fewer: Vec<_> = settings.pipes.iter().zip(&shares.pipes).filter(is_less).collect();
    let Some((pipe, share)) = fewer.first() else { return };
    let asked = pipe.connection_limit.map_or(0, NonZeroUsize::get);
    let reason = need.reason(room, shares);
    let possible = format!("{} connections at once are possible: {reason}", share.connections);
    match (&settings.origin, fewer.len()) {
        (Origin::CommandLine, _) => log::warn!("-n {asked}: {possible}"),
        (Origin::File(_), 1) => {
            log::warn!("pipe {}: max-connections {asked}: {possible}", pipe.name);
        }
        (Origin::File(_), count) => log::warn!(
            "pipe {} and {} more: max-connections {asked}: {possible}",
            pipe.name,
            count - 1
        ),
    }
}
