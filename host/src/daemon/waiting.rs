//! A pipe that waits for its names to be known (`wait-for-dns`).

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::daemon::helper::Helper;
use crate::net::address::Address;
use crate::net::resolve::LookUpNews;
use crate::pipe::{Pipe, State};

/// Has the names of a pipe looked up until all are known. Until then the pipe
/// accepts nobody.
pub(super) fn wait_for_names(pipe: Arc<Pipe>, helper: Arc<Helper>) -> AbortHandle {
    let wait = async move {
        for address in pipe.current().snapshot.targets.unresolved() {
            look_up(&pipe, &address, &helper).await;
        }
        pipe.set_state(State::Listening);
    };
    tokio::spawn(wait).abort_handle()
}

async fn look_up(pipe: &Pipe, address: &Address, helper: &Helper) {
    let (mut news, mut pause) = (LookUpNews::default(), PAUSE_MIN);
    loop {
        let found = helper.endpoints(address).await;
        if let Some(news) = news.of(address, found.as_ref().err()) {
            log::warn!("{}: {news}", pipe.name);
        }
        if let Ok(endpoints) = found {
            pipe.current().snapshot.targets.resolved(address, &endpoints);
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Between two attempts.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
