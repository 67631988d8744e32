// SPDX-License-Identifier: GPL-2.0

//! Reading and writing, compared with another reader.

use std::fs;

use object::{
    read::elf::ElfFile64,
    Endianness,
    Object as _,
    ObjectSection as _,
    ObjectSymbol as _,
    RelocationFlags,
    RelocationTarget,
    SectionFlags,
    SymbolSection, //
};

use super::{
    cases::GOOD,
    fixture::*, //
};
use crate::{
    elf::*,
    read,
    write, //
};

/// Everything that both readers say about a section.
type SectionFacts = (
    String,
    u64,
    u64,
    u64,
    Vec<u8>,
    Vec<(u64, u32, String, String, i64)>,
);

/// Everything that both readers say about a symbol.
type SymbolFacts = (String, String, u64, u64, bool);

fn ours(object: &Object) -> (Vec<SectionFacts>, Vec<SymbolFacts>) {
    let place = |place: Place| match place {
        Place::Undefined => "undefined".to_owned(),
        Place::Absolute => "absolute".to_owned(),
        Place::Common => "common".to_owned(),
        Place::Section(id) => object.section(id).name.clone(),
    };
    let kept = object.sections.iter().filter(|section| !section.dropped);
    let sections = kept
        .filter(|section| section.kind != SHT_GROUP)
        .map(|section| {
            let relocs = section.relocs.iter().map(|reloc| {
                let symbol = reloc.symbol.map(|id| object.symbol(id));
                let name = symbol.map_or(String::new(), |symbol| symbol.name.clone());
                let place = symbol.map_or(String::new(), |symbol| place(symbol.place));
                (reloc.offset, reloc.kind, name, place, reloc.addend)
            });
            let (size, align) = (section.size(), section.align);
            let name = section.name.clone();
            (
                name,
                section.flags,
                size,
                align,
                section.bytes().to_vec(),
                relocs.collect(),
            )
        });
    let kept = object.symbols.iter().filter(|symbol| !symbol.dropped);
    let symbols = kept.map(|symbol| {
        let local = symbol.bind == STB_LOCAL;
        (
            symbol.name.clone(),
            place(symbol.place),
            symbol.value,
            symbol.size,
            local,
        )
    });
    let mut symbols: Vec<_> = symbols.collect();
    symbols.sort();
    (sections.collect(), symbols)
}

fn theirs(bytes: &[u8]) -> (Vec<SectionFacts>, Vec<SymbolFacts>) {
    let file = ElfFile64::<Endianness>::parse(bytes).expect("the other reader accepts it");
    let name = |section: object::SectionIndex| {
        let section = file.section_by_index(section).expect("it is there");
        section.name().expect("it has a name").to_owned()
    };
    let place = |section: SymbolSection| match section {
        SymbolSection::Undefined => "undefined".to_owned(),
        // The name of the source file.
        SymbolSection::None | SymbolSection::Absolute => "absolute".to_owned(),
        SymbolSection::Common => "common".to_owned(),
        SymbolSection::Section(index) => name(index),
        other => panic!("{other:?}"),
    };
    let tables = [SHT_NULL, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_GROUP];
    let dropped = [SHT_LLVM_ADDRSIG, SHT_LLVM_CALL_GRAPH_PROFILE];
    let sections = file.sections().filter(|section| {
        let kind = section.elf_section_header().sh_type.get(Endianness::Little);
        !tables.contains(&kind) && !dropped.contains(&kind)
    });
    let sections = sections.map(|section| {
        let relocs = section.relocations().map(|(offset, reloc)| {
            let RelocationFlags::Elf { r_type } = reloc.flags() else {
                panic!("{reloc:?}");
            };
            let (name, section) = match reloc.target() {
                RelocationTarget::Symbol(index) => {
                    let symbol = file.symbol_by_index(index).expect("it is there");
                    (
                        symbol.name().expect("it has a name").to_owned(),
                        place(symbol.section()),
                    )
                }
                _ => Default::default(),
            };
            (offset, r_type, name, section, reloc.addend())
        });
        let SectionFlags::Elf { sh_flags } = section.flags() else {
            panic!("{section:?}");
        };
        let data = section.data().expect("it has data").to_vec();
        let name = section.name().expect("it has a name").to_owned();
        (
            name,
            sh_flags,
            section.size(),
            section.align(),
            data,
            relocs.collect(),
        )
    });
    let symbols = file.symbols().map(|symbol| {
        let name = symbol.name().expect("it has a name").to_owned();
        (
            name,
            place(symbol.section()),
            symbol.address(),
            symbol.size(),
            symbol.is_local(),
        )
    });
    let mut symbols: Vec<_> = symbols.collect();
    symbols.sort();
    (sections.collect(), symbols)
}

