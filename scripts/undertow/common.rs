// SPDX-License-Identifier: GPL-2.0

//! Makes the copy of a library that all compartments share.
//!
//! The original stays for the rest of the kernel. In the copy, every name has a prefix, all text is
//! in one section, and only functions that need nothing but the copy itself are in it.

use std::collections::BTreeSet;

use super::{
    assemble::{
        Builder,
        Naming, //
    },
    class::Class,
    closure::Closure,
    elf::*,
    error::{
        Error,
        Result, //
    },
    graph::{
        Available,
        Graph, //
    },
    names,
    scan, //
};

/// Whether a function that cannot be copied is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Leave it out: the library is partly about the outside.
    Pure,

    /// It is: the library is available as a whole.
    Complete,
}

/// Returns the copy of `object`.
///
/// # Errors
///
/// - `Rules` when a function cannot be copied and the extent is `Complete`, or the copy contains a
///   forbidden instruction.
pub(crate) fn copy(mut object: Object, available: &Available, extent: Extent) -> Result<Object> {
    let (text, tables, shared) = choose(&object, available, extent)?;
    let old_sections = object.sections.len();
    let old_symbols = object.symbols.len();

    let text_name = names::COMMON_TEXT.to_owned();
    let mut builder = Builder::new(&mut object, available, Naming::Common, text_name);
    for section in text {
        builder.copy_text(section);
    }
    for section in tables {
        builder.copy_rodata(section, names::COMMON_RODATA);
    }
    builder.relocate();
    let (text, rodata) = (builder.text(), builder.rodata());
    builder.finish();

    let findings = scan::findings(&object, text, "common copy");
    if !findings.is_empty() {
        return Err(Error::Rules(findings));
    }
    for id in (0..old_sections).map(SectionId) {
        let keep = shared.contains(&id) || is_note(object.section(id));
        object.section_mut(id).dropped = !keep;
    }
    debug_assert!(rodata.is_none_or(|id| !object.section(id).dropped));
    drop_symbols(&mut object, old_symbols);
    Ok(object)
}

/// Chooses the text to copy, the tables to copy and the constants to keep as they are.
fn choose(
    object: &Object,
    available: &Available,
    extent: Extent,
) -> Result<(Vec<SectionId>, Vec<SectionId>, BTreeSet<SectionId>)> {
    let graph = Graph::new(object, available);
    let mut roots = BTreeSet::new();
    for symbol in &object.symbols {
        if let (Place::Section(id), true) = (symbol.place, symbol.bind != STB_LOCAL) {
            if matches!(graph.class(id), Class::Text | Class::Rodata) {
                roots.insert(id);
            }
        }
    }
    let mut roots: Vec<_> = roots.into_iter().collect();
    match extent {
        Extent::Complete => {
            let findings = Closure::new(&graph, &roots).findings(&graph, "common copy");
            if !findings.is_empty() {
                return Err(Error::Rules(findings));
            }
        }
        Extent::Pure => {
            let impure = impure(&graph);
            roots.retain(|root| !impure.contains(root));
        }
    }
    let closure = Closure::new(&graph, &roots);
    let text = closure.of(&graph, |class| class == Class::Text).collect();
    let tables = closure.tables(&graph);
    let rodata = closure.of(&graph, |class| class == Class::Rodata);
    let shared = rodata.filter(|id| !tables.contains(id)).collect();
    Ok((text, tables.into_iter().collect(), shared))
}

/// Returns the sections that reach a problem.
fn impure(graph: &Graph<'_>) -> BTreeSet<SectionId> {
    let mut impure: BTreeSet<_> = graph
        .object
        .section_ids()
        .filter(|&id| {
            let owned = matches!(graph.class(id), Class::Entry(_) | Class::Private(_));
            owned || !graph.get(id).problems.is_empty() || scan::is_hit(graph.object, id)
        })
        .collect();
    loop {
        let before = impure.len();
        for id in graph.object.section_ids() {
            if graph.get(id).refs.iter().any(|id| impure.contains(id)) {
                impure.insert(id);
            }
        }
        if impure.len() == before {
            return impure;
        }
    }
}

fn is_note(section: &Section) -> bool {
    section.name.starts_with(".note.") && section.relocs.is_empty()
}

/// Drops the symbols of what was left out, and gives those of shared constants their new names.
fn drop_symbols(object: &mut Object, old_symbols: usize) {
    let mut used = BTreeSet::new();
    for section in object.sections.iter().filter(|section| !section.dropped) {
        used.extend(section.relocs.iter().filter_map(|reloc| reloc.symbol));
    }
    for id in (0..old_symbols).map(SymbolId) {
        let kept = match object.symbol(id).place {
            Place::Section(section) => !object.section(section).dropped,
            _ => used.contains(&id),
        };
        let symbol = &mut object.symbols[id.0];
        symbol.dropped = !kept;
        if matches!(symbol.place, Place::Section(_)) && symbol.kind != STT_SECTION {
            symbol.name = format!("{}{}", names::PREFIX, symbol.name);
        }
    }
}
