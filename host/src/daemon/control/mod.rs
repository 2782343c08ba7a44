//! The control socket: docs/control.md.

mod client;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::daemon::overview::Outlook;
use crate::daemon::supervisor::Desk;
use crate::net::listen::{Accepted, Bound, Listener, SocketAccess, listen};
use crate::net::resolve::Endpoint;
use crate::process::privileges::Identity;

/// More than any administrator needs at once. Others are told to come back.
pub(super) const CLIENTS_MAX: usize = 8;

/// Listens there. Only the owner, and root, can connect.
///
/// # Errors
/// What is in the way, and what to do about it.
pub(super) fn bind(path: &Path, owner: Option<Identity>) -> Result<Bound> {
    let access = SocketAccess { mode: Some(0o600), owner };
    listen(&Endpoint::Unix(path.to_owned()), &access).with_context(|| {
        format!(
            "Cannot create the control socket {} (--control, `control =`): its directory has to \
             exist, and no other daemon may use it",
            path.display()
        )
    })
}

/// Answers whoever connects and finds one of these `places`, until the future is
/// dropped. Who has connected by then is answered.
pub(super) async fn serve(
    listener: Listener,
    outlook: Arc<Outlook>,
    desk: Desk,
    places: Arc<Semaphore>,
) {
    loop {
        let stream = match listener.accept().await {
            Ok(Accepted::Unix(stream)) => stream,
            // It listens on nothing else.
            Ok(Accepted::Tcp(..)) => continue,
            Err(_) => {
                // Out of descriptors, as a rule, for which others have a line.
                sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            client::refuse(stream);
            continue;
        };
        let Ok(stream) = UnixStream::from_std(stream) else { continue };
        let (outlook, desk) = (outlook.clone(), desk.clone());
        tokio::spawn(async move {
            // Whoever leaves, or does not read, is no concern of ours.
            let _ = client::serve(stream, &outlook, &desk).await;
            drop(place);
        });
    }
}

/// After an accept that failed.
const PAUSE: Duration = Duration::from_millis(100);
