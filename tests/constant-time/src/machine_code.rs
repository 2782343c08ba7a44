//! From an address in a component's machine code to places in its source.
//!
//! ```text
//! address ── where it was loaded ──▶ offset in the machine code
//!         ── wasmtime's address map ──▶ offset in the component
//!         ── where its code section is ──▶ offset in the code section
//!         ── DWARF of the core module it was made of ──▶ places
//! ```

use std::ops::Range;

use addr2line::Context as Lines;
use addr2line::gimli::{self, Dwarf, EndianSlice, LittleEndian, SectionId};
use anyhow::{Context as _, Result, bail, ensure};
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};
use wasmtime_environ::lookup_file_pos;

use crate::valgrind::Place;

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// One component's machine code.
pub(crate) struct MachineCode<'a> {
    /// Of the machine code, in bytes.
    len: u64,
    /// wasmtime's.
    address_map: &'a [u8],
    /// Where the code section's content is in the component.
    code: Range<u32>,
    lines: Lines<Reader<'a>>,
}

impl<'a> MachineCode<'a> {
    /// `machine_code` is made of `component`, and that of `core_module`, which
    /// has debug information.
    pub(crate) fn parse(
        machine_code: &'a [u8],
        component: &[u8],
        core_module: &'a [u8],
    ) -> Result<Self> {
        let elf = ElfFile64::<Endianness>::parse(machine_code)?;
        let sections = wasm_sections(core_module).context("no core module")?;
        let code = sections.iter().find(|section| section.id == CODE).context("no code section")?;
        let at = component.windows(code.content.len()).position(|bytes| bytes == code.content);
        let at = at.context("the component was made of another core module: run make")?;
        let dwarf = |id: SectionId| {
            let found = sections.iter().find(|section| section.name == Some(id.name()));
            let content = found.map(|section| section.content).unwrap_or_default();
            Ok::<_, gimli::Error>(Reader::new(content, LittleEndian))
        };
        Ok(Self {
            len: section(&elf, ".text")?.len() as u64,
            address_map: section(&elf, ".wasmtime.addrmap")?,
            code: u32::try_from(at)?..u32::try_from(at + code.content.len())?,
            lines: Lines::from_dwarf(Dwarf::load(dwarf)?)?,
        })
    }

    /// Where a program has loaded it, by its memory map.
    pub(crate) fn loaded_at(&self, maps: &str) -> Result<u64> {
        let found = maps.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let (from, to) = words.next()?.split_once('-')?;
            let from = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            let executable = words.next()?.contains('x');
            (executable && to - from == self.len).then_some(from)
        });
        match found.collect::<Vec<_>>()[..] {
            [at] => Ok(at),
            ref all => bail!("{} mappings have the machine code's size", all.len()),
        }
    }

    /// The places that an offset in the machine code comes from, the innermost
    /// first; none if it is not in a function.
    pub(crate) fn places(&self, offset: u64) -> Result<Vec<Place>> {
        let Some(position) = self.position(offset) else { return Ok(Vec::new()) };
        let address = position.checked_sub(self.code.start);
        // The encoder's own small modules have no source.
        let Some(address) = address.filter(|_| position < self.code.end) else {
            return Ok(Vec::new());
        };
        let address = u64::from(address);
        let mut frames = self.lines.find_frames(address).skip_all_loads()?;
        let mut places = Vec::new();
        while let Some(frame) = frames.next()? {
            let function = frame.function.as_ref();
            let function = function.and_then(|function| Some(function.demangle().ok()?.into()));
            let location = frame.location.as_ref();
            places.push(Place {
                function: function.unwrap_or_default(),
                file: location.and_then(|at| at.file).unwrap_or_default().to_owned(),
                line: location.and_then(|at| at.line).unwrap_or_default(),
            });
        }
        ensure!(!places.is_empty(), "no place for {address:#x} in the core module");
        Ok(places)
    }

    fn position(&self, offset: u64) -> Option<u32> {
        if offset >= self.len {
            return None;
        }
        lookup_file_pos(self.address_map, usize::try_from(offset).ok()?)?.file_offset()
    }
}

fn section<'a>(elf: &ElfFile64<'a, Endianness>, name: &str) -> Result<&'a [u8]> {
    let section = elf.section_by_name(name).with_context(|| format!("no section {name}"))?;
    Ok(section.data()?)
}

const CODE: u8 = 10;
const CUSTOM: u8 = 0;

struct WasmSection<'a> {
    id: u8,
    /// Of a custom section.
    name: Option<&'a str>,
    content: &'a [u8],
}

fn wasm_sections(module: &[u8]) -> Option<Vec<WasmSection<'_>>> {
    let mut rest = module.strip_prefix(b"\0asm\x01\0\0\0")?;
    let mut sections = Vec::new();
    while let Some((&id, after)) = rest.split_first() {
        let (len, after) = leb128(after)?;
        let (mut content, after) = after.split_at_checked(len)?;
        let mut name = None;
        if id == CUSTOM {
            let (len, after) = leb128(content)?;
            let (text, after) = after.split_at_checked(len)?;
            name = str::from_utf8(text).ok();
            content = after;
        }
        sections.push(WasmSection { id, name, content });
        rest = after;
    }
    Some(sections)
}

fn leb128(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        number |= usize::from(byte & 0x7f) << shift;
        bytes = rest;
        if byte < 0x80 {
            return Some((number, bytes));
        }
    }
    None
}
