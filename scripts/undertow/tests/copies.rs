// SPDX-License-Identifier: GPL-2.0

//! What isolated code refers to, judged by other readers than our own.

use std::collections::BTreeMap;

use iced_x86::{
    Code,
    Decoder,
    DecoderOptions,
    FlowControl, //
};
use object::{
    read::elf::ElfFile64,
    Endianness,
    Object as _,
    ObjectSection as _,
    ObjectSymbol as _,
    RelocationTarget,
    SectionFlags,
    SymbolSection, //
};

use super::{
    cases::GOOD,
    fixture::*, //
};
use crate::elf::*;

type Elf<'a> = ElfFile64<'a, Endianness>;

/// Checks that text and tables of a compartment refer to nothing but themselves, the common copy
/// and constants.
fn audit(bytes: &[u8], compartment: &str) {
    let file = Elf::parse(bytes).expect("the result is ELF");
    let text_name = format!(".text..undertow.c.{compartment}");
    let rodata_name = format!(".rodata..undertow.c.{compartment}");
    let text = file.section_by_name(&text_name).expect("there is text");
    assert_eq!(text.align(), 4096);
    assert_eq!(text.size() % 4096, 0);
    let expected = SectionFlags::Elf {
        sh_flags: SHF_ALLOC | SHF_EXECINSTR,
    };
    assert_eq!(text.flags(), expected);

    let parts = [
        Some(text.index()),
        file.section_by_name(&rodata_name).map(|it| it.index()),
    ];
    for index in parts.into_iter().flatten() {
        let section = file.section_by_index(index).expect("it is there");
        for (offset, reloc) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = reloc.target() else {
                panic!("a relocation without a symbol at {offset:#x}");
            };
            let symbol = file.symbol_by_index(symbol).expect("it is there");
            match symbol.section() {
                SymbolSection::Undefined => {
                    let name = symbol.name().expect("it has a name");
                    assert!(name.starts_with("_R_ut_"), "{name} is outside");
                }
                SymbolSection::Section(target) if parts.contains(&Some(target)) => (),
                SymbolSection::Section(target) => {
                    let target = file.section_by_index(target).expect("it is there");
                    let name = target.name().expect("it has a name");
                    assert!(
                        name.starts_with(".rodata"),
                        "{name} is neither inside nor constant"
                    );
                    let tables = target.relocations().filter(|(_, reloc)| {
                        let RelocationTarget::Symbol(symbol) = reloc.target() else {
                            return true;
                        };
                        let symbol = file.symbol_by_index(symbol).expect("it is there");
                        let Some(section) = symbol.section_index() else {
                            return true;
                        };
                        let section = file.section_by_index(section).expect("it is there");
                        !section
                            .name()
                            .expect("it has a name")
                            .starts_with(".rodata")
                    });
                    assert_eq!(tables.count(), 0, "{name} has addresses of ordinary code");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Checks that every instruction of the functions in `text` decodes, and that every branch without
/// a relocation stays in its function.
fn decode(object: &Object, text: SectionId) {
    let relocated: BTreeMap<_, _> = object
        .section(text)
        .relocs
        .iter()
        .map(|r| (r.offset, r))
        .collect();
    let functions = object.symbols.iter().filter(|symbol| {
        symbol.place == Place::Section(text) && symbol.kind == STT_FUNC && !symbol.dropped
    });
    for function in functions {
        let (start, end) = (function.value, function.value + function.size);
        let code = &object.section(text).bytes()[start as usize..end as usize];
        let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
        while decoder.can_decode() {
            let instruction = decoder.decode();
            assert_ne!(
                instruction.code(),
                Code::INVALID,
                "{} at {:#x}",
                function.name,
                decoder.ip()
            );
            let is_branch = matches!(
                instruction.flow_control(),
                FlowControl::Call
                    | FlowControl::UnconditionalBranch
                    | FlowControl::ConditionalBranch
            );
            // The distance of a near branch is its last field.
            let field = instruction.next_ip().wrapping_sub(4);
            if is_branch && !relocated.contains_key(&field) {
                let target = instruction.near_branch_target();
                assert!(
                    (start..end).contains(&target),
                    "{} leaves itself",
                    function.name
                );
            }
        }
    }
}

#[test]
fn isolated_code_refers_to_nothing_outside() {
    for (name, items, body) in GOOD {
        let result = isolate(&compile_isolated(items, body));
        let bytes = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        audit(&bytes, "TEST");
        let object = good(&bytes);
        decode(&object, section(&object, ".text..undertow.c.TEST"));
    }
}

#[test]
fn two_compartments_share_nothing_executable() {
    let items = "#[inline(never)] fn shared(input: &[u8]) -> u32 { u32::from(input[1]) + 1 }";
    let first = isolated("FIRST", items, "shared(input)");
    let second = isolated("SECOND", "", "shared(input) * 2");
    let bytes = isolate(&compile(&(first + &second))).expect("both are good");
    audit(&bytes, "FIRST");
    audit(&bytes, "SECOND");
}

#[test]
fn entry_is_first_and_descriptor_names_it() {
    let bytes = isolate(&compile_isolated("", "u32::from(input[0])")).expect("it is good");
    let object = good(&bytes);
    let text = section(&object, ".text..undertow.c.TEST");
    let entry = symbol(&object, "__ut_entry_TEST");
    assert_eq!((entry.place, entry.value), (Place::Section(text), 0));
    assert_eq!(entry.bind, STB_GLOBAL);

    let start = symbol(&object, "__ut_text_start_TEST");
    let end = symbol(&object, "__ut_text_end_TEST");
    assert_eq!((start.place, start.value), (Place::Section(text), 0));
    assert_eq!(
        (end.place, end.value),
        (Place::Section(text), object.section(text).size())
    );
    // Local, or two drivers with the same name for a compartment could not be in one kernel.
    assert_eq!((start.bind, end.bind), (STB_LOCAL, STB_LOCAL));

    let named = |name: &str| {
        object
            .sections
            .iter()
            .any(|section| section.name.starts_with(name))
    };
    assert!(!named(".text..undertow.entry."));
}

#[test]
fn ordinary_code_keeps_its_own_functions() {
    let (_, items, body) = GOOD[5];
    let before = compile_isolated(items, body);
    let after = isolate(&before).expect("it is good");
    let (before, after) = (good(&before), good(&after));
    for name in ["outside", "DESCRIPTOR_TEST"] {
        let find = |object: &Object| {
            let mut symbols = object.symbols.iter();
            let symbol = symbols.find(|symbol| symbol.name.contains(name)).cloned();
            let symbol = symbol.unwrap_or_else(|| panic!("a symbol with `{name}`"));
            let Place::Section(section) = symbol.place else {
                panic!("{name} is defined");
            };
            let section = object.section(section).clone();
            let targets: Vec<_> = section
                .relocs
                .iter()
                .filter_map(|reloc| reloc.symbol)
                .collect();
            let targets: Vec<_> = targets
                .iter()
                .map(|&id| object.symbol(id).name.clone())
                .collect();
            (section.body, section.name, targets)
        };
        assert_eq!(find(&before), find(&after), "{name}");
    }
}

#[test]
fn shared_constants_are_not_copied() {
    let body =
        "let table = b\"a constant without an address in it\"; u32::from(table[input.len() % 30])";
    let bytes = isolate(&compile_isolated("", body)).expect("it is good");
    let object = good(&bytes);
    assert!(!object
        .sections
        .iter()
        .any(|section| section.name.starts_with(".rodata..undertow")));
}

#[test]
fn private_data_gets_pages_of_its_own() {
    let items = "use core::sync::atomic::{AtomicU32, Ordering};
        #[link_section = \".data..undertow.priv.TEST\"]
        static COUNT: AtomicU32 = AtomicU32::new(3);
        extern \"C\" { static __ut_priv_start_TEST: u8; static __ut_priv_end_TEST: u8; }
        #[no_mangle] pub fn range() -> usize {
            let (start, end) = (&raw const __ut_priv_start_TEST, &raw const __ut_priv_end_TEST);
            end as usize - start as usize
        }";
    let body = "COUNT.fetch_add(input[0].into(), Ordering::Relaxed)";
    let object = good(&isolate(&compile_isolated(items, body)).expect("it is good"));
    let private = object.section(section(&object, ".data..undertow.priv.TEST"));
    assert_eq!((private.align, private.size()), (4096, 4096));
    assert_eq!(private.bytes()[..4], [3, 0, 0, 0]);
    assert_eq!(symbol(&object, "__ut_priv_end_TEST").value, 4096);
}

#[test]
fn private_data_that_the_compiler_removed_is_an_empty_range() {
    let object = good(&isolate(&compile_isolated("", "u32::from(input[0])")).expect("it is good"));
    let start = symbol(&object, "__ut_priv_start_TEST");
    let end = symbol(&object, "__ut_priv_end_TEST");
    assert_eq!((start.place, start.value), (end.place, end.value));
}

#[test]
fn result_is_the_same_every_time() {
    for (name, items, body) in GOOD {
        let input = compile_isolated(items, body);
        assert!(isolate(&input).ok() == isolate(&input).ok(), "{name}");
    }
}

#[test]
fn second_run_changes_nothing() {
    for (name, items, body) in GOOD {
        let once = isolate(&compile_isolated(items, body)).expect("it is good");
        let twice = isolate(&once).expect("it has been good");
        assert!(once == twice, "{name}");
    }
}

#[test]
fn references_to_local_entries_by_section_and_offset() {
    // As the macro nests them: not exported, several in one section, named only by address.
    let source = "extern \"C\" { fn gate(entry: unsafe extern \"C\" fn(*mut u8)); }
        #[no_mangle] pub fn first() {
            #[link_section = \".text..undertow.entry.TEST\"]
            unsafe extern \"C\" fn entry(args: *mut u8) { *args = 1 }
            unsafe { gate(entry) }
        }
        #[no_mangle] pub fn second() {
            #[link_section = \".text..undertow.entry.TEST\"]
            unsafe extern \"C\" fn entry(args: *mut u8) { *args = 2 }
            unsafe { gate(entry) }
        }";
    let object = good(&isolate(&compile(source)).expect("it is good"));
    let text = section(&object, ".text..undertow.c.TEST");
    let mut constants = Vec::new();
    for name in ["first", "second"] {
        let Place::Section(caller) = symbol(&object, name).place else {
            panic!("{name} is defined");
        };
        let caller = object.section(caller);
        // The address, not the call of the gate.
        let reloc = caller
            .relocs
            .iter()
            .find(|reloc| reloc.kind == R_X86_64_32S);
        let reloc = reloc.expect("the address is a constant");
        let target = object.symbol(reloc.symbol.expect("it has a symbol"));
        assert_eq!(target.place, Place::Section(text), "{name}");
        let offset = target.value.wrapping_add_signed(reloc.addend) as usize;
        let code = &object.section(text).bytes()[offset..];
        let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
        let store = decoder.iter().find(|it| it.code() == Code::Mov_rm8_imm8);
        constants.push(store.expect("it stores a constant").immediate8());
    }
    assert_eq!(constants, [1, 2]);
}
