// SPDX-License-Identifier: GPL-2.0

//! The command line, as the kernel's build uses it.

use std::{
    ffi::OsString,
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

use super::{
    cases::GOOD,
    fixture::*, //
};
use crate::{
    cli,
    error::Error, //
};

fn run(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Result<(), (Error, PathBuf)> {
    let arguments: Vec<OsString> = arguments.iter().map(|it| it.as_ref().to_owned()).collect();
    cli::work(arguments.into_iter())
}

fn store(scratch: &Scratch, name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch.file(name);
    fs::write(&path, bytes).expect("the temporary directory is writable");
    path
}

fn load(path: &Path) -> Vec<u8> {
    fs::read(path).expect("it can be read")
}

#[test]
fn object_without_isolated_functions_is_left_alone() {
    let scratch = Scratch::new();
    let bytes = compile("#[no_mangle] pub fn ordinary() -> u32 { 7 }");
    let path = store(&scratch, "a.o", &bytes);
    // Not even the common copy is opened.
    run(&[&"--common", &"/nonexistent", &path]).expect("there is nothing to do");
    assert!(load(&path) == bytes);
}

#[test]
fn object_is_replaced_and_then_left_alone() {
    let scratch = Scratch::new();
    let path = store(&scratch, "a.o", &compile_isolated("", GOOD[0].2));
    let library = scratch.file("library_undertow.o");
    let core =
        compile("#[no_mangle] #[inline(never)] pub fn pure(value: u32) -> u32 { value ^ 9 }");
    let core = store(&scratch, "library.o", &core);
    run(&[&"--copy", &library, &"--complete", &core]).expect("it is pure");
    // What this needs of `core` is not in that library.
    let (error, object) = run(&[&"--common", &library, &path]).unwrap_err();
    assert!(matches!(error, Error::Rules(_)), "{error}");
    assert_eq!(object, path);

    let source = isolated(
        "TEST",
        "extern \"Rust\" { fn pure(value: u32) -> u32; }",
        "unsafe { pure(7) }",
    );
    let path = store(&scratch, "b.o", &compile(&source));
    run(&[&"--common", &library, &path]).expect("all is available");
    let once = load(&path);
    run(&[&"--common", &library, &path]).expect("there is nothing to do");
    assert!(load(&path) == once);
    assert_eq!(
        fs::read_dir(scratch.file(""))
            .expect("it can be read")
            .count(),
        4
    );
}

#[test]
fn failure_leaves_the_object_as_it_was() {
    let scratch = Scratch::new();
    let items = "extern \"C\" { fn printk(); }";
    let bytes = compile_isolated(items, "unsafe { printk() }; 1");
    let path = store(&scratch, "a.o", &bytes);
    assert!(matches!(run(&[&path]), Err((Error::Rules(_), _))));
    assert!(load(&path) == bytes);
    assert_eq!(
        fs::read_dir(scratch.file(""))
            .expect("it can be read")
            .count(),
        1
    );
}

#[test]
fn bad_files() {
    let scratch = Scratch::new();
    let missing = scratch.file("missing.o");
    assert!(matches!(run(&[&missing]), Err((Error::Io(..), _))));
    let text = store(&scratch, "text.o", b"not an object");
    assert!(matches!(run(&[&text]), Err((Error::Damaged(_), _))));
    let bitcode = store(
        &scratch,
        "bitcode.o",
        b"BC\xc0\xde and what follows, as with LTO",
    );
    assert!(matches!(run(&[&bitcode]), Err((Error::Damaged(_), _))));
    let mut arm = compile("pub static WORD: u32 = 1;");
    arm[18] = 183;
    let arm = store(&scratch, "arm.o", &arm);
    assert!(matches!(run(&[&arm]), Err((Error::Unsupported(_), _))));
    let object = store(&scratch, "a.o", &compile_isolated("", "1"));
    let (error, _) = run(&[&"--common", &text, &object]).unwrap_err();
    assert!(
        error.to_string().contains("text.o, given with --common"),
        "{error}"
    );
}

#[test]
fn bad_command_lines() {
    let lines: [&[&dyn AsRef<std::ffi::OsStr>]; 8] = [
        &[],
        &[&"a.o", &"b.o"],
        &[&"--common"],
        &[&"--copy"],
        &[&"--wrong", &"a.o"],
        &[&"--complete", &"a.o"],
        &[&"--linked", &"--copy", &"b.o", &"a.o"],
        &[&"--linked", &"--common", &"b.o", &"a.o"],
    ];
    for line in lines {
        assert!(matches!(run(line), Err((Error::Usage(_), _))));
    }
}
