//! Connections on their way: the longer one has said nothing, the earlier it goes, so
//! that the others stand still for as short a time as possible.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::live::Live;
use crate::connection::moving::Removal;
use crate::daemon::upgrade::conversation::{Conversation, Failed};
use crate::daemon::upgrade::inventory::{Moving, is_established};
use crate::handover::channel::ChannelError;
use crate::handover::messages::Message;

/// Whose turn it is. Whoever comes later would stand still until all before it are there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Those that sleep.
    Asleep,
    /// Those that say something now and then.
    Quiet,
    /// All others.
    Busy,
}

impl Turn {
    fn is_of(self, live: &Live) -> bool {
        match self {
            Self::Asleep => live.is_asleep(),
            Self::Quiet => live.is_asleep() || live.idle() >= QUIET,
            Self::Busy => true,
        }
    }
}

/// Longer than somebody is silent who waits for nothing but an answer nearby.
const QUIET: Duration = Duration::from_millis(50);

/// How many are asked at a time. Each takes a descriptor more while it is sent.
const SLICE: usize = 64;

/// Stops and sends all connections of these pipes that can move, until the other
/// process has them. Calls `first` when the first are on their way, and `last` when all
/// are. Says how many were sent.
pub(super) async fn send_all(
    pipes: &[Moving],
    removal: &Arc<Removal>,
    conversation: &mut Conversation,
    first: impl FnOnce(),
    last: impl Fn(),
) -> Result<u64, Failed> {
    let (mut asked, mut sent, mut first) = (HashSet::new(), 0, Some(first));
    for turn in [Turn::Asleep, Turn::Quiet, Turn::Busy] {
        for Moving { pipe, keys, .. } in pipes {
            for slice in pipe.live.slices() {
                let is_due = |live: &Arc<Live>| {
                    is_established(live) && turn.is_of(live) && asked.insert(live.id())
                };
                let due: Vec<_> = slice.into_iter().filter(is_due).collect();
                for due in due.chunks(SLICE) {
                    conversation.hurry();
                    let sending = removal.send(&pipe.name, keys, due.to_vec());
                    sent += conversation.during(sending).await?;
                    if let Some(first) = first.take_if(|_| sent > 0) {
                        first();
                    }
                }
            }
        }
        conversation.say(&Message::Sent { connections: sent }, &[], &[]).await?;
        if turn == Turn::Busy {
            last();
        }
        if conversation.hear().await? != (Message::Taken { connections: sent }) {
            return Err(Failed::Malformed);
        }
    }
    Ok(sent)
}

/// Sends those that can move now, up to so many as are asked at a time; of a process
/// that has taken over already.
pub(super) async fn send_some(
    pipes: &[Moving],
    removal: &Arc<Removal>,
) -> Result<u64, ChannelError> {
    for Moving { pipe, keys, .. } in pipes {
        let due = pipe.live.slices().flatten().filter(|live| is_established(live));
        let due: Vec<_> = due.take(SLICE).collect();
        if !due.is_empty() {
            let sent = removal.send(&pipe.name, keys, due).await?;
            if sent > 0 {
                return Ok(sent);
            }
        }
    }
    Ok(0)
}
