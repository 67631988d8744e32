// SPDX-License-Identifier: GPL-2.0

//! Builds the sections that hold isolated code.
//!
//! A section is copied as a whole, so nothing in it needs to be understood: only its relocations
//! are turned to the copies of what they refer to.

use std::collections::{
    BTreeMap,
    HashMap, //
};

use super::{
    elf::*,
    graph::Available,
    names, //
};

/// Views have rights by page.
pub(crate) const PAGE: u64 = 4096;

/// `int3`: traps when something runs into a gap.
const TRAP: u8 = 0xcc;

/// How a copied symbol is called and bound.
#[derive(Clone, Copy)]
pub(crate) enum Naming<'a> {
    /// Local, with the name of the compartment in it.
    Compartment(&'a str),

    /// As before, with the prefix of the common copy.
    Common,
}

/// Sections under construction, and where things went.
pub(crate) struct Builder<'a> {
    object: &'a mut Object,
    available: &'a Available,
    naming: Naming<'a>,
    text: SectionId,
    rodata: Option<SectionId>,

    /// By old section: the new one and the offset in it.
    placed: BTreeMap<SectionId, (SectionId, u64)>,

    /// By old symbol: the symbol of the copy.
    symbols: HashMap<SymbolId, SymbolId>,

    /// By name inside: the undefined symbol.
    externals: BTreeMap<String, SymbolId>,

    /// By name inside: the jump to the external function.
    stubs: BTreeMap<String, SymbolId>,
}

impl<'a> Builder<'a> {
    /// Returns a builder whose text goes to a new section called `text`.
    pub(crate) fn new(
        object: &'a mut Object,
        available: &'a Available,
        naming: Naming<'a>,
        text: String,
    ) -> Self {
        let text = object.add_section(Section::new(text, SHF_ALLOC | SHF_EXECINSTR, PAGE));
        Self {
            object,
            available,
            naming,
            text,
            rodata: None,
            placed: BTreeMap::new(),
            symbols: HashMap::new(),
            externals: BTreeMap::new(),
            stubs: BTreeMap::new(),
        }
    }

    pub(crate) fn text(&self) -> SectionId {
        self.text
    }

    pub(crate) fn rodata(&self) -> Option<SectionId> {
        self.rodata
    }

    /// Copies text.
    pub(crate) fn copy_text(&mut self, section: SectionId) {
        self.place(section, self.text, TRAP);
        self.copy_symbols(section);
    }

    /// Moves text: its symbols now name the new place, for all who refer to it.
    pub(crate) fn move_text(&mut self, section: SectionId) {
        let (target, offset) = self.place(section, self.text, TRAP);
        for id in self.object.symbol_ids() {
            let symbol = &mut self.object.symbols[id.0];
            if symbol.place == Place::Section(section) && symbol.kind != STT_SECTION {
                symbol.place = Place::Section(target);
                symbol.value += offset;
                self.symbols.insert(id, id);
            }
        }
    }

    /// Copies constants to the section called `name`.
    pub(crate) fn copy_rodata(&mut self, section: SectionId, name: &str) {
        let rodata = match self.rodata {
            Some(rodata) => rodata,
            None => {
                let rodata = Section::new(name.to_owned(), SHF_ALLOC, 1);
                *self.rodata.insert(self.object.add_section(rodata))
            }
        };
        self.place(section, rodata, 0);
        self.copy_symbols(section);
    }

    fn place(&mut self, from: SectionId, to: SectionId, filler: u8) -> (SectionId, u64) {
        let source = self.object.section(from);
        let align = source.align.max(1);
        let bytes = source.bytes().to_vec();
        let target = self.object.section_mut(to);
        target.align = target.align.max(align);
        let offset = append(target, align, &bytes, filler);
        self.placed.insert(from, (to, offset));
        (to, offset)
    }

    fn copy_symbols(&mut self, section: SectionId) {
        let (place, offset) = self.placed[&section];
        for id in self.object.symbol_ids() {
            let symbol = self.object.symbol(id);
            if symbol.place != Place::Section(section) || symbol.kind == STT_SECTION {
                continue;
            }
            let mut copy = symbol.clone();
            copy.name = self.copied_name(&copy.name);
            copy.place = Place::Section(place);
            copy.value += offset;
            if let Naming::Compartment(_) = self.naming {
                copy.bind = STB_LOCAL;
                copy.other = 0;
            }
            let copy = self.object.add_symbol(copy);
            self.symbols.insert(id, copy);
        }
    }

    fn copied_name(&self, name: &str) -> String {
        match self.naming {
            Naming::Compartment(compartment) => {
                format!("{}{compartment}_{name}", names::PREFIX)
            }
            Naming::Common => format!("{}{name}", names::PREFIX),
        }
    }

