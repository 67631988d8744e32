// SPDX-License-Identifier: GPL-2.0

//! Objects to test with.

use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::{
        self,
        Command, //
    },
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use crate::{
    elf::*,
    error::{
        Error,
        Finding, //
    },
    graph::Available,
    isolate,
    read,
    write, //
};

static COUNTER: AtomicUsize = AtomicUsize::new(0);

/// A directory that disappears with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("undertow-link-{}-{number}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is only litter if this fails.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compiles Rust with the flags of the kernel that matter here.
pub(crate) fn compile(source: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let input = scratch.file("probe.rs");
    let output = scratch.file("probe.o");
    let source = format!("#![no_std]\n#![allow(warnings)]\n{source}");
    fs::write(&input, source).expect("the temporary directory is writable");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let result = Command::new(rustc)
        .args(["--edition=2021", "--crate-type=rlib", "--emit=obj"])
        .args(["--target=x86_64-unknown-linux-gnu"])
        .args(["-Copt-level=2", "-Cpanic=abort", "-Ccodegen-units=1"])
        .args(["-Csymbol-mangling-version=v0", "-Cforce-unwind-tables=n"])
        .args(["-Crelocation-model=static", "-Ccode-model=kernel"])
        .args(["-Cno-redzone=y", "-Cforce-frame-pointers=y"])
        .args(["-Coverflow-checks=y", "-Zplt=yes"])
        .args(["-Zdirect-access-external-data=yes", "-o"])
        // As in the kernel's build: these flags are not stable.
        .env("RUSTC_BOOTSTRAP", "1")
        .args([&output, &input])
        .output()
        .expect("rustc runs");
    let message = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success(), "rustc: {message}");
    fs::read(&output).expect("rustc writes the object")
}

/// Compiles a function of a compartment: `body` computes a `u32` from `input: &[u8]`.
pub(crate) fn compile_isolated(items: &str, body: &str) -> Vec<u8> {
    compile(&isolated("TEST", items, body))
}

/// Returns the source of an isolated function as the macro writes it.
pub(crate) fn isolated(compartment: &str, items: &str, body: &str) -> String {
    format!(
        "{items}
        #[inline(never)]
        fn body_{compartment}(input: &[u8]) -> u32 {{ {body} }}

        #[link_section = \".text..undertow.entry.{compartment}\"]
        #[no_mangle]
        unsafe extern \"C\" fn __ut_entry_{compartment}(args: *mut u8) {{
            let args = &mut *args.cast::<(*const u8, usize, u32)>();
            args.2 = body_{compartment}(core::slice::from_raw_parts(args.0, args.1));
        }}

        extern \"C\" {{
            static __ut_text_start_{compartment}: u8;
            static __ut_text_end_{compartment}: u8;
        }}

        #[repr(C)]
        struct Descriptor_{compartment}(*const u8, *const u8, unsafe extern \"C\" fn(*mut u8));
        unsafe impl Sync for Descriptor_{compartment} {{}}
        #[used]
        static DESCRIPTOR_{compartment}: Descriptor_{compartment} = Descriptor_{compartment}(
            &raw const __ut_text_start_{compartment},
            &raw const __ut_text_end_{compartment},
            __ut_entry_{compartment},
        );"
    )
}

/// Reads an object that must be good.
pub(crate) fn good(bytes: &[u8]) -> Object {
    read::read(bytes).expect("the object is good")
}

/// Returns what is available with a common copy that has all of `core` that `object` refers to.
pub(crate) fn available_for(object: &Object) -> Available {
    let mut available = Available::default();
    available.add(&core_for(object));
    available
}

/// Returns a common copy that has everything of `core` that `object` refers to.
pub(crate) fn core_for(object: &Object) -> Object {
    let mut copy = Object::default();
    let text = copy.add_section(Section::new(".text".into(), SHF_ALLOC | SHF_EXECINSTR, 16));
    for symbol in &object.symbols {
        let is_core = symbol.name.starts_with("_R") && symbol.name.contains("4core");
        if symbol.place == Place::Undefined && is_core {
            copy.add_symbol(Symbol {
                name: format!("_R_ut_{}", symbol.name),
                place: Place::Section(text),
                ..symbol.clone()
            });
        }
    }
    copy
}

/// Runs the tool on an object in memory.
pub(crate) fn isolate(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut object = good(bytes);
    let available = available_for(&object);
    isolate::isolate(&mut object, &available)?;
    write::write(&object)
}

/// Returns the findings on an object that must break rules.
pub(crate) fn findings(bytes: &[u8]) -> Vec<Finding> {
    match isolate(bytes) {
        Err(Error::Rules(findings)) => findings,
        Err(error) => panic!("broken rules expected, got: {error}"),
        Ok(_) => panic!("broken rules expected, got none"),
    }
}

/// Returns the only section called `name`.
pub(crate) fn section(object: &Object, name: &str) -> SectionId {
    let mut ids = object
        .section_ids()
        .filter(|&id| object.section(id).name == name);
    let id = ids.next().unwrap_or_else(|| panic!("a section `{name}`"));
    assert!(ids.next().is_none(), "one section `{name}`");
    id
}

/// Returns the symbol called `name`.
pub(crate) fn symbol<'a>(object: &'a Object, name: &str) -> &'a Symbol {
    let mut symbols = object.symbols.iter();
    let found = symbols.find(|symbol| symbol.name == name && !symbol.dropped);
    found.unwrap_or_else(|| panic!("a symbol `{name}`"))
}

/// Returns the directory of a built kernel, or says that the test is skipped.
pub(crate) fn kernel_build() -> Option<PathBuf> {
    let build = std::env::var_os("UNDERTOW_KERNEL_BUILD");
    if build.is_none() {
        eprintln!("skipped: UNDERTOW_KERNEL_BUILD names no built kernel");
    }
    build.map(PathBuf::from)
}

/// Returns the objects in a directory.
pub(crate) fn objects(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("the directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "o"))
        .collect();
    paths.sort();
    paths
}
