//! A pipe that waits for its names to be known (`wait-for-dns`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::daemon::helper::Helper;
use crate::net::address::Address;
use crate::net::resolve::LookUpNews;
use crate::pipe::{Pipe, State};

/// Has the names of a pipe looked up until all are known. Until one is, the pipe
/// accepts nobody.
pub(super) fn wait_for_names(pipe: Arc<Pipe>, helper: Arc<Helper>) -> AbortHandle {
    let wait = async move {
        let (mut news, mut pause) = (HashMap::new(), PAUSE_MIN);
        loop {
            for address in pipe.current().snapshot.targets.unresolved() {
                if look_up(&pipe, &address, &helper, &mut news).await {
                    pipe.set_state(State::Listening);
                }
            }
            if pipe.current().snapshot.targets.unresolved().is_empty() {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    };
    tokio::spawn(wait).abort_handle()
}

/// Says whether it is known now.
async fn look_up(
    pipe: &Pipe,
    address: &Address,
    helper: &Helper,
    news: &mut HashMap<Address, LookUpNews>,
) -> bool {
    let found = helper.endpoints(address).await;
    let news = news.entry(address.clone()).or_default();
    if let Some(news) = news.of(address, found.as_ref().err()) {
        log::warn!("{}: {news}", pipe.name);
    }
    let Ok(endpoints) = found else { return false };
    pipe.current().snapshot.targets.resolved(address, &endpoints);
    true
}

/// Between two attempts.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
