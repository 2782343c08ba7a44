//! One client of the control socket.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::connection::live::{Live, Reset};
use crate::control::messages::{
    Answer, Connection, Outcome, REQUEST_MAX, Request, Said, VERSION, Wish,
};
use crate::daemon::overview::Outlook;
use crate::daemon::supervisor::Desk;
use crate::keys::Key;
use crate::pipe::Pipe;

/// Answers one request after the other.
///
/// # Errors
/// When the client is gone, or is not waited for any longer.
pub(super) async fn serve(stream: UnixStream, outlook: &Outlook, desk: &Desk) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(line) = timeout(SILENCE_MAX, next_line(&mut read)).await?? {
        let (result, is_last) = match line {
            Ok(line) => (answer(&line, outlook, desk, &mut write).await?, false),
            Err(fault) => (Outcome::Error(fault), true),
        };
        send(&mut write, lines([Answer::new(result)])).await?;
        if is_last {
            break;
        }
    }
    Ok(())
}

/// Tells one that there is no place for.
pub(super) fn refuse(mut stream: StdUnixStream) {
    let fault = "Too many programs are connected to the control socket: try again".to_owned();
    // There is room for it, since nothing else was sent.
    let _ = stream.write(&lines([Answer::new(Outcome::Error(fault))]));
}

/// The next request, without its end; `None`: there is none. The inner error
/// tells the client why there can be none.
async fn next_line(
    read: &mut BufReader<OwnedReadHalf>,
) -> io::Result<Option<Result<Vec<u8>, String>>> {
    let mut line = Vec::new();
    // One more, for the end of the line.
    let len = read.take(REQUEST_MAX as u64 + 1).read_until(b'\n', &mut line).await?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(Ok(line)));
    }
    let is_too_long = len > REQUEST_MAX;
    let fault = || format!("The request has more than {REQUEST_MAX} bytes");
    Ok(is_too_long.then(|| Err(fault())))
}

async fn answer(
    line: &[u8],
    outlook: &Outlook,
    desk: &Desk,
    write: &mut OwnedWriteHalf,
) -> io::Result<Outcome> {
    let wish = match parse(line) {
        Ok(wish) => wish,
        Err(fault) => return Ok(Outcome::Error(fault)),
    };
    let said = match wish {
        Wish::Status => Ok(Said::Status(Box::new(outlook.overview()))),
        Wish::List => Ok(Said::Connections(list(outlook, write).await?)),
        Wish::Drop { what } => drop_all(outlook, &what).map(Said::Connections),
        Wish::Reload { dry_run } => desk.reload(dry_run).await.map(Said::Reload),
        Wish::Upgrade { check } => desk.upgrade(check).await.map(Said::Upgrade),
        Wish::LogLevel { level } => set_level(outlook, level.as_deref()).map(Said::LogLevel),
    };
    Ok(said.map_or_else(Outcome::Error, Outcome::Ok))
}

fn parse(line: &[u8]) -> Result<Wish, String> {
    let request: Request =
        serde_json::from_slice(line).map_err(|fault| format!("Not a request: {fault}"))?;
    if request.version != VERSION {
        let theirs = request.version;
        return Err(format!(
            "This daemon speaks version {VERSION} of the control protocol, not \
            {theirs}"
        ));
    }
    Ok(request.wish)
}

/// Sends a line for each connection, some at a time: neither they nor this
/// process's other observers have to wait for all of them.
async fn list(outlook: &Outlook, write: &mut OwnedWriteHalf) -> io::Result<u64> {
    let mut count = 0;
    for pipe in all_pipes(outlook) {
        for slice in pipe.live.slices() {
            count += slice.len() as u64;
            send(write, lines(slice.iter().map(|live| describe(&pipe, live)))).await?;
        }
    }
    Ok(count)
}

fn describe(pipe: &Pipe, live: &Live) -> Connection {
    let traffic = live.traffic();
    Connection {
        id: live.id(),
        pipe: pipe.name.to_string(),
        peer: live.peer().unwrap_or_default().to_owned(),
        key: live.key().and_then(Key::name).map(ToString::to_string),
        stage: live.stage().word().to_owned(),
        seconds: live.age().as_secs_f64(),
        idle_seconds: live.idle().as_secs_f64(),
        sent: traffic.sent,
        received: traffic.received,
    }
}

/// Ends the connection of this number, or all of the key of this name.
fn drop_all(outlook: &Outlook, what: &str) -> Result<u64, String> {
    let pipes = all_pipes(outlook);
    let number = what.parse::<u64>().ok();
    let of_number = number.and_then(|id| pipes.iter().find_map(|pipe| pipe.live.get(id)));
    if let Some(live) = of_number {
        live.reset(Reset::Dropped);
        return Ok(1);
    }
    let is_of_key = |live: &Arc<Live>| {
        live.key().and_then(Key::name).is_some_and(|name| name.to_string() == what)
    };
    let mut count = 0;
    for live in pipes.iter().flat_map(|pipe| pipe.live.slices()).flatten().filter(is_of_key) {
        live.reset(Reset::Dropped);
        count += 1;
    }
    if count == 0 {
        return Err(format!(
            "No connection has the ID {what}, and none uses a key of that name (spiped list shows \
             both)"
        ));
    }
    Ok(count)
}

fn set_level(outlook: &Outlook, level: Option<&str>) -> Result<String, String> {
    if let Some(word) = level {
        let level = LevelFilter::from_str(word).ok().filter(|level| is_offered(*level));
        let fault = || format!("Unknown log level: {word} (write error, warn, info or debug)");
        outlook.log.set_level(level.ok_or_else(fault)?);
    }
    Ok(outlook.log.level().to_string().to_lowercase())
}

/// The others are for programmers.
fn is_offered(level: LevelFilter) -> bool {
    (LevelFilter::Error..=LevelFilter::Debug).contains(&level)
}

fn all_pipes(outlook: &Outlook) -> Vec<Arc<Pipe>> {
    let (configured, removed) = (outlook.pipes.configured(), outlook.pipes.removed());
    configured.iter().chain(removed.iter()).cloned().collect()
}

async fn send(write: &mut OwnedWriteHalf, bytes: Vec<u8>) -> io::Result<()> {
    timeout(TAKING_MAX, write.write_all(&bytes)).await?
}

/// Each of them as a line of JSON.
fn lines(values: impl IntoIterator<Item = impl Serialize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        // Neither the values nor a vector can fail.
        let _ = serde_json::to_writer(&mut bytes, &value);
        bytes.push(b'\n');
    }
    bytes
}

/// How long a client may be silent.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// How long it may take for some hundred lines.
const TAKING_MAX: Duration = Duration::from_secs(10);
