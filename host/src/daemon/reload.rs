//! Reload as a transaction: everything is read, checked and made first; then it
//! is put in use in one step that cannot fail. If anything is wrong, nothing has
//! changed.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::config::diff::Difference;
use crate::config::{FileWords, Parsed, PipeSettings, Settings, TextFile};
use crate::connection::acceptors::Hellos;
use crate::daemon::capacity::{Need, Room, Share};
use crate::daemon::gather::{Blame, Faults};
use crate::daemon::helper::{HelperError, ReadKeys, Received, Wanted};
use crate::daemon::making::{Parts, Ready};
use crate::daemon::sources::{Sources, remove_files};
use crate::daemon::supervisor::{Running, Supervisor, Verdict};
use crate::keys::{KeySet, KeySetError};
use crate::net::address::Address;
use crate::net::listen::Bound;
use crate::pipe::Pipe;
use crate::process::compute::{Class, Compute, Turn};

/// What a reload is about to put in use.
struct Plan {
    settings: Settings,
    ready: Vec<Ready>,
    /// All that are listened on then.
    sources: Sources,
    /// What is different then.
    difference: Difference,
}

impl Supervisor {
    /// Of a command line: reads its keys again.
    pub(super) async fn reload_keys(&mut self, dry_run: bool) -> Verdict {
        let reloaded = self.read_and_replace(dry_run).await;
        let described =
            |error: String| format!("{error}; the old keys stay in use, including removed ones");
        reloaded.map_err(described)
    }

    async fn read_and_replace(&mut self, dry_run: bool) -> Verdict {
        let Some(pipe) = self.running.first().map(|running| running.pipe.clone()) else {
            return Ok("there is no pipe any more".to_owned());
        };
        if !pipe.current().settings.connection.keys.can_be_read_again() {
            return Err(KeySetError::StdinAgain.to_string());
        }
        let helper = self.means.helper.as_ref().ok_or(HelperError::Gone);
        let keys = match helper {
            Ok(helper) => helper.keys().await,
            Err(error) => Err(error),
        };
        let keys = keys.map_err(|error| words(&error))?;
        let compute = self.means.compute.clone();
        let replace = move || {
            let keys = keys.into_set().map_err(|error| error.to_string())?;
            if dry_run {
                return Ok(pipe.current().snapshot.keys.difference(&keys));
            }
            Ok(pipe.replace_keys(keys))
        };
        let replaced = compute.run(turn(), replace).await;
        replaced.unwrap_or_else(|| Err("Cannot replace the keys".to_owned()))
    }

    /// Of a file: reads it and all that it names again.
    pub(super) async fn reload_file(&mut self, words: FileWords, dry_run: bool) -> Verdict {
        let planned = self.plan(words).await;
        let faults = |faults: Faults| {
            let end = "Nothing has changed: the old settings and keys stay in use".to_owned();
            faults.0.into_iter().chain([end]).collect::<Vec<_>>().join("\n")
        };
        let plan = planned.map_err(faults)?;
        let kept = self.kept_access(&plan.settings);
        let said = if dry_run {
            let Plan { ready, sources, difference, .. } = plan;
            let keys = ready.iter().filter_map(|ready| {
                ready.keys_change(self.former_called(&ready.name()).map(|pipe| &**pipe))
            });
            let said = lines(&difference, keys.collect());
            let made = sources.that_are_not_in(&self.sources);
            drop((ready, sources));
            self.remove_files(&made).await;
            said
        } else {
            self.commit(plan).await
        };
        let said = [said, kept].concat();
        Ok(if said.is_empty() { "nothing has changed".to_owned() } else { said.join("\n") })
    }

    /// Everything that can fail.
    async fn plan(&mut self, words: FileWords) -> Result<Plan, Faults> {
        let helper = self.means.helper.clone().ok_or_else(|| single(&HelperError::Gone))?;
        let held = self.sources.held();
        let compute = self.means.compute.clone();
        let parse = async |files: Vec<TextFile>| {
            let parse = move || words.parse(&files);
            let parsed = compute.run(turn(), parse).await.ok_or(HelperError::Malformed)?;
            parsed.map_err(|faults| {
                HelperError::Faults(faults.to_string().lines().map(ToOwned::to_owned).collect())
            })
        };
        let wanted = helper.settings(&held, parse).await;
        let Wanted { parsed: Parsed { settings, places }, pipes } = match wanted {
            Ok(wanted) => wanted,
            Err(HelperError::Faults(faults)) => return Err(Faults(faults)),
            Err(error) => return Err(single(&error)),
        };
        let blame = Blame::new(&settings, &places);
        let mut faults = Faults::default();
        let shares = self.shares(&settings, &blame, &mut faults);
        let parts = self.parts(&settings, pipes, shares, &blame, &mut faults).await;
        let (ready, sources) = self.make(parts, &blame, &mut faults);
        match faults.none_or(()) {
            Ok(()) => {
                let difference = Difference::between(&self.settings, &settings);
                Ok(Plan { settings, ready, sources, difference })
            }
            Err(faults) => {
                let made = sources.that_are_not_in(&self.sources);
                drop((ready, sources));
                self.remove_files(&made).await;
                Err(faults)
            }
        }
    }