/// Compares the readers on `bytes`, and again on what the writer makes of it.
fn compare(name: &str, bytes: &[u8]) {
    let object = read::read(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    // Not `assert_eq`: the difference would be megabytes.
    assert!(ours(&object) == theirs(bytes), "{name}: readers disagree");
    let written = write::write(&object).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(
        ours(&object) == theirs(&written),
        "{name}: the other reader sees a difference"
    );
    assert!(
        good(&written) == object,
        "{name}: our reader sees a difference"
    );
    assert!(
        write::write(&object).ok() == Some(written),
        "{name}: not the same bytes twice"
    );
}

#[test]
fn readers_agree_on_compiled_objects() {
    for (name, items, body) in GOOD {
        let bytes = compile_isolated(items, body);
        compare(name, &bytes);
        compare(name, &isolate(&bytes).expect("it is good"));
    }
}

#[test]
fn readers_agree_on_the_objects_of_a_kernel() {
    let Some(build) = kernel_build() else {
        return;
    };
    let mut count = 0;
    for directory in ["rust", "samples/rust", "lib", "kernel"] {
        let directory = build.join(directory);
        for path in directory
            .is_dir()
            .then(|| objects(&directory))
            .into_iter()
            .flatten()
        {
            let bytes = fs::read(&path).expect("it can be read");
            // Archives and empty objects have the same ending.
            if bytes.starts_with(b"\x7fELF") {
                compare(&path.display().to_string(), &bytes);
                count += 1;
            }
        }
    }
    eprintln!("{count} objects compared");
    assert!(count > 10, "{} is a built kernel", build.display());
}

#[test]
fn groups_and_ordered_sections_survive() {
    let mut object = good(&compile_isolated("", "u32::from(input[0])"));
    let mut member = Section::new(
        ".text.grouped".into(),
        SHF_ALLOC | SHF_EXECINSTR | SHF_GROUP,
        16,
    );
    member.body = Body::Bytes(vec![0xe8, 0, 0, 0, 0, 0xc3]);
    let target = SymbolId(0);
    member.relocs = vec![Reloc {
        offset: 1,
        kind: R_X86_64_PLT32,
        symbol: Some(target),
        addend: -4,
    }];
    let member = object.add_section(member);
    let mut ordered = Section::new(".sizes".into(), SHF_LINK_ORDER, 1);
    ordered.link = Some(member);
    object.add_section(ordered);
    let mut group = Section::new(".group".into(), 0, 4);
    group.kind = SHT_GROUP;
    group.entry_size = 4;
    group.body = Body::Group {
        flags: 1,
        signature: target,
        members: vec![member],
    };
    object.add_section(group);
    let written = write::write(&object).expect("it can be written");
    assert!(good(&written) == object);

    // The relocation section of a member belongs to the group as well.
    let file = ElfFile64::<Endianness>::parse(&*written).expect("the other reader accepts it");
    let comdat = object::Object::comdats(&file)
        .next()
        .expect("there is a group");
    assert_eq!(object::ObjectComdat::sections(&comdat).count(), 2);
}