    /// Turns the relocations of everything placed so far. Call it once, after the last section.
    pub(crate) fn relocate(&mut self) {
        for (from, (to, offset)) in self.placed.clone() {
            let relocs = self.object.section(from).relocs.clone();
            let is_text = to == self.text;
            for mut reloc in relocs {
                reloc.offset += offset;
                self.turn(&mut reloc, is_text);
                self.object.section_mut(to).relocs.push(reloc);
            }
        }
        self.object
            .section_mut(self.text)
            .relocs
            .sort_by_key(|reloc| reloc.offset);
    }

    /// Turns the relocations of a section that stays where it is.
    pub(crate) fn relocate_in_place(&mut self, section: SectionId) {
        let mut relocs = core::mem::take(&mut self.object.section_mut(section).relocs);
        for reloc in &mut relocs {
            self.turn(reloc, false);
        }
        self.object.section_mut(section).relocs = relocs;
    }

    /// Turns one relocation to the copy of its target, if there is one.
    fn turn(&mut self, reloc: &mut Reloc, is_text: bool) {
        let Some(id) = reloc.symbol else {
            return;
        };
        let symbol = self.object.symbol(id);
        match symbol.place {
            Place::Section(_) if self.symbols.contains_key(&id) => {
                reloc.symbol = Some(self.symbols[&id]);
            }
            Place::Section(section) => {
                if let Some(&(place, offset)) = self.placed.get(&section) {
                    reloc.symbol = Some(self.object.section_symbol(place));
                    reloc.addend = reloc.addend.wrapping_add_unsigned(offset);
                }
            }
            Place::Undefined | Place::Absolute => {
                if let Some(name) = self.available.inside(&symbol.name) {
                    let stub = is_text && reloc.kind == R_X86_64_PLT32;
                    reloc.symbol = Some(match (stub, self.naming) {
                        (true, Naming::Compartment(_)) => self.stub(&name),
                        _ => self.external(&name),
                    });
                }
            }
            Place::Common => (),
        }
    }

    fn external(&mut self, name: &str) -> SymbolId {
        if let Some(&id) = self.externals.get(name) {
            return id;
        }
        let id = self.object.add_symbol(Symbol {
            name: name.to_owned(),
            bind: STB_GLOBAL,
            kind: STT_NOTYPE,
            other: 0,
            place: Place::Undefined,
            value: 0,
            size: 0,
            dropped: false,
        });
        self.externals.insert(name.to_owned(), id);
        id
    }

    /// Returns a jump to the external function `name` in the text itself.
    ///
    /// The distance to another section depends on where a module is loaded, and some distances
    /// contain the bytes of a forbidden instruction. With one field a function instead of one a
    /// call, few loads meet one.
    fn stub(&mut self, name: &str) -> SymbolId {
        if let Some(&id) = self.stubs.get(name) {
            return id;
        }
        let target = self.external(name);
        let section = self.object.section_mut(self.text);
        // The call lets `objtool` see that the stub does not return either. If the name deceives,
        // `ud2` stops what comes back.
        let code: &[u8] = match names::is_noreturn(name) {
            true => &[0xe8, 0, 0, 0, 0, 0x0f, 0x0b],
            false => &[0xe9, 0, 0, 0, 0],
        };
        let value = append(section, 16, code, TRAP);
        section.relocs.push(Reloc {
            offset: value + 1,
            kind: R_X86_64_PLT32,
            symbol: Some(target),
            addend: -4,
        });
        let id = self.object.add_symbol(Symbol {
            name: self.copied_name(name),
            bind: STB_LOCAL,
            kind: STT_FUNC,
            other: 0,
            place: Place::Section(self.text),
            value,
            size: code.len() as u64,
            dropped: false,
        });
        self.stubs.insert(name.to_owned(), id);
        id
    }

    /// Fills the last page of the text.
    pub(crate) fn pad_text(&mut self) {
        pad(self.object.section_mut(self.text), TRAP);
    }

    /// Returns what is needed to turn references in sections that stay, and to remove the old ones.
    pub(crate) fn finish(self) -> BTreeMap<SectionId, (SectionId, u64)> {
        self.placed
    }
}

/// Appends `bytes` to `section` at the next multiple of `align` and returns the offset.
fn append(section: &mut Section, align: u64, bytes: &[u8], filler: u8) -> u64 {
    match &mut section.body {
        Body::Bytes(content) => {
            content.resize(content.len().next_multiple_of(align as usize), filler);
            let offset = content.len() as u64;
            content.extend_from_slice(bytes);
            offset
        }
        Body::Zero(_) | Body::Group { .. } => {
            unreachable!("only sections made here are appended to")
        }
    }
}

/// Makes `section` start and end at the border of a page.
pub(crate) fn pad(section: &mut Section, filler: u8) {
    section.align = section.align.max(PAGE);
    match &mut section.body {
        Body::Bytes(content) => {
            content.resize(content.len().next_multiple_of(PAGE as usize), filler);
        }
        Body::Zero(size) => *size = size.next_multiple_of(PAGE),
        Body::Group { .. } => unreachable!("groups are not in memory"),
    }
}
