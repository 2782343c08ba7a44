//! Runs a program for WASI 0.2: `wasi FILE [ARG...]`, with everything that this
//! process has; or, for commands written for wasmtime's own program, as that does:
//! `wasi run [-S GRANT[,...]]... [--dir DIRECTORY]... [--env NAME=VALUE]... FILE
//! [ARG...]`, with what was granted.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, process};

use tempfile::NamedTempFile;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Result, Store, bail, error::Context as _};
use wasmtime_wasi::p2::add_to_linker_async;
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::runtime::in_tokio;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

fn main() -> Result<ExitCode> {
    let mut words = env::args().skip(1);
    let mut wasi = WasiCtxBuilder::new();
    wasi.inherit_stdio();
    let file = match words.next() {
        Some(word) if word == "run" => granted(&mut wasi, &mut words)?,
        Some(file) => {
            wasi.inherit_network().allow_tcp(true).allow_ip_name_lookup(true).inherit_env();
            for directory in [".", "/"] {
                wasi.preopened_dir(directory, directory, FsPerms::ReadOnly)?;
            }
            file
        }
        None => bail!("usage: wasi FILE [ARG...]"),
    };
    let name = Path::new(&file).file_name().context("no file")?;
    wasi.arg(name.to_string_lossy());
    wasi.args(&words.collect::<Vec<_>>());
    let table = ResourceTable::new();
    let wasi = wasi.build();
    in_tokio(run(Path::new(&file), State { wasi, table }))
}

async fn run(file: &Path, state: State) -> Result<ExitCode> {
    let engine = Engine::new(&Config::new())?;
    let component = compiled(&engine, file)?;
    let mut linker = Linker::new(&engine);
    add_to_linker_async(&mut linker)?;
    let mut store = Store::new(&engine, state);
    let command = Command::instantiate_async(&mut store, &component, &linker).await?;
    match command.wasi_cli_run().call_run(&mut store).await {
        Ok(Ok(())) => Ok(ExitCode::SUCCESS),
        Ok(Err(())) => Ok(ExitCode::FAILURE),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            // At once, as wasmtime's program does it.
            Some(exit) => process::exit(exit.0),
            None => Err(error),
        },
    }
}

/// Reads options up to the file.
fn granted(wasi: &mut WasiCtxBuilder, words: &mut impl Iterator<Item = String>) -> Result<String> {
    loop {
        let word = words.next().context("no file")?;
        let mut value = || words.next().context("an option without a value");
        if let Some(grants) = word.strip_prefix("-S") {
            let grants = if grants.is_empty() { value()? } else { grants.into() };
            for grant in grants.split(',') {
                match grant {
                    "inherit-network" => wasi.inherit_network().allow_tcp(true),
                    "allow-ip-name-lookup" => wasi.allow_ip_name_lookup(true),
                    "inherit-env" => wasi.inherit_env(),
                    _ => bail!("no such grant here: {grant}"),
                };
            }
        } else if word == "--dir" {
            let directory = value()?;
            let (host, guest) = directory.split_once("::").unwrap_or((&directory, &directory));
            wasi.preopened_dir(host, guest, FsPerms::ReadOnly)?;
        } else if word == "--env" {
            let variable = value()?;
            let (name, value) = variable.split_once('=').context("a variable without a value")?;
            wasi.env(name, value);
        } else {
            return Ok(word);
        }
    }
}

/// What the file was compiled to, which is kept beside it.
fn compiled(engine: &Engine, file: &Path) -> Result<Component> {
    let kept = PathBuf::from(file).with_extension("wasi.cwasm");
    let time = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    if time(&kept).is_ok_and(|kept| time(file).is_ok_and(|file| file < kept)) {
        // SAFETY: only we write there, and only what this function compiled. Of
        // another version, wasmtime refuses it.
        #[allow(unsafe_code, reason = "machine code cannot be checked")]
        if let Ok(component) = unsafe { Component::deserialize_file(engine, &kept) } {
            return Ok(component);
        }
    }
    let component = Component::from_file(engine, file)?;
    // Others do the same at the same time; each finds a whole file.
    let directory = kept.parent().filter(|it| !it.as_os_str().is_empty());
    let mut own = NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    std::io::Write::write_all(&mut own, &component.serialize()?)?;
    own.persist(&kept)?;
    Ok(component)
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
