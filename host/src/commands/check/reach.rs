//! Whether what a pipe connects to is there: for all pipes at once, as each may
//! take its time limit.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use log::Level;
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use super::finding::Findings;
use super::peer;
use super::pipe::Examined;
use crate::config::PipeSettings;
use crate::guest::{Config, Engine};
use crate::net::dial::dial;
use crate::net::needs::needs;
use crate::net::resolve::Endpoint;
use crate::process::sandbox::{Demand, Needs, Sandbox};

/// So many connections at once: few descriptors, and nothing else that is scarce.
const AT_ONCE: u32 = 32;

/// Dials the targets of all pipes, and greets the other ends if `peer` is set.
/// Returns all that was found, in the order of the pipes.
pub(super) fn check_all(
    settings: &[PipeSettings],
    pipes: Vec<Examined>,
    peer: bool,
) -> Result<Vec<Findings>> {
    let clients = settings.iter().any(|pipe| matches!(pipe.connection.config, Config::Client(_)));
    // Nothing is looked up or opened any more.
    let sandbox = Sandbox::enter(&needs_of(settings, &pipes), None)?;
    let engine = (peer && clients).then(|| Engine::new(AT_ONCE)).transpose()?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let permits = Arc::new(Semaphore::new(AT_ONCE as usize));
    LocalSet::new().block_on(&runtime, async {
        sandbox.seal(Demand::Possible(Level::Debug))?;
        let mut tasks = JoinSet::new();
        for (index, (pipe, examined)) in settings.iter().zip(pipes).enumerate() {
            let (pipe, engine, permits) = (pipe.clone(), engine.clone(), permits.clone());
            tasks.spawn_local(async move {
                let _permit = permits.acquire_owned().await;
                (index, check(&pipe, examined, peer, engine).await)
            });
        }
        let mut found = Vec::new();
        while let Some(done) = tasks.join_next().await {
            found.push(done.context("Cannot check the targets")?);
        }
        found.sort_by_key(|(index, _)| *index);
        Ok(found.into_iter().map(|(_, findings)| findings).collect())
    })
}

/// What the connections need that are made.
fn needs_of(settings: &[PipeSettings], pipes: &[Examined]) -> Needs {
    let local = |pipe: &Examined| pipe.bind.as_ref().ok().cloned().flatten();
    let all = settings
        .iter()
        .zip(pipes)
        .map(|(pipe, examined)| needs(&pipe.connection.targets, local(examined).as_ref()));
    all.reduce(Needs::and).unwrap_or_else(|| needs(&[], None))
}

async fn check(
    pipe: &PipeSettings,
    examined: Examined,
    peer: bool,
    engine: Option<Engine>,
) -> Findings {
    let Examined { mut findings, key, targets, bind, .. } = examined;
    let connection = &pipe.connection;
    let Ok(bind) = bind else {
        return findings;
    };
    if peer && matches!(connection.config, Config::Server(_)) {
        findings.note(
            "target",
            "Peer: this end waits for connections: run spiped check --peer on the host that \
             encrypts",
        );
    }
    for endpoints in targets.iter().filter(|endpoints| !endpoints.is_empty()) {
        match (connection.config, &engine, &key) {
            (Config::Client(config), Some(engine), Some(key)) => {
                let engine = engine.clone();
                let bind = bind.as_ref();
                peer::check(engine, connection, config, key, endpoints, bind, &mut findings).await;
            }
            _ => reach(endpoints, bind.as_ref(), pipe, &mut findings).await,
        }
    }
    findings
}

/// A target that cannot be reached is a warning: it may be started later.
async fn reach(
    endpoints: &[Endpoint],
    bind: Option<&Endpoint>,
    pipe: &PipeSettings,
    findings: &mut Findings,
) {
    if let Err(error) = dial(endpoints, bind, pipe.connection.time_limit).await {
        let there = match pipe.connection.config {
            Config::Client(_) => "spiped -d at the other end",
            Config::Server(_) => "the service",
        };
        findings.warning(
            "target",
            format!(
                "Cannot reach the target: {error}: start {there}, correct the address, or open \
                 the firewall"
            ),
        );
    }
}
