// SPDX-License-Identifier: GPL-2.0

//! Reads a relocatable object.
//!
//! Every offset, index and size is checked before use: a damaged file gives an error, never a
//! panic, and never an [`Object`] with an id that names nothing.

use super::{
    elf::*,
    error::{
        damaged,
        Error,
        Result, //
    },
};

const EHDR_SIZE: usize = 64;
const SHDR_SIZE: usize = 64;
const SYM_SIZE: usize = 24;
const RELA_SIZE: usize = 24;
const SHN_LORESERVE: u16 = 0xff00;
const SHN_ABS: u16 = 0xfff1;
const SHN_COMMON: u16 = 0xfff2;

/// No compiler asks for more; a larger one would only make the writer pad without end.
const ALIGN_MAX: u64 = 1 << 21;

/// One section header as it stands in the file.
#[derive(Clone)]
pub(crate) struct Header {
    name: usize,
    pub(crate) kind: u32,
    flags: u64,
    pub(crate) address: u64,
    offset: u64,
    pub(crate) size: u64,
    pub(crate) link: u32,
    info: u32,
    align: u64,
    pub(crate) entry_size: u64,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let end = at.checked_add(N);
    match end.and_then(|end| bytes.get(at..end)) {
        Some(slice) => {
            let mut out = [0; N];
            out.copy_from_slice(slice);
            Ok(out)
        }
        None => damaged(format!("{N} bytes at offset {at:#x} are past the end")),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

fn index(value: u64) -> Result<usize> {
    usize::try_from(value).or_else(|_| damaged(format!("offset {value:#x} is out of range")))
}

pub(crate) fn string(table: &[u8], at: usize) -> Result<String> {
    let Some(tail) = table.get(at..) else {
        return damaged(format!("name at {at:#x} is outside its string table"));
    };
    let Some(end) = tail.iter().position(|&byte| byte == 0) else {
        return damaged(format!("name at {at:#x} has no end"));
    };
    match core::str::from_utf8(&tail[..end]) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => damaged(format!("name at {at:#x} is not UTF-8")),
    }
}

fn header(bytes: &[u8], at: usize) -> Result<Header> {
    Ok(Header {
        name: index(u64::from(u32_at(bytes, at)?))?,
        kind: u32_at(bytes, at + 4)?,
        flags: u64_at(bytes, at + 8)?,
        address: u64_at(bytes, at + 16)?,
        offset: u64_at(bytes, at + 24)?,
        size: u64_at(bytes, at + 32)?,
        link: u32_at(bytes, at + 40)?,
        info: u32_at(bytes, at + 44)?,
        align: u64_at(bytes, at + 48)?,
        entry_size: u64_at(bytes, at + 56)?,
    })
}

/// An object being read.
struct Reader<'a> {
    bytes: &'a [u8],
    headers: Vec<Header>,

    /// By file index: the section that the header became.
    ids: Vec<Option<SectionId>>,
}

/// Returns the type of the file and the machine that it is for.
fn kind_and_machine(bytes: &[u8]) -> Result<(u16, u16)> {
    let ident: [u8; 16] = array(bytes, 0)?;
    if ident[..4] != *b"\x7fELF" {
        return damaged("it does not start with the ELF magic");
    }
    if ident[4] != 2 || ident[5] != 1 || ident[6] != 1 {
        return Err(Error::Unsupported(
            "not 64-bit little-endian ELF, version 1".into(),
        ));
    }
    Ok((u16_at(bytes, 16)?, u16_at(bytes, 18)?))
}

/// Section headers of an object, for a quick look before the whole of it is read.
fn headers(bytes: &[u8]) -> Result<(Vec<Header>, usize)> {
    let (kind, machine) = kind_and_machine(bytes)?;
    if kind != 1 || machine != 62 {
        return Err(Error::Unsupported(format!(
            "not a relocatable object of x86-64 (type {kind}, machine {machine}): \
             link-time optimisation is not possible with CONFIG_UNDERTOW"
        )));
    }
    if u16_at(bytes, 56)? != 0 || u64_at(bytes, 24)? != 0 {
        return damaged("its header has a program header or an entry point");
    }
    section_headers(bytes)
}

