//! The pipes that files speak of: `[pipe.NAME]`, and the two that a
//! `[both-ways.NAME]` stands for.

use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable};

use super::read::Reader;
use super::{BOTH_WAYS, PIPE};
use crate::config::build::Builder;
use crate::config::given::{Given, Said, Value};
use crate::config::options::{Key, Scope, in_file};
use crate::config::problem::{Problem, Wrong};
use crate::config::settings::Mode;
use crate::config::{Fault, PipeSettings, Place, Places};
use crate::net::address::Address;

/// Pipes as they were said.
#[derive(Default)]
pub(super) struct Pipes {
    list: Vec<Pipe>,
    names: HashMap<Arc<str>, Place>,
}

struct Pipe {
    name: Arc<str>,
    place: Place,
    /// What is said of it alone.
    own: Given<Place>,
    /// What is said of it and its counterpart.
    shared: Given<Place>,
}

impl Pipes {
    /// Reads those of one file.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, table: &DeTable<'_>) {
        for (name, pipe) in named(reader, table, PIPE) {
            let own = reader.table(pipe, &[Scope::Ends, Scope::Pipe], &[]);
            self.add(reader, name, "", own, Given::default());
        }
        for (name, pipe) in named(reader, table, BOTH_WAYS) {
            let mut shared = reader.table(pipe, &[Scope::BothWays, Scope::Pipe], &[]);
            let place = reader.place(name);
            let [local, listen, peer, mirror] = [Key::Local, Key::Listen, Key::Peer, Key::Mirror]
                .map(|key| {
                    let said = shared.take(key);
                    if said.is_none() && !shared.is_garbled(key) {
                        let problem = Problem::<Place> { key, place: None, wrong: Wrong::Missing };
                        reader.fault(name, problem.to_string());
                    }
                    said
                });
            let out = one_way(Mode::Encrypt, mirror, peer, &place);
            let into = one_way(Mode::Decrypt, listen, local, &place);
            self.add(reader, name, "-out", out, shared.clone());
            self.add(reader, name, "-in", into, shared);
        }
    }

    fn add(
        &mut self,
        reader: &mut Reader<'_>,
        name: &Spanned<DeString<'_>>,
        suffix: &str,
        own: Given<Place>,
        shared: Given<Place>,
    ) {
        let place = reader.place(name);
        let text: Arc<str> = format!("{}{suffix}", name.get_ref()).into();
        if let Some(earlier) = self.names.insert(text.clone(), place.clone()) {
            let words = format!(
                "There is a pipe {text:?} already, at {earlier}: give one of them another name"
            );
            reader.fault(name, words);
        } else if !is_name(&text) {
            let words = format!(
                "{text:?} cannot be the name of a pipe: write 1 to {NAME_MAX} letters, digits, -, \
                 _ and ."
            );
            reader.fault(name, words);
        }
        self.list.push(Pipe { name: text, place, own, shared });
    }

    /// Makes settings of them. They are of use only if nothing is wrong.
    pub(super) fn build(
        &self,
        defaults: &Given<Place>,
        places: &mut Places,
        faults: &mut Vec<Fault>,
    ) -> Vec<PipeSettings> {
        let mut settings = Vec::new();
        let mut sources = HashMap::new();
        for pipe in &self.list {
            let layers = vec![&pipe.own, &pipe.shared, defaults];
            for layer in layers.iter().rev() {
                places.note_all(Some(&pipe.name), layer);
            }
            places.note(Some(&pipe.name), "", pipe.place.clone());
            let mut builder = Builder::new(layers);
            let built = builder.pipe(Some(pipe.name.clone()));
            for problem in builder.problems() {
                let words = problem.to_string();
                let place = problem.place.unwrap_or_else(|| pipe.place.clone());
                faults.push(Fault { place, words });
            }
            let place = pipe.own.get(Key::Source).map_or(&pipe.place, |said| &said.place);
            for source in &built.sources {
                if is_any_port(source) {
                    continue;
                }
                if let Some((name, earlier)) = sources.insert(source.clone(), (&pipe.name, place)) {
                    let words = format!(
                        "source {source} is already that of pipe {name}, at {earlier}: choose \
                         another one"
                    );
                    faults.push(Fault { place: place.clone(), words });
                }
            }
            settings.push(built);
        }
        settings
    }
}

/// The tables within the table of this name, in the order they are written.
fn named<'t>(
    reader: &mut Reader<'_>,
    table: &'t DeTable<'_>,
    kind: &'static str,
) -> Vec<(&'t Spanned<DeString<'t>>, &'t DeTable<'t>)> {
    let mut found = Vec::new();
    for (name, pipe) in reader.subtable(table, kind).into_iter().flatten() {
        match pipe.get_ref().as_table() {
            Some(table) => found.push((name, table)),
            None => reader.fault(name, format!("[{kind}] has no name: write [{kind}.NAME]")),
        }
    }
    found.sort_by_key(|(name, _)| name.span().start);
    found
}

/// One of the two pipes of a stanza.
fn one_way(
    mode: Mode,
    source: Option<Said<Place>>,
    target: Option<Said<Place>>,
    place: &Place,
) -> Given<Place> {
    let mut given = Given::default();
    let mode = Some((Value::Mode(mode), place.clone()));
    let [source, target] = [source, target].map(|said| said.map(|said| (said.value, said.place)));
    for (key, said) in [(Key::Mode, mode), (Key::Source, source), (Key::Target, target)] {
        // The place of what is missing has been said.
        let (value, place) = said.unwrap_or_else(|| (Value::Texts(Vec::new()), place.clone()));
        given.extend(in_file(key).map(|option| Said { option, value, place }));
    }
    given
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Any number of sources can say that the system may choose.
fn is_any_port(source: &Address) -> bool {
    match source {
        Address::Literal(literal) => literal.port() == 0,
        Address::Name { port, .. } => port.bytes().all(|byte| byte == b'0'),
        Address::Unix(_) | Address::Abstract(_) => false,
    }
}

/// Fits a line of the log and a label of metrics.
const NAME_MAX: usize = 64;
