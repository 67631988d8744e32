// SPDX-License-Identifier: GPL-2.0

//! Linked text, made by the linker of this machine.

use std::{
    fs,
    process::Command, //
};

use super::fixture::{
    compile,
    Scratch, //
};
use crate::{
    error::Error,
    linked, //
};

const BASE: u64 = 0xffff_ffff_8100_0000;

/// The text of a compartment: a call at `caller+3`.
const TEXT: &str = "
    .globl _start, __undertow_common_start, __undertow_text_end
    _start:
    __undertow_common_start:
    caller:
        nop; nop; nop
        call target
        ret
    __undertow_text_end:
";

/// Assembles and links `source` at [`BASE`], with `target` so far behind its call.
fn link(source: &str, distance: u64) -> Vec<u8> {
    let scratch = Scratch::new();
    let (input, object, output) = (scratch.file("a.s"), scratch.file("a.o"), scratch.file("a"));
    fs::write(&input, source).expect("the temporary directory is writable");
    let target = BASE + 8 + distance;
    for command in [
        Command::new("as").arg("-o").args([&object, &input]),
        Command::new("ld")
            .arg(format!("-Ttext={BASE:#x}"))
            .arg(format!("--defsym=target={target:#x}"))
            .arg("-o")
            .args([&output, &object]),
    ] {
        let result = command.output().expect("binutils are installed");
        let message = String::from_utf8_lossy(&result.stderr);
        assert!(result.status.success(), "{command:?}: {message}");
    }
    fs::read(&output).expect("the linker writes the file")
}

#[test]
fn harmless_text_is_good() {
    linked::check(&link(TEXT, 0x1000)).expect("nothing is forbidden in it");
}

#[test]
fn a_distance_can_be_an_instruction() {
    // Bytes 0f 01 d4: VMFUNC. The object has none of them.
    let Err(Error::Rules(findings)) = linked::check(&link(TEXT, 0x00d4_010f)) else {
        panic!("not found");
    };
    let [finding] = &findings[..] else {
        panic!("one expected: {findings:?}");
    };
    assert!(
        finding.what.contains("VMFUNC at 0xffffffff81000004") && finding.what.contains("+0x4)"),
        "{finding}"
    );
}

#[test]
fn what_compartments_do_not_execute_may_hold_anything() {
    let behind = format!("{TEXT} .byte 0x0f, 0x01, 0xd4");
    linked::check(&link(&behind, 0x1000)).expect("behind the end");
    let inside = TEXT.replace("ret", ".byte 0x0f, 0x01, 0xd4");
    assert!(matches!(
        linked::check(&link(&inside, 0x1000)),
        Err(Error::Rules(_))
    ));
}

#[test]
fn other_files_are_refused() {
    let ordinary = link("_start: call target", 0x1000);
    let missing = linked::check(&ordinary).unwrap_err().to_string();
    assert!(missing.contains("__undertow_"), "{missing}");
    assert!(matches!(
        linked::check(&compile("pub static WORD: u32 = 1;")),
        Err(Error::Unsupported(_))
    ));
    assert!(matches!(linked::check(b"text"), Err(Error::Damaged(_))));
}

#[test]
fn damage_is_survived() {
    let good = link(TEXT, 0x1000);
    let headers = u64::from_le_bytes(good[40..48].try_into().expect("eight bytes")) as usize;
    for length in 0..good.len() {
        // Any answer will do, but no panic.
        let _ = linked::check(&good[..length]);
    }
    for at in (0..64).chain(headers..good.len()) {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let _ = linked::check(&bytes);
        }
    }
}
