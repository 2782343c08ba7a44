//! `spipe`: from standard input and output to the target.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use wasip2::cli::exit;

use crate::handshake::{client_config, connect};
use crate::net::{Dialer, Duplex, Targets};
use crate::relay::relay;
use crate::runtime::Runtime;
use crate::settings::Connecting;
use crate::words::Fault;
use crate::{keys, log};

/// Runs until both directions have ended.
pub(crate) async fn run(runtime: Runtime, settings: Connecting) -> Result<(), String> {
    let config = client_config(&settings);
    let timeout = settings.timeout;
    let targets = Targets::new(runtime, &settings, Duration::MAX).await?;
    let dialer = Dialer::new(runtime, &settings).await?;
    let psk = keys::read(&settings.key)?;
    let mut crypt = dialer.dial(&targets).await?;
    let handshake = connect(config, &psk, &mut crypt);
    let established = match runtime.within(timeout, handshake).await {
        Some(Ok(established)) => established,
        Some(Err(fault)) => fail(&format!("Handshake failed: {fault}")),
        None => fail(&format!("Handshake failed: {}", Fault::Time)),
    };
    let mut plain = Duplex::standard(runtime);
    if let Err(fault) = relay(runtime, timeout, established, &mut plain, &mut crypt).await {
        fail(&format!("Connection error: {fault}"));
    }
    plain.close().await;
    crypt.close().await;
    Ok(())
}

/// Ends the program at once: to close a stream that the peer does not read
/// could take for ever.
fn fail(problem: &str) -> ! {
    log::line(problem);
    exit::exit(Err(()));
    unreachable!("the host has ended the program")
}
