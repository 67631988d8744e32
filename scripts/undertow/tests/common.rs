// SPDX-License-Identifier: GPL-2.0

//! The copy of a library.

use std::fs;

use object::{
    read::elf::ElfFile64,
    Endianness,
    Object as _,
    ObjectSection as _,
    ObjectSymbol as _, //
};

use super::fixture::*;
use crate::{
    common::{
        copy,
        Extent, //
    },
    elf::*,
    error::Error,
    graph::Available,
    logic::scan::{
        first_hit,
        Isa, //
    },
    read,
    scan,
    write, //
};

const LIBRARY: &str = "
    extern \"C\" { fn printk(); }
    #[no_mangle] #[inline(never)] pub fn pure(value: u32) -> u32 { value ^ helper(value) }
    #[inline(never)] fn helper(value: u32) -> u32 { core::hint::black_box(value) + 1 }
    #[no_mangle] pub fn direct() { unsafe { printk() } }
    #[no_mangle] pub fn indirect() { core::hint::black_box(1); through() }
    #[inline(never)] fn through() { direct(); core::hint::black_box(2); }
    #[no_mangle] pub static TABLE: [fn(u32) -> u32; 1] = [helper];
    #[no_mangle] pub static IMPURE: [fn(); 1] = [through];
    #[no_mangle] pub static WORDS: [u32; 4] = [1, 2, 3, 4];
    static mut STATE: u32 = 1;
    #[no_mangle] pub fn stateful() -> u32 { unsafe { STATE += 1; STATE } }
    #[no_mangle] pub fn machine() { unsafe { core::arch::asm!(\"wrmsr\") } }
";

#[test]
fn only_what_is_pure_is_copied() {
    let object = good(&compile(LIBRARY));
    let available = available_for(&object);
    let copied = copy(object, &available, Extent::Pure).expect("a copy can be made");
    let copied = good(&write::write(&copied).expect("it can be written"));
    let mut names: Vec<_> = copied
        .symbols
        .iter()
        .filter(|symbol| symbol.bind != STB_LOCAL && matches!(symbol.place, Place::Section(_)))
        .map(|symbol| symbol.name.as_str())
        .collect();
    // The compiler makes this one global when another crate could inline what calls it.
    names.retain(|name| !name.ends_with("helper"));
    names.sort_unstable();
    assert_eq!(names, ["_R_ut_TABLE", "_R_ut_WORDS", "_R_ut_pure"]);

    // Nothing of the original is left, and nothing has the name that it has there.
    let text: Vec<_> = copied
        .sections
        .iter()
        .filter(|it| it.flags & SHF_EXECINSTR != 0)
        .collect();
    assert_eq!(text.len(), 1);
    assert_eq!(text[0].name, ".text..undertow.common");
    for symbol in copied
        .symbols
        .iter()
        .filter(|symbol| !symbol.name.is_empty())
    {
        assert!(symbol.name.starts_with("_R_ut_"), "{}", symbol.name);
    }
}

#[test]
fn complete_copy_tells_what_is_impure() {
    let object = good(&compile(LIBRARY));
    let available = available_for(&object);
    let Err(Error::Rules(findings)) = copy(object, &available, Extent::Complete) else {
        panic!("findings expected");
    };
    let text: Vec<_> = findings
        .iter()
        .map(|finding| finding.what.clone())
        .collect();
    assert_eq!(text.len(), 2, "{text:#?}");
    assert!(text.iter().any(|what| what.contains("`printk`")));
    assert!(text.iter().any(|what| what.contains("::STATE`")));
}

#[test]
fn result_of_a_copy_serves_an_isolated_function() {
    let library = good(&compile(LIBRARY));
    let available = available_for(&library);
    let library = copy(library, &available, Extent::Pure).expect("a copy can be made");
    let mut available = Available::default();
    available.add(&library);
    let items =
        "extern \"Rust\" { fn pure(value: u32) -> u32; fn direct(); static WORDS: [u32; 4]; }";
    let mut object = good(&compile_isolated(
        items,
        "unsafe { pure(1) + WORDS[input.len() & 3] }",
    ));
    available.add(&core_for(&object));
    crate::isolate::isolate(&mut object, &available).expect("all of it is available");

    let mut object = good(&compile_isolated(items, "unsafe { direct(); 1 }"));
    let error = crate::isolate::isolate(&mut object, &available).unwrap_err();
    assert!(error.to_string().contains("reaches `direct`"), "{error}");
}

#[test]
fn copies_of_a_kernel_build_are_closed() {
    let Some(build) = kernel_build() else {
        return;
    };
    for name in ["core_undertow.o", "kernel_undertow.o"] {
        let bytes =
            fs::read(build.join("rust").join(name)).expect("the kernel has CONFIG_UNDERTOW=y");
        let object = read::read(&bytes).expect("it is good");
        for symbol in &object.symbols {
            let named = symbol.name.is_empty() || symbol.name.starts_with("_R_ut_");
            assert!(named, "{name}: {}", symbol.name);
        }
        for section in &object.sections {
            assert_eq!(section.flags & SHF_WRITE, 0, "{name}: {}", section.name);
        }
        let text = section(&object, ".text..undertow.common");
        assert!(!scan::is_hit(&object, text), "{name}");
    }
}

#[test]
fn text_of_a_linked_kernel_has_no_forbidden_instruction() {
    let Some(build) = kernel_build() else {
        return;
    };
    let bytes = fs::read(build.join("vmlinux")).expect("the kernel is linked");
    let file = ElfFile64::<Endianness>::parse(&*bytes).expect("it is ELF");
    let address = |name: &str| {
        let symbol = file.symbol_by_name(name);
        symbol
            .unwrap_or_else(|| panic!("a symbol `{name}`"))
            .address()
    };
    let text = file.section_by_name(".text").expect("there is text");
    let (start, end) = (
        address("__undertow_common_start"),
        address("__undertow_common_end"),
    );
    assert_eq!((start % 4096, end % 4096), (0, 0));
    assert!(start < end);
    let data = text.data().expect("it has data");
    let data = &data[(start - text.address()) as usize..(end - text.address()) as usize];
    let hit = first_hit(Isa::WithoutApx, data);
    assert!(hit.is_none(), "{hit:?}");
    match first_hit(Isa::WithApx, data) {
        Some(hit) => eprintln!(
            "only on a CPU with APX: {} at {:#x}",
            hit.pattern.name, hit.offset
        ),
        None => eprintln!("also on a CPU with APX"),
    }
}
