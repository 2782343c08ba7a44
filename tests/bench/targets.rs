//! What is behind the tunnels.

use anyhow::{Context, Result};
use spiped_tests::{Endpoint, Lab, Redis};

use crate::figures::{Target, redis};
use crate::options::Options;
use crate::service::Service;

/// All of them, for as long as the program runs.
pub(crate) struct Targets {
    /// Our own.
    pub(crate) service: Service,
    /// Started only if a figure needs it.
    redis: Option<Redis>,
    _lab: Lab,
}

impl Targets {
    /// Starts those that are needed.
    pub(crate) fn start(options: &Options) -> Result<Self> {
        let service = Service::start().context("starting the service behind the pipes")?;
        let lab = Lab::new();
        let needs_redis = options.figures.iter().any(|figure| figure.target == Target::Redis);
        let redis = needs_redis.then(|| Redis::start(&lab, &[]));
        if let Some(redis) = &redis {
            redis::prepare(redis.endpoint())?;
        }
        Ok(Self { service, redis, _lab: lab })
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self, target: Target) -> Result<&Endpoint> {
        match target {
            Target::Service => Ok(self.service.endpoint()),
            Target::Redis => Ok(self.redis.as_ref().context("no Redis")?.endpoint()),
        }
    }
}
