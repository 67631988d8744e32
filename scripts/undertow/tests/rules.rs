// SPDX-License-Identifier: GPL-2.0

//! One test for each message: what must be refused, and the words.

use super::fixture::*;
use crate::{
    elf::*,
    error::Error,
    graph::Available,
    isolate as tool, //
};

/// Checks that there is one finding and returns it as text.
fn only(bytes: &[u8]) -> String {
    let findings = findings(bytes);
    let text: Vec<_> = findings.iter().map(|finding| finding.to_string()).collect();
    assert_eq!(findings.len(), 1, "{text:#?}");
    text[0].clone()
}

#[track_caller]
fn assert_says(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "`{wanted}` is not in:\n{text}");
    }
}

#[test]
fn call_of_a_c_function() {
    let items = "extern \"C\" { fn mutex_lock(lock: *mut u8); }
        mod deep {
            #[inline(never)]
            pub fn step(lock: *mut u8) {
                unsafe { super::mutex_lock(lock) };
                core::hint::black_box(());
            }
        }";
    let text = only(&compile_isolated(
        items,
        "deep::step(input.as_ptr().cast_mut()); 1",
    ));
    assert_says(
        &text,
        &[
            "error: undertow: compartment `TEST` reaches `mutex_lock`, which is not available \
             inside",
            "  path: __ut_entry_TEST\n     -> probe::body_TEST\n     -> probe::deep::step\n     \
             -> mutex_lock",
            "\n  help: ",
        ],
    );
}

#[test]
fn function_of_c_in_a_table() {
    let items = "extern \"C\" { fn kfree(pointer: *const u8); }
        static TABLE: [unsafe extern \"C\" fn(*const u8); 1] = [kfree];";
    let body = "unsafe { core::hint::black_box(&TABLE)[0](input.as_ptr()) }; 1";
    assert_says(
        &only(&compile_isolated(items, body)),
        &[
            "reaches `kfree`, which is not available inside",
            "-> probe::TABLE\n     -> kfree",
        ],
    );
}

#[test]
fn function_of_c_in_a_service() {
    let items = "extern \"C\" {
            fn kfree(pointer: *const u8);
            fn undertow_service_call(service: *const u8) -> u32;
        }
        #[link_section = \"SECTION\"]
        static SERVICE: [unsafe extern \"C\" fn(*const u8); 1] = [kfree];";
    let body = "unsafe { undertow_service_call((&raw const SERVICE).cast()) }";
    let with = |section| compile_isolated(&items.replace("SECTION", section), body);

    // Its address is all that the compartment has of it.
    let bytes = isolate(&with(".rodata..undertow.service")).expect("it is good");
    let inside = b"_R_ut_undertow_service_call\0";
    assert!(bytes.windows(inside.len()).any(|name| name == inside));
    // The name of the section decides, and nothing like it.
    let text = only(&with(".rodata..undertow.services"));
    assert_says(&text, &["compartment `TEST` reaches `kfree`"]);
}

#[test]
fn writable_static() {
    let items = "use core::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static START: AtomicU32 = AtomicU32::new(5);
        #[no_mangle] pub fn outside() -> u32 {
            COUNT.load(Ordering::Relaxed) + START.load(Ordering::Relaxed)
        }";
    let body = "COUNT.fetch_add(1, Ordering::Relaxed) + START.fetch_add(1, Ordering::Relaxed)";
    let findings = findings(&compile_isolated(items, body));
    let text: Vec<_> = findings.iter().map(|finding| finding.to_string()).collect();
    // One in `.bss`, one in `.data`.
    assert_eq!(text.len(), 2, "{text:#?}");
    assert_says(
        &text[0],
        &["reaches the writable static `probe::COUNT`, which it cannot write"],
    );
    assert_says(
        &text[1],
        &["reaches the writable static `probe::START`, which it cannot write"],
    );
}