/// Section headers of a linked file.
pub(crate) fn linked_headers(bytes: &[u8]) -> Result<Vec<Header>> {
    let (kind, machine) = kind_and_machine(bytes)?;
    if !matches!(kind, 2 | 3) || machine != 62 {
        return Err(Error::Unsupported(format!(
            "not a linked file of x86-64 (type {kind}, machine {machine})"
        )));
    }
    Ok(section_headers(bytes)?.0)
}

fn section_headers(bytes: &[u8]) -> Result<(Vec<Header>, usize)> {
    let start = index(u64_at(bytes, 40)?)?;
    if usize::from(u16_at(bytes, 52)?) != EHDR_SIZE || usize::from(u16_at(bytes, 58)?) != SHDR_SIZE
    {
        return damaged("its header has wrong sizes");
    }
    let count = u16_at(bytes, 60)?;
    let names = u16_at(bytes, 62)?;
    if start == 0 || count == 0 {
        return Err(Error::Unsupported(
            "no section headers, or more than 65279".into(),
        ));
    }
    if count >= SHN_LORESERVE || names >= count {
        return damaged("the header names sections that do not exist");
    }
    let mut all = Vec::with_capacity(usize::from(count));
    for number in 0..usize::from(count) {
        let at = start.checked_add(number * SHDR_SIZE);
        let at = at.filter(|at| at.checked_add(SHDR_SIZE).is_some());
        let Some(at) = at else {
            return damaged("the section headers are past the end");
        };
        all.push(header(bytes, at)?);
    }
    Ok((all, usize::from(names)))
}

