// SPDX-License-Identifier: GPL-2.0

//! Gives each compartment of an object a section of text of its own.

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use super::{
    assemble::{
        self,
        Builder,
        Naming, //
    },
    class::{
        class,
        Class, //
    },
    closure::Closure,
    elf::*,
    error::{
        Error,
        Finding,
        Result, //
    },
    graph::{
        Available,
        Graph, //
    },
    names,
    scan, //
};

/// What goes into one compartment.
struct Plan {
    name: String,
    entries: Vec<SectionId>,
    text: Vec<SectionId>,
    tables: Vec<SectionId>,
    private: Option<SectionId>,
}

/// Isolates all compartments of `object`. Says whether there was anything to do.
///
/// # Errors
///
/// - `Rules` when isolated code reaches what it must not, or contains a forbidden instruction;
/// - `Unsupported` when the object has isolated code in a form that the compiler does not emit.
pub(crate) fn isolate(object: &mut Object, available: &Available) -> Result<bool> {
    if is_done(object) {
        return Ok(false);
    }
    let plans = plan(object, available)?;
    let mut findings = Vec::new();
    for plan in &plans {
        apply(object, available, plan, &mut findings)?;
    }
    match findings.is_empty() {
        true => Ok(!plans.is_empty()),
        false => Err(Error::Rules(findings)),
    }
}

/// Says whether this tool has seen the object before: it has removed the entry sections then.
fn is_done(object: &Object) -> bool {
    let has = |prefix| {
        let mut sections = object.sections.iter();
        sections.any(|section| section.name.starts_with(prefix))
    };
    has(names::TEXT) && !has(names::ENTRY)
}

fn plan(object: &Object, available: &Available) -> Result<Vec<Plan>> {
    let mut entries: BTreeMap<&str, Vec<SectionId>> = BTreeMap::new();
    let mut private: BTreeMap<&str, Vec<SectionId>> = BTreeMap::new();
    let mut findings = Vec::new();
    for id in object.section_ids() {
        match class(object.section(id)) {
            Class::Entry(name) => entries.entry(name).or_default().push(id),
            Class::Private(name) => private.entry(name).or_default().push(id),
            _ => (),
        }
    }
    check_names(object, &entries, &private, &mut findings)?;

    let graph = Graph::new(object, available);
    let mut plans = Vec::new();
    let mut inside: BTreeSet<SectionId> = BTreeSet::new();
    for (name, entries) in entries {
        let private = private.get(name).map(|sections| sections[0]);
        let roots: Vec<_> = entries.iter().copied().chain(private).collect();
        let closure = Closure::new(&graph, &roots);
        findings.extend(closure.findings(&graph, name));
        inside.extend(&closure.order);
        plans.push(Plan {
            name: name.to_owned(),
            text: closure.of(&graph, |class| class == Class::Text).collect(),
            tables: closure.tables(&graph).into_iter().collect(),
            entries,
            private,
        });
    }
    calls_from_outside(&graph, &inside, &mut findings);
    match findings.is_empty() {
        true => Ok(plans),
        false => Err(Error::Rules(findings)),
    }
}

fn check_names(
    object: &Object,
    entries: &BTreeMap<&str, Vec<SectionId>>,
    private: &BTreeMap<&str, Vec<SectionId>>,
    findings: &mut Vec<Finding>,
) -> Result {
    for (name, sections) in entries.iter().chain(private) {
        if !names::is_compartment(name) {
            findings.push(Finding {
                what: format!("`{name}` cannot be the name of a compartment"),
                path: Vec::new(),
                help: "use letters, digits and underscores, 64 at most".into(),
            });
        }
        for &id in sections {
            let section = object.section(id);
            if section.flags & (SHF_GROUP | SHF_TLS) != 0 || section.kind == SHT_GROUP {
                return Err(Error::Unsupported(format!(
                    "section `{}` is in a group or thread-local",
                    section.name
                )));
            }
            let wanted = match class(section) {
                Class::Entry(_) => SHF_ALLOC | SHF_EXECINSTR,
                _ => SHF_ALLOC | SHF_WRITE,
            };
            if section.flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR) != wanted {
                findings.push(Finding {
                    what: format!("section `{}` has the wrong kind of content", section.name),
                    path: Vec::new(),
                    help: "let the macros of `kernel::undertow` choose the sections".into(),
                });
            }
        }
    }
    for (name, sections) in private {
        if sections.len() > 1 {
            return Err(Error::Unsupported(format!(
                "compartment `{name}` has {} sections of private data",
                sections.len()
            )));
        }
        if !entries.contains_key(name) {
            findings.push(Finding {
                what: format!("compartment `{name}` has private data but no isolated function"),
                path: Vec::new(),
                help: format!("mark a function with `#[undertow::isolated({name})]`"),
            });
        }
    }
    Ok(())
}