#[test]
fn thread_local_static() {
    let items = "extern \"C\" { #[thread_local] static mut SLOT: u32; }";
    let source = format!(
        "#![feature(thread_local)]\n{}",
        isolated("TEST", items, "unsafe { SLOT }")
    );
    // `SLOT` is external, and so is refused whatever its relocation.
    let text: Vec<_> = findings(&compile(&source))
        .iter()
        .map(|it| it.what.clone())
        .collect();
    assert!(
        text.iter()
            .all(|what| what.contains("compartment `TEST` reaches")),
        "{text:?}"
    );
    assert!(!text.is_empty());
}

#[test]
fn private_data_and_entry_of_another_compartment() {
    let items = "use core::sync::atomic::{AtomicU32, Ordering};
        #[link_section = \".data..undertow.priv.SECOND\"]
        static COUNT: AtomicU32 = AtomicU32::new(0);";
    let body = "let mut args = (input.as_ptr(), input.len(), 0u32);
        let entry: unsafe extern \"C\" fn(*mut u8) = __ut_entry_SECOND;
        unsafe { core::hint::black_box(entry)((&raw mut args).cast()) };
        args.2 + COUNT.load(Ordering::Relaxed)";
    let first = isolated("FIRST", items, body);
    let second = isolated(
        "SECOND",
        "",
        "COUNT.fetch_add(input[0].into(), Ordering::Relaxed)",
    );
    let findings = findings(&compile(&(first + &second)));
    let text: Vec<_> = findings.iter().map(|finding| finding.to_string()).collect();
    let all = text.join("\n");
    assert_says(
        &all,
        &[
            "compartment `FIRST` reaches the entry function `__ut_entry_SECOND` of compartment \
             `SECOND`",
            "compartment `FIRST` reaches private data `probe::COUNT` of compartment `SECOND`",
            "only through a service",
        ],
    );
}

