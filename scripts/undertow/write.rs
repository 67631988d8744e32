// SPDX-License-Identifier: GPL-2.0

//! Writes a relocatable object.
//!
//! The same [`Object`] always gives the same bytes.

use std::collections::HashMap;

use super::{
    elf::*,
    error::{
        Error,
        Result, //
    },
};

const EHDR_SIZE: usize = 64;
const SHDR_SIZE: u64 = 64;
const SHN_LORESERVE: usize = 0xff00;
const SHN_ABS: u16 = 0xfff1;
const SHN_COMMON: u16 = 0xfff2;

/// A section header together with what goes to the file for it.
struct Item {
    name: u32,
    kind: u32,
    flags: u64,
    size: u64,
    link: u32,
    info: u32,
    align: u64,
    entry_size: u64,
    content: Vec<u8>,
}

/// A string table in which equal names share one entry.
struct Strings {
    bytes: Vec<u8>,
    known: HashMap<String, u32>,
}

impl Strings {
    fn new() -> Self {
        Self {
            bytes: vec![0],
            known: HashMap::new(),
        }
    }

    fn add(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        if let Some(&at) = self.known.get(name) {
            return at;
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.known.insert(name.to_owned(), at);
        at
    }
}

/// Numbers that things get in the file.
struct Layout {
    /// By [`SectionId`]; 0 for a dropped section.
    sections: Vec<u32>,

    /// By [`SectionId`]: the relocation section, 0 if there is none.
    relocs: Vec<u32>,

    /// By [`SymbolId`]; 0 for a dropped symbol.
    symbols: Vec<u32>,

    /// Symbols in the order of the file.
    order: Vec<SymbolId>,

    /// How many entries of the symbol table are local, the null entry included.
    locals: u32,

    /// Section number of the symbol table; the string table follows it.
    symtab: u32,
}

impl Layout {
    fn new(object: &Object) -> Result<Self> {
        let mut next = 1;
        let mut sections = vec![0; object.sections.len()];
        let mut relocs = vec![0; object.sections.len()];
        for (index, section) in object.sections.iter().enumerate() {
            if section.dropped {
                continue;
            }
            sections[index] = next;
            next += 1;
            if !section.relocs.is_empty() {
                relocs[index] = next;
                next += 1;
            }
        }
        if next as usize + 2 >= SHN_LORESERVE {
            return Err(Error::Unsupported("more than 65279 sections".into()));
        }

        let mut symbols = vec![0; object.symbols.len()];
        let mut order = Vec::new();
        let mut locals = 1;
        for local in [true, false] {
            for id in object.symbol_ids() {
                let symbol = object.symbol(id);
                if symbol.dropped || (symbol.bind == STB_LOCAL) != local {
                    continue;
                }
                order.push(id);
                symbols[id.0] = order.len() as u32;
            }
            if local {
                locals = order.len() as u32 + 1;
            }
        }
        Ok(Self {
            sections,
            relocs,
            symbols,
            order,
            locals,
            symtab: next,
        })
    }

    /// Returns the number of a section, or an error that can only mean a mistake in this tool.
    fn section(&self, object: &Object, id: SectionId) -> Result<u32> {
        match self.sections[id.0] {
            0 => Err(Error::Unsupported(format!(
                "the removed section `{}` is still in use",
                object.section(id).name
            ))),
            number => Ok(number),
        }
    }

    fn symbol(&self, object: &Object, id: SymbolId) -> Result<u32> {
        match self.symbols[id.0] {
            0 => Err(Error::Unsupported(format!(
                "the removed symbol `{}` is still in use",
                object.symbol(id).name
            ))),
            number => Ok(number),
        }
    }
}

fn symbol_table(object: &Object, layout: &Layout, strings: &mut Strings) -> Result<Vec<u8>> {
    let mut table = vec![0; 24];
    for &id in &layout.order {
        let symbol = object.symbol(id);
        let shndx = match symbol.place {
            Place::Undefined => 0,
            Place::Absolute => SHN_ABS,
            Place::Common => SHN_COMMON,
            Place::Section(section) => layout.section(object, section)? as u16,
        };
        table.extend_from_slice(&strings.add(&symbol.name).to_le_bytes());
        table.push(symbol.bind << 4 | symbol.kind);
        table.push(symbol.other);
        table.extend_from_slice(&shndx.to_le_bytes());
        table.extend_from_slice(&symbol.value.to_le_bytes());
        table.extend_from_slice(&symbol.size.to_le_bytes());
    }
    Ok(table)
}

fn reloc_table(object: &Object, layout: &Layout, relocs: &[Reloc]) -> Result<Vec<u8>> {
    let mut table = Vec::with_capacity(relocs.len() * 24);
    for reloc in relocs {
        let symbol = match reloc.symbol {
            Some(id) => layout.symbol(object, id)?,
            None => 0,
        };
        table.extend_from_slice(&reloc.offset.to_le_bytes());
        table.extend_from_slice(&reloc.kind.to_le_bytes());
        table.extend_from_slice(&symbol.to_le_bytes());
        table.extend_from_slice(&reloc.addend.to_le_bytes());
    }
    Ok(table)
}

fn section_item(
    object: &Object,
    layout: &Layout,
    section: &Section,
    strings: &mut Strings,
) -> Result<Item> {
    let mut link = match section.link {
        Some(id) => layout.section(object, id)?,
        None => 0,
    };
    let mut info = match section.info {
        Info::Number(number) => number,
        Info::Section(id) => layout.section(object, id)?,
    };
    let content = match &section.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Zero(_) => Vec::new(),
        Body::Group {
            flags,
            signature,
            members,
        } => {
            link = layout.symtab;
            info = layout.symbol(object, *signature)?;
            let mut content = flags.to_le_bytes().to_vec();
            for &member in members {
                content.extend_from_slice(&layout.section(object, member)?.to_le_bytes());
                if layout.relocs[member.0] != 0 {
                    content.extend_from_slice(&layout.relocs[member.0].to_le_bytes());
                }
            }
            content
        }
    };
    Ok(Item {
        name: strings.add(&section.name),
        kind: section.kind,
        flags: section.flags,
        size: match section.body {
            Body::Zero(size) => size,
            _ => content.len() as u64,
        },
        link,
        info,
        align: section.align,
        entry_size: section.entry_size,
        content,
    })
}

