// SPDX-License-Identifier: GPL-2.0

//! A relocatable ELF64 object of x86-64, in memory.
//!
//! Symbol tables, string tables and relocation sections are not sections here: relocations hang on
//! the section that they apply to, symbols and sections are named by stable ids, and the tables are
//! laid out anew by the writer. So code that changes an object cannot leave an index behind that
//! points elsewhere.

pub(crate) const SHT_NULL: u32 = 0;
pub(crate) const SHT_PROGBITS: u32 = 1;
pub(crate) const SHT_SYMTAB: u32 = 2;
pub(crate) const SHT_STRTAB: u32 = 3;
pub(crate) const SHT_RELA: u32 = 4;
pub(crate) const SHT_NOBITS: u32 = 8;
pub(crate) const SHT_REL: u32 = 9;
pub(crate) const SHT_GROUP: u32 = 17;
pub(crate) const SHT_SYMTAB_SHNDX: u32 = 18;
pub(crate) const SHT_LLVM_ADDRSIG: u32 = 0x6fff_4c03;
pub(crate) const SHT_LLVM_CALL_GRAPH_PROFILE: u32 = 0x6fff_4c09;

pub(crate) const SHF_WRITE: u64 = 1 << 0;
pub(crate) const SHF_ALLOC: u64 = 1 << 1;
pub(crate) const SHF_EXECINSTR: u64 = 1 << 2;
pub(crate) const SHF_INFO_LINK: u64 = 1 << 6;
pub(crate) const SHF_LINK_ORDER: u64 = 1 << 7;
pub(crate) const SHF_GROUP: u64 = 1 << 9;
pub(crate) const SHF_TLS: u64 = 1 << 10;

pub(crate) const STB_LOCAL: u8 = 0;
pub(crate) const STB_GLOBAL: u8 = 1;
pub(crate) const STT_NOTYPE: u8 = 0;
pub(crate) const STT_FUNC: u8 = 2;
pub(crate) const STT_SECTION: u8 = 3;
pub(crate) const STT_TLS: u8 = 6;
pub(crate) const STT_GNU_IFUNC: u8 = 10;

pub(crate) const R_X86_64_NONE: u32 = 0;
pub(crate) const R_X86_64_64: u32 = 1;
pub(crate) const R_X86_64_PC32: u32 = 2;
pub(crate) const R_X86_64_PLT32: u32 = 4;
pub(crate) const R_X86_64_32: u32 = 10;
pub(crate) const R_X86_64_32S: u32 = 11;
pub(crate) const R_X86_64_PC64: u32 = 24;

/// Names a section of an [`Object`]; not the index in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SectionId(pub(crate) usize);

/// Names a symbol of an [`Object`]; not the index in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SymbolId(pub(crate) usize);

/// One relocation with addend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reloc {
    pub(crate) offset: u64,
    pub(crate) kind: u32,
    pub(crate) symbol: Option<SymbolId>,
    pub(crate) addend: i64,
}

/// What a section holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Bytes of the file.
    Bytes(Vec<u8>),

    /// So many zero bytes, not in the file.
    Zero(u64),

    /// A section group.
    Group {
        flags: u32,
        signature: SymbolId,
        members: Vec<SectionId>,
    },
}

/// `sh_info` of a section that is neither a group nor a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Info {
    Number(u32),
    Section(SectionId),
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) align: u64,
    pub(crate) entry_size: u64,
    pub(crate) link: Option<SectionId>,
    pub(crate) info: Info,
    pub(crate) body: Body,
    pub(crate) relocs: Vec<Reloc>,

    /// Left out by the writer.
    pub(crate) dropped: bool,
}

impl Section {
    /// Returns a section of bytes that this tool makes.
    pub(crate) fn new(name: String, flags: u64, align: u64) -> Self {
        Self {
            name,
            kind: SHT_PROGBITS,
            flags,
            align,
            entry_size: 0,
            link: None,
            info: Info::Number(0),
            body: Body::Bytes(Vec::new()),
            relocs: Vec::new(),
            dropped: false,
        }
    }

    /// Returns the size in memory.
    pub(crate) fn size(&self) -> u64 {
        match &self.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Zero(size) => *size,
            Body::Group { members, .. } => 4 + 4 * members.len() as u64,
        }
    }

    /// Returns the bytes, none for a section without any in the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Bytes(bytes) => bytes,
            Body::Zero(_) | Body::Group { .. } => &[],
        }
    }
}

/// Where a symbol is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Undefined,
    Absolute,
    Common,
    Section(SectionId),
}

/// One symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) bind: u8,
    pub(crate) kind: u8,
    pub(crate) other: u8,
    pub(crate) place: Place,
    pub(crate) value: u64,
    pub(crate) size: u64,

    /// Left out by the writer.
    pub(crate) dropped: bool,
}

/// A relocatable object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Object {
    pub(crate) os_abi: u8,
    pub(crate) flags: u32,
    pub(crate) sections: Vec<Section>,
    pub(crate) symbols: Vec<Symbol>,
}

impl Object {
    pub(crate) fn section(&self, id: SectionId) -> &Section {
        &self.sections[id.0]
    }

    pub(crate) fn section_mut(&mut self, id: SectionId) -> &mut Section {
        &mut self.sections[id.0]
    }

    pub(crate) fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.0]
    }

    pub(crate) fn section_ids(&self) -> impl Iterator<Item = SectionId> {
        (0..self.sections.len()).map(SectionId)
    }

    pub(crate) fn symbol_ids(&self) -> impl Iterator<Item = SymbolId> {
        (0..self.symbols.len()).map(SymbolId)
    }

    pub(crate) fn add_section(&mut self, section: Section) -> SectionId {
        self.sections.push(section);
        SectionId(self.sections.len() - 1)
    }

    pub(crate) fn add_symbol(&mut self, symbol: Symbol) -> SymbolId {
        self.symbols.push(symbol);
        SymbolId(self.symbols.len() - 1)
    }

    /// Returns the symbol that stands for the start of `section`, made when there is none.
    pub(crate) fn section_symbol(&mut self, section: SectionId) -> SymbolId {
        let place = Place::Section(section);
        let found = self
            .symbols
            .iter()
            .position(|symbol| symbol.kind == STT_SECTION && symbol.place == place);
        match found {
            Some(index) => SymbolId(index),
            None => self.add_symbol(Symbol {
                name: String::new(),
                bind: STB_LOCAL,
                kind: STT_SECTION,
                other: 0,
                place,
                value: 0,
                size: 0,
                dropped: false,
            }),
        }
    }
}

/// Returns how many bytes a relocation of `kind` changes; `None` for a kind that this tool does not
/// know.
pub(crate) fn reloc_width(kind: u32) -> Option<u64> {
    match kind {
        R_X86_64_NONE => Some(0),
        R_X86_64_PC32 | R_X86_64_PLT32 | R_X86_64_32 | R_X86_64_32S => Some(4),
        R_X86_64_64 | R_X86_64_PC64 => Some(8),
        _ => None,
    }
}
