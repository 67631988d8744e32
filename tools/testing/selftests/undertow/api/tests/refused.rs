// SPDX-License-Identifier: GPL-2.0

//! What the macros refuse, and in which words.
//!
//! Each case is compiled as a crate of its own against the `kernel` crate of these tests.

use std::{
    env,
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

const PRELUDE: &str = "
    use kernel::prelude::*;
    undertow::compartment! { static T: Compartment = { name: c\"t\" }; }
";

/// Returns the newest file in `dir` that starts with `prefix` and ends with `suffix`.
fn newest(dir: &Path, prefix: &str, suffix: &str) -> PathBuf {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(suffix)
        })
        .max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap())
        .unwrap_or_else(|| panic!("no {prefix}*{suffix} in {dir:?}"))
}

/// Compiles `source` and returns what the compiler says, or `None` if it has no objection.
fn compile(name: &str, source: &str) -> Option<String> {
    let exe = env::current_exe().unwrap();
    let deps = exe.parent().unwrap();
    let dir = env::temp_dir().join(format!("undertow-refused-{}-{name}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("case.rs");
    fs::write(&file, format!("{PRELUDE}{source}")).unwrap();

    let extern_crate = |name: &str, suffix: &str| {
        let path = newest(deps, &format!("lib{name}-"), suffix);
        format!("--extern={name}={}", path.display())
    };
    let output = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args([
            "--edition=2021",
            "--crate-type=lib",
            "--emit=metadata",
            "-Awarnings",
        ])
        .arg(extern_crate("kernel", ".rlib"))
        .arg(extern_crate("zerocopy", ".rlib"))
        .arg(extern_crate("zerocopy_derive", ".so"))
        .arg("-L")
        .arg(deps)
        .arg("-o")
        .arg(dir.join("case.rmeta"))
        .arg(&file)
        .output()
        .unwrap();
    fs::remove_dir_all(&dir).unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    (!output.status.success()).then_some(words)
}

/// Checks that the compiler refuses `source` with all of `words`.
fn refused(name: &str, source: &str, words: &[&str]) {
    let said = compile(name, source).unwrap_or_else(|| panic!("{name} was compiled:\n{source}"));
    for word in words {
        assert!(said.contains(word), "{name}: no {word:?} in\n{said}");
    }
}

#[test]
fn good_code_is_compiled() {
    let good = "
        #[undertow::isolated(T)]
        pub fn f(a: u8, b: &[u32], c: &mut [u16], d: &str) -> Result<(u8, Option<bool>)> {
            Ok((a, Some(b.len() + c.len() == d.len())))
        }
    ";
    assert_eq!(compile("good", good), None);
}

#[test]
fn functions_of_the_wrong_kind() {
    let cases = [
        (
            "async",
            "(T)] async fn f() -> Result { Ok(()) }",
            "cannot be `async`",
        ),
        (
            "unsafe",
            "(T)] unsafe fn f() -> Result { Ok(()) }",
            "cannot be `unsafe`",
        ),
        (
            "const",
            "(T)] const fn f() -> Result { Ok(()) }",
            "cannot be `const`",
        ),
        (
            "extern",
            "(T)] extern \"C\" fn f() -> Result { Ok(()) }",
            "Rust calling convention",
        ),
        (
            "generic",
            "(T)] fn f<U>(u: U) -> Result { Ok(()) }",
            "cannot be generic",
        ),
        (
            "lifetime",
            "(T)] fn f(a: &'static [u8]) -> Result { Ok(()) }",
            "no named lifetimes",
        ),
        (
            "result",
            "(T)] fn f() -> u8 { 0 }",
            "could not learn that the compartment failed",
        ),
        ("unit", "(T)] fn f() {}", "on_fault = value"),
        (
            "pattern",
            "(T)] fn f((a, b): (u8, u8)) -> Result { Ok(()) }",
            "is a plain name",
        ),
        (
            "many",
            "(T)] fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> Result { Ok(()) }",
            "at most 6 parameters",
        ),
        ("struct", "(T)] struct S;", "goes on a function with a body"),
        (
            "empty",
            "] fn f() -> Result { Ok(()) }",
            "which compartment?",
        ),
        (
            "option",
            "(T, max = 1)] fn f() -> Result { Ok(()) }",
            "has no option `max`",
        ),
    ];
    for (name, source, words) in cases {
        refused(
            name,
            &format!("#[undertow::isolated{source}"),
            &[words, "help: "],
        );
    }
    let method = "struct S; impl S { #[undertow::isolated(T)] fn f(&self) -> Result { Ok(()) } }";
    refused("self", method, &["has no `self`", "free function"]);
}

#[test]
fn types_that_cannot_cross() {
    let cases = [
        ("pointer", "*const u8", "a raw pointer does not cross"),
        ("pointers", "&[*mut u8]", "a raw pointer does not cross"),
        (
            "nested",
            "&[&u8]",
            "only a parameter itself can be a reference",
        ),
        (
            "optional",
            "Option<&u8>",
            "only a parameter itself can be a reference",
        ),
        ("function", "fn()", "do not cross the gate"),
        ("closure", "impl Fn()", "do not cross the gate"),
        ("object", "&dyn Send", "do not cross the gate"),
        ("string", "&mut str", "may have broken its UTF-8"),
        ("c-string", "&CStr", "`.to_bytes()`"),
        (
            "tuple",
            "(u8, u8, u8, u8, u8, u8, u8)",
            "a tuple of more than 6",
        ),
        ("tuple-ref", "&(u8, u32)", "a tuple has no fixed layout"),
        ("error", "Result<u8, u8>", "is `kernel::error::Error`"),
    ];
    for (name, ty, words) in cases {
        let source = format!("#[undertow::isolated(T)] fn f(a: {ty}) -> Result {{ Ok(()) }}");
        refused(name, &source, &[words, "help: "]);
    }

    let output = "#[undertow::isolated(T)] fn f(a: &[u8]) -> Result<&[u8]> { Ok(a) }";
    refused(
        "output",
        output,
        &["only a parameter itself can be a reference"],
    );
}

/// What no macro can see is up to the traits of `wire`.
#[test]
fn types_that_have_no_byte_form() {
    let message = "cannot cross into or out of a compartment by copy";
    let cases = [
        ("vector", "type V = Vec<u8>;", "V"),
        ("alias", "type P = *const u8;", "P"),
        ("reference", "type R = &'static [u8];", "R"),
        ("plain", "#[repr(C)] struct S { a: u8 }", "S"),
        ("wrapped", "#[repr(C)] struct S { a: *mut u8 }", "Option<S>"),
    ];
    for (name, items, ty) in cases {
        let source =
            format!("{items} #[undertow::isolated(T)] fn f(a: {ty}) -> Result {{ Ok(()) }}");
        refused(name, &source, &[message]);
        let source =
            format!("{items} #[undertow::isolated(T)] fn f() -> Result<{ty}> {{ Err(EINVAL) }}");
        refused(name, &source, &[message]);
    }
    // Padding would carry scraps of memory.
    let padded = "
        #[repr(C)]
        #[derive(FromBytes, IntoBytes, zerocopy_derive::Immutable)]
        struct S { a: u8, b: u32 }
        #[undertow::isolated(T)] fn f(a: S) -> Result { Ok(()) }
    ";
    refused("padded", padded, &["IntoBytes"]);
    // Options cross by themselves, but have no fixed layout to be part of something.
    let options = "#[undertow::isolated(T)] fn f(a: [Option<u8>; 2]) -> Result { Ok(()) }";
    refused(
        "options",
        options,
        &["`Option<u8>: zerocopy::TryFromBytes` is not satisfied"],
    );
    // A `&mut` may come back with any bits.
    let flags = "#[undertow::isolated(T)] fn f(a: &mut [bool]) -> Result { Ok(()) }";
    refused("flags", flags, &["FromBytes"]);
}

#[test]
fn declarations_of_compartments() {
    let cases = [
        (
            "type",
            "static X: u8 = { name: c\"x\" };",
            "type is `Compartment`",
        ),
        (
            "nameless",
            "static X: Compartment = { stacks: 1 };",
            "needs a name",
        ),
        (
            "field",
            "static X: Compartment = { name: c\"x\", size: 1 };",
            "no field `size`",
        ),
        (
            "twice",
            "static X: Compartment = { name: c\"x\", name: c\"y\" };",
            "given twice",
        ),
        (
            "constant",
            "const X: Compartment = { name: c\"x\" };",
            "expected `static`",
        ),
    ];
    for (name, source, words) in cases {
        refused(
            name,
            &format!("undertow::compartment! {{ {source} }}"),
            &[words],
        );
    }
}

#[test]
fn services_of_the_wrong_kind() {
    let cases = [
        (
            "s_async",
            "async fn f() -> Result { Ok(()) }",
            "a plain function",
        ),
        (
            "s_unsafe",
            "unsafe fn f() -> Result { Ok(()) }",
            "a plain function",
        ),
        (
            "s_generic",
            "fn f<V>() -> Result { Ok(()) }",
            "a plain function",
        ),
        (
            "s_value",
            "fn f() -> u32 { 1 }",
            "could not learn that it was not served",
        ),
        (
            "s_self",
            "fn f(&self) -> Result { Ok(()) }",
            "a service has no `self`",
        ),
        (
            "s_text",
            "fn f(a: &str) -> Result { Ok(()) }",
            "takes no argument of this kind",
        ),
        (
            "s_ref",
            "fn f(a: &u32) -> Result { Ok(()) }",
            "takes no argument of this kind",
        ),
        (
            "s_pointer",
            "fn f(a: *const u8) -> Result { Ok(()) }",
            "a raw pointer does not cross",
        ),
        (
            "s_flags",
            "fn f(a: &[bool]) -> Result { Ok(()) }",
            "FromBytes",
        ),
        (
            "s_seven",
            "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> Result { Ok(()) }",
            "at most 6 parameters",
        ),
    ];
    for (name, source, words) in cases {
        refused(name, &format!("#[undertow::service] {source}"), &[words]);
    }
    let option = "#[undertow::service(sleeps)] fn f() -> Result { Ok(()) }";
    refused("s_option", option, &["no option `sleeps`"]);
    // A function that is none can't be on the list.
    let list = "fn f() -> Result { Ok(()) }
        undertow::compartment! { static X: Compartment = { name: c\"x\", services: [f] }; }";
    refused("s_list", list, &["`f`"]);
}
