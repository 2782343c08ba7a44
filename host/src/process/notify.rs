//! Tells a service manager how we are, if one listens.

use sd_notify::NotifyState;

/// Start-up is done. Without `NOTIFY_SOCKET` this does nothing.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Reading settings again, until [`ready`]. Without `NOTIFY_SOCKET` this does
/// nothing.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("Cannot read the clock: {error}"),
    }
}

/// Draining: no new connections, the last ones are being finished. Without
/// `NOTIFY_SOCKET` this does nothing.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// The manager acts on silence by itself, so a failure is only worth a line.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("Cannot notify the service manager (NOTIFY_SOCKET): {error}");
    }
}