    /// What there is room for. Whoever has room already must not lose it, except
    /// for as long as others have it who are gone from the settings.
    fn shares(&self, settings: &Settings, blame: &Blame<'_>, faults: &mut Faults) -> Vec<Share> {
        let (need, room) = (Need::of(settings), self.room());
        let shares = match need.within(&room) {
            Ok(shares) => shares,
            Err(error) => {
                faults.add(error.to_string());
                return Vec::new();
            }
        };
        for (pipe, share) in settings.pipes.iter().zip(&shares.pipes) {
            let granted = self.former(pipe).filter(|former| {
                former.current().settings.connection_limit == pipe.connection_limit
            });
            let granted = granted.map(|former| former.slots.limit());
            let wanted = pipe.connection_limit.map(|asked| granted.unwrap_or(asked).min(asked));
            if wanted.is_some_and(|wanted| share.connections < wanted) {
                let reason = need.reason(&room, &shares);
                let error =
                    format!("{} connections at once are possible: {reason}", share.connections);
                faults.add(blame.line(pipe, "max-connections", error));
            }
        }
        self.shares_now(settings).unwrap_or(shares.pipes)
    }

    /// What there is room for beside connections of pipes that are not among these
    /// settings, and those that are more than these settings allow.
    fn shares_now(&self, settings: &Settings) -> Option<Vec<Share>> {
        let beyond = |running: &Running| {
            let pipe = &running.pipe;
            let strangers = pipe.counters.strangers.now();
            let open = pipe.counters.connections.open_now().saturating_sub(strangers);
            let wanted = settings.pipes.iter().find(|wanted| wanted.name == pipe.name);
            match wanted.map(|wanted| wanted.connection_limit) {
                None => open,
                Some(None) => 0,
                Some(Some(limit)) => open.saturating_sub(limit.get()),
            }
        };
        let beyond = self.running.iter().chain(&self.leaving).map(beyond).sum();
        let shares = Need::of(settings).within(&self.room().beside(beyond)).ok()?;
        Some(shares.pipes)
    }

    /// The last connection of a pipe has ended that is gone: others have its room.
    pub(super) fn share_again(&self) {
        let shares = self.shares_now(&self.settings).unwrap_or_default();
        for (settings, share) in self.settings.pipes.iter().zip(shares) {
            if let Some(pipe) = self.former(settings) {
                pipe.slots.set_limit(share.connections);
            }
        }
    }

    fn room(&self) -> Room {
        self.room.of(&self.means.engine)
    }

    /// The pipe of this name that there is.
    fn former(&self, settings: &PipeSettings) -> Option<&Arc<Pipe>> {
        self.former_called(&settings.name)
    }

    fn former_called(&self, name: &str) -> Option<&Arc<Pipe>> {
        let all = self.running.iter().chain(&self.leaving);
        all.map(|running| &running.pipe).find(|pipe| *pipe.name == *name)
    }

    /// What the pipes are made of, and what they are to listen on.
    async fn parts(
        &self,
        settings: &Settings,
        pipes: Vec<Received>,
        shares: Vec<Share>,
        blame: &Blame<'_>,
        faults: &mut Faults,
    ) -> Vec<(Parts, Vec<Option<Bound>>)> {
        let mut parts = Vec::with_capacity(pipes.len());
        let pipes = settings.pipes.iter().zip(pipes).zip(shares);
        for ((settings, Received { keys, names, sources }), share) in pipes {
            match into_set(keys, &self.means.compute).await {
                Ok(keys) => {
                    let settings = settings.clone();
                    parts.push((Parts { settings, keys, names, share }, sources));
                }
                Err(error) => faults.add(blame.line(settings, "key", error)),
            }
        }
        parts
    }