/// Returns the file for `object`.
pub(crate) fn write(object: &Object) -> Result<Vec<u8>> {
    let layout = Layout::new(object)?;
    let mut strings = Strings::new();
    let mut items = Vec::new();

    for section in object.sections.iter().filter(|section| !section.dropped) {
        let target = items.len() as u32 + 1;
        items.push(section_item(object, &layout, section, &mut strings)?);
        if !section.relocs.is_empty() {
            let content = reloc_table(object, &layout, &section.relocs)?;
            items.push(Item {
                name: strings.add(&format!(".rela{}", section.name)),
                kind: SHT_RELA,
                flags: SHF_INFO_LINK | section.flags & SHF_GROUP,
                size: content.len() as u64,
                link: layout.symtab,
                info: target,
                align: 8,
                entry_size: 24,
                content,
            });
        }
    }

    let content = symbol_table(object, &layout, &mut strings)?;
    items.push(Item {
        name: strings.add(".symtab"),
        kind: SHT_SYMTAB,
        flags: 0,
        size: content.len() as u64,
        link: layout.symtab + 1,
        info: layout.locals,
        align: 8,
        entry_size: 24,
        content,
    });
    let name = strings.add(".strtab");
    items.push(Item {
        name,
        kind: SHT_STRTAB,
        flags: 0,
        size: strings.bytes.len() as u64,
        link: 0,
        info: 0,
        align: 1,
        entry_size: 0,
        content: strings.bytes,
    });
    Ok(file(object, &layout, items))
}

fn file(object: &Object, layout: &Layout, items: Vec<Item>) -> Vec<u8> {
    let count = items.len() as u16 + 1;
    let mut out = vec![0; EHDR_SIZE];
    let mut headers = vec![0; SHDR_SIZE as usize];
    for item in items {
        if item.kind != SHT_NOBITS {
            out.resize(out.len().next_multiple_of(item.align.max(1) as usize), 0);
        }
        headers.extend_from_slice(&item.name.to_le_bytes());
        headers.extend_from_slice(&item.kind.to_le_bytes());
        headers.extend_from_slice(&item.flags.to_le_bytes());
        headers.extend_from_slice(&0u64.to_le_bytes());
        headers.extend_from_slice(&(out.len() as u64).to_le_bytes());
        headers.extend_from_slice(&item.size.to_le_bytes());
        headers.extend_from_slice(&item.link.to_le_bytes());
        headers.extend_from_slice(&item.info.to_le_bytes());
        headers.extend_from_slice(&item.align.to_le_bytes());
        headers.extend_from_slice(&item.entry_size.to_le_bytes());
        out.extend_from_slice(&item.content);
    }
    out.resize(out.len().next_multiple_of(8), 0);
    let start = out.len() as u64;
    out.extend_from_slice(&headers);

    out[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, object.os_abi]);
    out[16..18].copy_from_slice(&1u16.to_le_bytes());
    out[18..20].copy_from_slice(&62u16.to_le_bytes());
    out[20..24].copy_from_slice(&1u32.to_le_bytes());
    out[40..48].copy_from_slice(&start.to_le_bytes());
    out[48..52].copy_from_slice(&object.flags.to_le_bytes());
    out[52..54].copy_from_slice(&(EHDR_SIZE as u16).to_le_bytes());
    out[58..60].copy_from_slice(&(SHDR_SIZE as u16).to_le_bytes());
    out[60..62].copy_from_slice(&count.to_le_bytes());
    out[62..64].copy_from_slice(&(layout.symtab as u16 + 1).to_le_bytes());
    out
}
