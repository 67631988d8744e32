// SPDX-License-Identifier: GPL-2.0

//! Which section refers to which, and what stands in the way of isolating each.

use std::collections::{
    BTreeSet,
    HashMap, //
};

use super::{
    class::{
        class,
        Class, //
    },
    demangle::demangle,
    elf::*,
    names, //
};

/// Why a piece of code or data cannot be in a compartment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Problem {
    /// It refers to a symbol of another object that is not available inside.
    External(String),

    /// It refers to data that the kernel writes.
    Writable(String),

    /// It refers to a section with a purpose of its own.
    Special(String, String),

    /// A table of the kernel refers to it.
    SideTable(&'static str),

    /// It has a relocation that the kernel does not use, or one without a symbol.
    Reloc(u32),
}

/// External symbols that are available inside.
#[derive(Debug, Default)]
pub(crate) struct Available {
    copies: BTreeSet<String>,
}

impl Available {
    /// Adds what an object of the common copy defines.
    pub(crate) fn add(&mut self, object: &Object) {
        let defined = object.symbols.iter().filter(|symbol| {
            !symbol.dropped
                && symbol.bind != STB_LOCAL
                && matches!(symbol.place, Place::Section(_))
                && symbol.name.starts_with(names::PREFIX)
        });
        self.copies
            .extend(defined.map(|symbol| symbol.name.clone()));
    }

    /// Returns what `symbol` is called inside; `None` if it is not available there.
    pub(crate) fn inside(&self, symbol: &str) -> Option<String> {
        let copy = format!("{}{symbol}", names::PREFIX);
        if self.copies.contains(&copy) {
            return Some(copy);
        }
        names::runtime(symbol)
    }
}

/// What is known about one section.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Sections that it refers to and that may have to be isolated with it.
    pub(crate) refs: Vec<SectionId>,

    /// Why it cannot be isolated itself.
    pub(crate) problems: BTreeSet<Problem>,

    /// Whether a copy of it would differ from it because external symbols are renamed inside.
    pub(crate) renames: bool,
}

/// Nodes of all sections that isolated code could consist of.
pub(crate) struct Graph<'a> {
    pub(crate) object: &'a Object,
    pub(crate) available: &'a Available,
    nodes: Vec<Node>,
    named: HashMap<SectionId, Vec<SymbolId>>,
}

impl<'a> Graph<'a> {
    /// Builds the graph of `object`.
    pub(crate) fn new(object: &'a Object, available: &'a Available) -> Self {
        let mut graph = Self {
            object,
            available,
            nodes: Vec::new(),
            named: HashMap::new(),
        };
        for id in object.symbol_ids() {
            let symbol = object.symbol(id);
            if let (Place::Section(section), false) = (symbol.place, symbol.name.is_empty()) {
                graph.named.entry(section).or_default().push(id);
            }
        }
        graph.nodes = object.section_ids().map(|id| graph.node(id)).collect();
        graph.side_tables();
        graph
    }

    pub(crate) fn get(&self, id: SectionId) -> &Node {
        &self.nodes[id.0]
    }

    pub(crate) fn class(&self, id: SectionId) -> Class<'a> {
        class(self.object.section(id))
    }

    /// Returns a readable name for what lies at `offset` of a section.
    pub(crate) fn name_at(&self, id: SectionId, offset: u64) -> String {
        let symbols = self.named.get(&id).map_or(&[][..], Vec::as_slice);
        let symbols = symbols.iter().map(|&symbol| self.object.symbol(symbol));
        match symbols
            .filter(|symbol| symbol.value <= offset)
            .max_by_key(|symbol| symbol.value)
        {
            Some(symbol) => demangle(&symbol.name),
            None => self.object.section(id).name.clone(),
        }
    }

    /// Returns a readable name for a section.
    pub(crate) fn name(&self, id: SectionId) -> String {
        self.name_at(id, 0)
    }

    fn node(&self, id: SectionId) -> Node {
        let mut node = Node::default();
        let section = self.object.section(id);
        let part = matches!(
            class(section),
            Class::Entry(_) | Class::Text | Class::Rodata | Class::Private(_)
        );
        if !part {
            return node;
        }
        for reloc in &section.relocs {
            self.reference(reloc, &mut node);
        }
        node.refs.sort_unstable();
        node.refs.dedup();
        node
    }

    fn reference(&self, reloc: &Reloc, node: &mut Node) {
        let symbol = match (reloc.kind, reloc.symbol) {
            (R_X86_64_NONE, _) => return,
            (kind, Some(symbol)) if reloc_width(kind).is_some() => self.object.symbol(symbol),
            (kind, _) => {
                node.problems.insert(Problem::Reloc(kind));
                return;
            }
        };
        if matches!(symbol.kind, STT_TLS | STT_GNU_IFUNC) {
            node.problems.insert(Problem::External(symbol.name.clone()));
            return;
        }
        match symbol.place {
            Place::Section(target) => self.internal(target, symbol, reloc, node),
            Place::Common => {
                node.problems
                    .insert(Problem::Writable(demangle(&symbol.name)));
            }
            Place::Undefined | Place::Absolute => match self.available.inside(&symbol.name) {
                Some(_) => node.renames = true,
                None => {
                    node.problems.insert(Problem::External(symbol.name.clone()));
                }
            },
        }
    }

    fn internal(&self, target: SectionId, symbol: &Symbol, reloc: &Reloc, node: &mut Node) {
        let section = self.object.section(target);
        // With a section symbol, the addend says what is meant.
        let offset = match symbol.kind {
            STT_SECTION => u64::try_from(reloc.addend).unwrap_or(0),
            _ => symbol.value,
        };
        if section.name == names::SERVICE {
            return;
        }
        match class(section) {
            Class::Entry(_) | Class::Text | Class::Rodata | Class::Private(_) => {
                node.refs.push(target)
            }
            Class::Writable => {
                let name = self.name_at(target, offset);
                node.problems.insert(Problem::Writable(name));
            }
            Class::Special | Class::Absent => {
                let name = self.name_at(target, offset);
                let problem = Problem::Special(name, section.name.clone());
                node.problems.insert(problem);
            }
        }
    }

    /// Marks what the kernel's tables refer to.
    fn side_tables(&mut self) {
        for section in &self.object.sections {
            let Some(what) = names::side_table(&section.name) else {
                continue;
            };
            for reloc in &section.relocs {
                let place = reloc.symbol.map(|symbol| self.object.symbol(symbol).place);
                if let Some(Place::Section(target)) = place {
                    self.nodes[target.0]
                        .problems
                        .insert(Problem::SideTable(what));
                }
            }
        }
    }
}