    /// Makes the pipes, and all sources there are to be.
    fn make(
        &self,
        parts: Vec<(Parts, Vec<Option<Bound>>)>,
        blame: &Blame<'_>,
        faults: &mut Faults,
    ) -> (Vec<Ready>, Sources) {
        let (mut ready, mut hellos) = (Vec::new(), Hellos::default());
        let mut sources = self.sources.of_pipes();
        for (parts, bound) in parts {
            let pipe = parts.settings.clone();
            let former = self.former(&pipe).map(|pipe| &**pipe);
            let listener = sources.add(&pipe, bound, &self.sources);
            let made = listener.map_err(|error| ("source", error)).and_then(|listener| {
                let made = parts.make(listener, former, &self.means, &mut hellos);
                made.map_err(|error| ("key", error.to_string()))
            });
            match made {
                Ok(made) => ready.push(made),
                Err((key, error)) => faults.add(blame.line(&pipe, key, error)),
            }
        }
        (ready, sources)
    }

    /// Unix sockets that are listened on already keep the owner and the mode that
    /// they have.
    fn kept_access(&self, wanted: &Settings) -> Vec<String> {
        let former = |source: &Address| {
            let is_unix = matches!(source, Address::Unix(_));
            self.settings.pipes.iter().find(|pipe| is_unix && pipe.sources.contains(source))
        };
        let differs = |pipe: &&PipeSettings| {
            pipe.sources.iter().filter_map(former).any(|former| {
                (former.socket_mode, &former.socket_owner) != (pipe.socket_mode, &pipe.socket_owner)
            })
        };
        let say = |pipe: &PipeSettings| {
            format!("pipe {}: socket-mode and socket-owner change at the next restart", pipe.name)
        };
        wanted.pipes.iter().filter(differs).map(say).collect()
    }

    /// The step that cannot fail. Says what has changed.
    async fn commit(&mut self, plan: Plan) -> Vec<String> {
        let Plan { settings, ready, sources, difference } = plan;
        let mut former = mem::take(&mut self.running);
        former.append(&mut self.leaving);
        let mut keys = Vec::new();
        for ready in ready {
            let name = ready.name();
            let place = former.iter().position(|running| running.pipe.name == name);
            let running = place.map(|place| former.swap_remove(place));
            let pipe = running.as_ref().map(|running| &running.pipe);
            let in_use = ready.put_in_use(pipe, &self.means);
            keys.extend(in_use.keys.iter().map(|keys| format!("pipe {name}: keys: {keys}")));
            let running = self.serve(in_use, running);
            self.running.push(running);
        }
        former.iter_mut().for_each(Self::leave);
        self.leaving = former;
        let gone = self.sources.that_are_not_in(&sources);
        self.sources = sources;
        // One that was set for a while stays, unless the file says another one.
        if self.settings.process.log_level != settings.process.log_level {
            self.means.log.set_level(settings.process.log_level);
        }
        self.settings.process.log_level = settings.process.log_level;
        self.settings.process.drain = settings.process.drain;
        // What else is said of the process was decided at the start.
        self.settings.pipes = settings.pipes;
        self.show();
        self.remove_files(&gone).await;
        lines(&difference, keys)
    }

    /// Of Unix sockets, that nobody listens on any more.
    async fn remove_files(&self, sources: &[Address]) {
        let Some(helper) = &self.means.helper else { return };
        let files = sources.iter().filter_map(|source| match source {
            Address::Unix(path) => Some(path),
            Address::Abstract(_) | Address::Literal(_) | Address::Name { .. } => None,
        });
        // Whoever still has them lets them go, when it is its turn.
        remove_files(helper, files, LETTING_GO).await;
    }
}

/// How long the sockets of a source that is gone may stay open.
const LETTING_GO: Duration = Duration::from_secs(1);

/// What is different, a pipe a line.
fn lines(difference: &Difference, keys: Vec<String>) -> Vec<String> {
    let of_settings = difference.to_string();
    let of_settings = of_settings.lines().filter(|_| !difference.is_empty());
    of_settings.map(ToOwned::to_owned).chain(keys).collect()
}

async fn into_set(keys: ReadKeys, compute: &Compute) -> Result<KeySet, String> {
    let set = compute.run(turn(), move || keys.into_set()).await;
    let set = set.ok_or_else(|| "Cannot make the keys ready".to_owned())?;
    set.map_err(|error| error.to_string())
}

/// Before strangers, who may be searched among the former keys.
fn turn() -> Turn {
    Turn { class: Class::Authenticated, source: 0 }
}

fn single(error: &HelperError) -> Faults {
    Faults(vec![words(error)])
}

fn words(error: &HelperError) -> String {
    crate::daemon::gather::in_words(error)
}