#[test]
fn call_past_the_gate() {
    // A second object would see only the symbol; within one, the compiler must not inline it.
    let items = "#[no_mangle] pub fn outside(args: *mut u8) {
            unsafe {
                core::arch::asm!(\"call __ut_entry_TEST@PLT\", in(\"rdi\") args,
                                 clobber_abi(\"C\"))
            }
        }";
    assert_says(
        &only(&compile_isolated(items, "u32::from(input[0])")),
        &[
            "ordinary code calls into compartment `TEST` past the gate",
            "outside\n     -> __ut_entry_TEST",
        ],
    );
}

#[test]
fn code_that_the_kernel_patches_or_looks_up() {
    let tables = [
        (".altinstructions", "code that is patched for this CPU"),
        ("__jump_table", "a static key or tracepoint"),
        ("__bug_table", "WARN or BUG"),
        ("__ex_table", "an access that may fault"),
        (".static_call_sites", "a static call"),
        ("__mcount_loc", "a function trace point"),
        (".smp_locks", "lock prefixes"),
        (".discard.annotate_insn", "annotated inline assembly"),
    ];
    for (table, what) in tables {
        let body = format!(
            "unsafe {{ core::arch::asm!(\"2: nop\", \".pushsection {table},\\\"a\\\"\",
                 \".long 2b - .\", \".popsection\") }}; u32::from(input[0])"
        );
        assert_says(
            &only(&compile_isolated("", &body)),
            &[
                "compartment `TEST` reaches `probe::body_TEST`, which contains ",
                what,
            ],
        );
    }
}

#[test]
fn code_in_a_section_of_its_own() {
    let items = "#[link_section = \".init.text\"] #[inline(never)]
        fn setup(value: u32) -> u32 { value + 1 }
        #[link_section = \".init.rodata\"] #[used] static WORDS: [u32; 256] = [7; 256];";
    let body = "setup(input[0].into()) + core::hint::black_box(&WORDS)[input.len()]";
    let all: Vec<_> = findings(&compile_isolated(items, body))
        .iter()
        .map(|it| it.to_string())
        .collect();
    let all = all.join("\n");
    assert_says(
        &all,
        &[
            "reaches `probe::setup` in section `.init.text`",
            "reaches `probe::WORDS` in section `.init.rodata`",
        ],
    );
}

#[test]
fn forbidden_instructions() {
    let cases = [
        ("vmfunc", "VMFUNC"),
        ("wrmsr", "WRMSR"),
        ("mov cr3, rax", "MOV"),
        ("swapgs", "SWAPGS"),
        // In a constant, and across two instructions: `0f` ends one and `30` starts the next.
        ("mov eax, 0x30e0f00", ""),
        ("mov eax, 0x0f000000; xor [rax], al", "WRMSR"),
    ];
    for (code, name) in cases {
        let body = format!(
            "unsafe {{ core::arch::asm!(\"{code}\", out(\"rax\") _) }}; u32::from(input[0])"
        );
        let bytes = compile_isolated("", &body);
        match name {
            "" => assert!(isolate(&bytes).is_ok(), "{code}"),
            name => assert_says(
                &only(&bytes),
                &[
                    "the text of compartment `TEST` contains the bytes of ",
                    name,
                    " at probe::body_TEST+0x",
                ],
            ),
        }
    }
}

#[test]
fn names_of_compartments() {
    let source =
        "#[link_section = \".text..undertow.entry.a.b\"] #[no_mangle] extern \"C\" fn entry() {}";
    assert_says(
        &only(&compile(source)),
        &["`a.b` cannot be the name of a compartment"],
    );
}

#[test]
fn private_data_without_a_function() {
    let source = "use core::sync::atomic::AtomicU32;
        #[link_section = \".data..undertow.priv.LONELY\"] #[used]
        static COUNT: AtomicU32 = AtomicU32::new(0);";
    assert_says(
        &only(&compile(source)),
        &["compartment `LONELY` has private data but no isolated function"],
    );
}

#[test]
fn data_in_an_entry_section() {
    let mut object = good(&compile_isolated("", "u32::from(input[0])"));
    let entry = section(&object, ".text..undertow.entry.TEST");
    object.section_mut(entry).flags |= SHF_WRITE;
    let error = tool::isolate(&mut object, &Available::default()).unwrap_err();
    assert_says(
        &error.to_string(),
        &["`.text..undertow.entry.TEST` has the wrong kind of content"],
    );
}

#[test]
fn entry_section_in_a_group() {
    let mut object = good(&compile_isolated("", "u32::from(input[0])"));
    let entry = section(&object, ".text..undertow.entry.TEST");
    object.section_mut(entry).flags |= SHF_GROUP;
    let error = tool::isolate(&mut object, &Available::default()).unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error}");
}

#[test]
fn unknown_relocation() {
    const R_X86_64_GOTPCREL: u32 = 9;
    let items = "#[inline(never)] fn other() -> u32 { core::hint::black_box(1) }";
    let mut object = good(&compile_isolated(items, "other() + u32::from(input[0])"));
    let available = available_for(&object);
    let entry = section(&object, ".text..undertow.entry.TEST");
    object.section_mut(entry).relocs[0].kind = R_X86_64_GOTPCREL;
    let error = tool::isolate(&mut object, &available).unwrap_err();
    assert_says(
        &error.to_string(),
        &["`__ut_entry_TEST`, which has a relocation of type 9"],
    );
}

#[test]
fn resolver_functions_and_common_data() {
    let items = "extern \"C\" { fn chosen(); static mut block: u32; }";
    let body = "unsafe { chosen(); block += 1; block }";
    for (index, wanted) in ["`chosen`", "the writable static `block`"]
        .into_iter()
        .enumerate()
    {
        let mut object = good(&compile_isolated(items, body));
        let available = available_for(&object);
        for symbol in &mut object.symbols {
            match (index, symbol.name.as_str()) {
                (0, "chosen") => symbol.kind = STT_GNU_IFUNC,
                (1, "block") => symbol.place = Place::Common,
                _ => (),
            }
        }
        let error = tool::isolate(&mut object, &available).unwrap_err();
        assert_says(&error.to_string(), &[wanted]);
    }
}

#[test]
fn panic_path_is_no_error() {
    assert!(isolate(&compile_isolated(
        "",
        "u32::from(input[5]) / u32::from(input[6])"
    ))
    .is_ok());
}