/// Finds direct calls from ordinary code, which would only find pages that are not executable.
fn calls_from_outside(graph: &Graph<'_>, inside: &BTreeSet<SectionId>, out: &mut Vec<Finding>) {
    for id in graph.object.section_ids() {
        let section = graph.object.section(id);
        if section.flags & SHF_EXECINSTR == 0 || inside.contains(&id) {
            continue;
        }
        for reloc in &section.relocs {
            let symbol = reloc.symbol.map(|symbol| graph.object.symbol(symbol));
            let Some(Place::Section(target)) = symbol.map(|symbol| symbol.place) else {
                continue;
            };
            if let (Class::Entry(name), R_X86_64_PLT32) = (graph.class(target), reloc.kind) {
                out.push(Finding {
                    what: format!("ordinary code calls into compartment `{name}` past the gate"),
                    path: vec![graph.name_at(id, reloc.offset), graph.name(target)],
                    help: "call the function that carries the attribute, not its entry".into(),
                });
            }
        }
    }
}

fn apply(
    object: &mut Object,
    available: &Available,
    plan: &Plan,
    findings: &mut Vec<Finding>,
) -> Result {
    let name = plan.name.as_str();
    let naming = Naming::Compartment(name);
    let mut builder = Builder::new(object, available, naming, format!("{}{name}", names::TEXT));
    for &entry in &plan.entries {
        builder.move_text(entry);
    }
    for &section in &plan.text {
        builder.copy_text(section);
    }
    let rodata = format!("{}{name}", names::RODATA);
    for &section in &plan.tables {
        builder.copy_rodata(section, &rodata);
    }
    builder.relocate();
    if let Some(private) = plan.private {
        builder.relocate_in_place(private);
    }
    builder.pad_text();
    let text = builder.text();
    let placed = builder.finish();

    remove(object, &plan.entries, &placed)?;
    let size = object.section(text).size();
    define(object, "text", name, text, size);
    match plan.private {
        Some(private) => {
            assemble::pad(object.section_mut(private), 0);
            let size = object.section(private).size();
            define(object, "priv", name, private, size);
        }
        // An empty range: the compiler removes data that nobody reads.
        None => define(object, "priv", name, text, 0),
    }
    findings.extend(scan::findings(object, text, name));
    Ok(())
}

/// Removes the entry sections, which have been moved, and turns what refers to them by section.
fn remove(
    object: &mut Object,
    entries: &[SectionId],
    placed: &BTreeMap<SectionId, (SectionId, u64)>,
) -> Result {
    for &entry in entries {
        object.section_mut(entry).dropped = true;
        // A list of facts about the old section, which nobody needs.
        for section in &mut object.sections {
            if section.flags & SHF_LINK_ORDER != 0 && section.link == Some(entry) {
                section.dropped = true;
            }
        }
        let (place, offset) = placed[&entry];
        let old = object.section_symbol(entry);
        let new = object.section_symbol(place);
        for section in object
            .sections
            .iter_mut()
            .filter(|section| !section.dropped)
        {
            for reloc in &mut section.relocs {
                if reloc.symbol == Some(old) {
                    reloc.symbol = Some(new);
                    reloc.addend = reloc.addend.wrapping_add_unsigned(offset);
                }
            }
        }
        object.symbols[old.0].dropped = true;
    }
    Ok(())
}

/// Defines the symbols for the two ends of a section, for the descriptor of the compartment.
///
/// They are local: two drivers in one kernel may use the same name for a compartment.
fn define(object: &mut Object, what: &str, compartment: &str, section: SectionId, size: u64) {
    for (end, value) in [("start", 0), ("end", size)] {
        let symbol = Symbol {
            name: format!("__ut_{what}_{end}_{compartment}"),
            bind: STB_LOCAL,
            kind: STT_NOTYPE,
            other: 0,
            place: Place::Section(section),
            value,
            size: 0,
            dropped: false,
        };
        let reference = object
            .symbols
            .iter_mut()
            .find(|old| old.name == symbol.name && old.place == Place::Undefined);
        match reference {
            Some(reference) => *reference = symbol,
            None => {
                object.add_symbol(symbol);
            }
        }
    }
}