/// Says whether a section name satisfies `wanted`, without reading more than headers and names.
pub(crate) fn any_section_name(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<bool> {
    let (headers, names) = headers(bytes)?;
    let table = content(bytes, &headers[names])?;
    for header in &headers {
        if wanted(&string(table, header.name)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn content<'a>(bytes: &'a [u8], header: &Header) -> Result<&'a [u8]> {
    let start = index(header.offset)?;
    let size = index(header.size)?;
    match start
        .checked_add(size)
        .and_then(|end| bytes.get(start..end))
    {
        Some(content) => Ok(content),
        None => damaged(format!("section content at {start:#x} is past the end")),
    }
}

/// Reads a relocatable object.
///
/// # Errors
///
/// - `Damaged` when an offset, index, size or name in it makes no sense;
/// - `Unsupported` when it is not an object of x86-64 or uses what no compiler of the kernel emits.
pub(crate) fn read(bytes: &[u8]) -> Result<Object> {
    let (headers, names) = headers(bytes)?;
    let mut reader = Reader {
        bytes,
        ids: vec![None; headers.len()],
        headers,
    };
    let mut object = Object {
        os_abi: bytes[7],
        flags: u32_at(bytes, 48)?,
        ..Object::default()
    };
    let symtab = reader.find_tables()?;
    reader.sections(&mut object, names)?;
    reader.symbols(&mut object, symtab)?;
    reader.links(&mut object)?;
    reader.groups(&mut object, symtab)?;
    reader.relocations(&mut object, symtab)?;
    Ok(object)
}

impl<'a> Reader<'a> {
    fn header(&self, number: u32) -> Result<&Header> {
        match self.headers.get(number as usize) {
            Some(header) if number != 0 => Ok(header),
            _ => damaged(format!("there is no section {number}")),
        }
    }

    fn content(&self, header: &Header) -> Result<&'a [u8]> {
        content(self.bytes, header)
    }

    /// Checks the tables as a whole and returns the number of the symbol table.
    fn find_tables(&self) -> Result<u32> {
        let mut symtab = None;
        let mut total = 0u64;
        if self.headers[0].kind != SHT_NULL {
            return damaged("section 0 is not null");
        }
        for (number, header) in self.headers.iter().enumerate() {
            match header.kind {
                SHT_SYMTAB if symtab.is_some() => return damaged("two symbol tables"),
                SHT_SYMTAB => symtab = Some(number as u32),
                SHT_REL | SHT_SYMTAB_SHNDX => {
                    return Err(Error::Unsupported(format!(
                        "section {number} has type {}",
                        header.kind
                    )))
                }
                _ => (),
            }
            if header.kind != SHT_NOBITS && header.kind != SHT_NULL {
                total = total.saturating_add(header.size);
            }
        }
        // Contents never overlap, so they cannot be more than the file. Without this check a small
        // damaged file could ask for a lot of memory.
        if total > self.bytes.len() as u64 {
            return damaged("the sections are larger than the file");
        }
        match symtab {
            Some(number) => Ok(number),
            None => damaged("no symbol table"),
        }
    }

    fn sections(&mut self, object: &mut Object, names: usize) -> Result {
        let names = self.content(&self.headers[names].clone())?;
        for number in 1..self.headers.len() {
            let header = self.headers[number].clone();
            match header.kind {
                SHT_NULL | SHT_SYMTAB | SHT_STRTAB | SHT_RELA => continue,
                // Lists of symbol indices, which would no longer fit. Only hints for a linker.
                SHT_LLVM_ADDRSIG | SHT_LLVM_CALL_GRAPH_PROFILE => continue,
                _ => (),
            }
            if header.align > ALIGN_MAX || (header.align != 0 && !header.align.is_power_of_two()) {
                return damaged(format!("section {number} has alignment {}", header.align));
            }
            if header.address != 0 {
                return damaged(format!("section {number} has an address"));
            }
            let body = if header.kind == SHT_NOBITS {
                // The bound keeps sums of sizes and offsets far from wrapping.
                if header.size > i32::MAX as u64 {
                    return damaged(format!("section {number} is too large"));
                }
                Body::Zero(header.size)
            } else {
                Body::Bytes(self.content(&header)?.to_vec())
            };
            self.ids[number] = Some(object.add_section(Section {
                name: string(names, header.name)?,
                kind: header.kind,
                flags: header.flags,
                align: header.align,
                entry_size: header.entry_size,
                link: None,
                info: Info::Number(header.info),
                body,
                relocs: Vec::new(),
                dropped: false,
            }));
        }
        Ok(())
    }

    fn section_id(&self, number: u32) -> Result<SectionId> {
        self.header(number)?;
        match self.ids[number as usize] {
            Some(id) => Ok(id),
            None => damaged(format!("section {number} is a table")),
        }
    }

    fn symbols(&self, object: &mut Object, symtab: u32) -> Result {
        let header = self.header(symtab)?;
        let strings = self.header(header.link)?;
        if strings.kind != SHT_STRTAB || header.entry_size != SYM_SIZE as u64 {
            return damaged("the symbol table has a wrong entry size or string table");
        }
        let strings = self.content(strings)?;
        let table = self.content(header)?;
        let count = table.len() / SYM_SIZE;
        if table.len() % SYM_SIZE != 0 || count == 0 || header.info as usize > count {
            return damaged("the symbol table has a wrong size");
        }
        if table[..SYM_SIZE] != [0; SYM_SIZE] {
            return damaged("symbol 0 is not null");
        }
        for number in 1..count {
            let at = number * SYM_SIZE;
            let info = table[at + 4];
            let shndx = u16_at(table, at + 6)?;
            let place = match shndx {
                0 => Place::Undefined,
                SHN_ABS => Place::Absolute,
                SHN_COMMON => Place::Common,
                shndx if shndx >= SHN_LORESERVE => {
                    return damaged(format!("symbol {number} has section index {shndx:#x}"))
                }
                shndx => Place::Section(self.section_id(u32::from(shndx))?),
            };
            let symbol = Symbol {
                name: string(strings, u32_at(table, at)? as usize)?,
                bind: info >> 4,
                kind: info & 0xf,
                other: table[at + 5],
                place,
                value: u64_at(table, at + 8)?,
                size: u64_at(table, at + 16)?,
                dropped: false,
            };
            if (symbol.bind == STB_LOCAL) != (number < header.info as usize) {
                return damaged(format!(
                    "symbol {number} is on the wrong side of the locals"
                ));
            }
            match place {
                Place::Section(id) if symbol.value > object.section(id).size() => {
                    return damaged(format!("symbol {number} is outside its section"))
                }
                Place::Section(_) => (),
                _ if symbol.kind == STT_SECTION => {
                    return damaged(format!("section symbol {number} has no section"))
                }
                _ => (),
            }
            object.add_symbol(symbol);
        }
        Ok(())
    }

    /// Resolves an index of the file's symbol table.
    fn symbol_id(&self, object: &Object, number: u32) -> Result<Option<SymbolId>> {
        match number as usize {
            0 => Ok(None),
            number if number <= object.symbols.len() => Ok(Some(SymbolId(number - 1))),
            number => damaged(format!("there is no symbol {number}")),
        }
    }

    fn links(&self, object: &mut Object) -> Result {
        for (number, id) in self.ids.iter().enumerate() {
            let (Some(id), header) = (id, &self.headers[number]) else {
                continue;
            };
            if header.kind == SHT_GROUP {
                continue;
            }
            let link = match header.link {
                0 => None,
                link => Some(self.section_id(link)?),
            };
            let info = match header.flags & SHF_INFO_LINK {
                0 => Info::Number(header.info),
                _ => Info::Section(self.section_id(header.info)?),
            };
            let section = object.section_mut(*id);
            section.link = link;
            section.info = info;
        }
        Ok(())
    }

    fn groups(&self, object: &mut Object, symtab: u32) -> Result {
        for (number, id) in self.ids.iter().enumerate() {
            let (Some(id), header) = (id, &self.headers[number]) else {
                continue;
            };
            if header.kind != SHT_GROUP {
                continue;
            }
            let table = object.section(*id).bytes().to_vec();
            if header.link != symtab || table.len() < 4 || table.len() % 4 != 0 {
                return damaged(format!("section {number} is not a section group"));
            }
            let Some(signature) = self.symbol_id(object, header.info)? else {
                return damaged(format!("section group {number} has no signature"));
            };
            let mut members = Vec::new();
            for at in (4..table.len()).step_by(4) {
                let member = u32_at(&table, at)?;
                // Relocation sections are members too; the writer puts them back.
                if self.header(member)?.kind != SHT_RELA {
                    members.push(self.section_id(member)?);
                }
            }
            let section = object.section_mut(*id);
            section.info = Info::Number(0);
            section.body = Body::Group {
                flags: u32_at(&table, 0)?,
                signature,
                members,
            };
        }
        Ok(())
    }

    fn relocations(&self, object: &mut Object, symtab: u32) -> Result {
        for (number, header) in self.headers.iter().enumerate() {
            if header.kind != SHT_RELA {
                continue;
            }
            let table = self.content(header)?;
            if header.link != symtab
                || header.entry_size != RELA_SIZE as u64
                || table.len() % RELA_SIZE != 0
            {
                return damaged(format!("relocation section {number} is malformed"));
            }
            if matches!(
                self.header(header.info)?.kind,
                SHT_LLVM_ADDRSIG | SHT_LLVM_CALL_GRAPH_PROFILE
            ) {
                continue;
            }
            let id = self.section_id(header.info)?;
            if !object.section(id).relocs.is_empty() {
                return damaged(format!(
                    "section {} has two relocation sections",
                    header.info
                ));
            }
            let size = object.section(id).bytes().len() as u64;
            let mut relocs = Vec::with_capacity(table.len() / RELA_SIZE);
            for at in (0..table.len()).step_by(RELA_SIZE) {
                let offset = u64_at(table, at)?;
                let kind = u32_at(table, at + 8)?;
                let width = reloc_width(kind).unwrap_or(1);
                if !matches!(offset.checked_add(width), Some(end) if end <= size) {
                    return damaged(format!("relocation at {offset:#x} of section {number}"));
                }
                relocs.push(Reloc {
                    offset,
                    kind,
                    symbol: self.symbol_id(object, u32_at(table, at + 12)?)?,
                    addend: u64_at(table, at + 16)? as i64,
                });
            }
            object.section_mut(id).relocs = relocs;
        }
        Ok(())
    }
}
