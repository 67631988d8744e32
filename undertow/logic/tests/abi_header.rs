// SPDX-License-Identifier: GPL-2.0

//! Holds the ABI records against the header that host and guest share.
//!
//! The header is read twice: once as text, so that a constant or a field that
//! is new there and missing here fails; once by a C compiler, so that what the
//! text reader makes of it is not the last word.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use undertow_logic::abi::{consts, Aex, VcpuInit, VeInfo, ViewOp};

type Fields = &'static [(&'static str, usize, usize)];

/// Record, size and fields on this side. `type` is a keyword of Rust.
const RECORDS: [(&str, usize, Fields); 4] = [
    ("kvm_view_op", ViewOp::SIZE, ViewOp::FIELDS),
    ("kvm_view_vcpu", VcpuInit::SIZE, VcpuInit::FIELDS),
    ("kvm_view_aex", Aex::SIZE, Aex::FIELDS),
    ("kvm_ve_info", VeInfo::SIZE, VeInfo::FIELDS),
];

fn c_name(field: &str) -> &str {
    if field == "kind" {
        "type"
    } else {
        field
    }
}

fn header() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../arch/x86/include/uapi/asm/kvm_views.h")
        .canonicalize()
        .expect("the header that this crate mirrors is missing")
}

/// The header without comments.
fn text() -> String {
    let raw = std::fs::read_to_string(header()).unwrap();
    let mut out = String::new();
    let mut rest = raw.as_str();
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        let end = rest[start..].find("*/").expect("comment without end");
        rest = &rest[start + end + 2..];
    }
    out + rest
}

fn number(text: &str) -> u64 {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        let (base, shift) = inner
            .split_once("<<")
            .expect("only shifts stand in brackets");
        return number(base) << number(shift);
    }
    let text = text.trim_end_matches('u');
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

#[test]
fn constants_are_those_of_the_header() {
    let theirs: BTreeMap<String, u64> = text()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("#define")?
                .trim()
                .split_once(char::is_whitespace)
        })
        .map(|(name, value)| (name.to_string(), number(value)))
        .collect();
    let ours: BTreeMap<String, u64> = consts::ALL
        .iter()
        .map(|&(name, value)| (name.to_string(), value))
        .collect();
    assert!(theirs.len() > 30, "the reader found too little");
    assert_eq!(ours, theirs);
}

#[test]
fn records_are_those_of_the_header() {
    let text = text();
    let mut nr_structs = 0;
    for part in text.split("\nstruct ").skip(1) {
        let (name, body) = part.split_once('{').unwrap();
        let body = body.split_once("};").unwrap().0;
        let (_, size, fields) = RECORDS
            .into_iter()
            .find(|record| record.0 == name.trim())
            .unwrap_or_else(|| panic!("struct {name} has no record here"));
        let mut offset = 0;
        let mut theirs = Vec::new();
        for field in body.split(';').map(str::trim).filter(|f| !f.is_empty()) {
            let (ty, name) = field.split_once(char::is_whitespace).unwrap();
            let width: usize = ty.strip_prefix("__u").unwrap().parse::<usize>().unwrap() / 8;
            let (name, count) = match name.trim().split_once('[') {
                Some((name, count)) => (name, number(count.trim_end_matches(']')) as usize),
                None => (name.trim(), 1),
            };
            assert_eq!(offset % width, 0, "hole before {name}");
            theirs.push((name.to_string(), offset, width * count));
            offset += width * count;
        }
        let ours: Vec<_> = fields
            .iter()
            .map(|&(name, offset, size)| (c_name(name).to_string(), offset, size))
            .collect();
        assert_eq!(ours, theirs, "struct {name}");
        assert_eq!(size, offset, "struct {name}");
        nr_structs += 1;
    }
    assert_eq!(nr_structs, RECORDS.len());
}

#[test]
fn a_c_compiler_agrees() {
    let Some(cc) = ["cc", "gcc", "clang", "clang-19"]
        .into_iter()
        .find(|cc| Command::new(cc).arg("--version").output().is_ok())
    else {
        eprintln!("skipped: no C compiler on this machine");
        return;
    };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abi_header");
    std::fs::create_dir_all(dir.join("linux")).unwrap();
    // The kernel's own types.h is not needed, and may not be installed.
    std::fs::write(
        dir.join("linux/types.h"),
        "typedef unsigned char __u8;\ntypedef unsigned short __u16;\n\
         typedef unsigned int __u32;\ntypedef unsigned long long __u64;\n",
    )
    .unwrap();

    let mut c = format!("#include \"{}\"\n#include <stddef.h>\n", header().display());
    for (name, value) in consts::ALL {
        writeln!(
            c,
            "_Static_assert((__u64){name} == {value}ULL, \"{name}\");"
        )
        .unwrap();
    }
    for (record, size, fields) in RECORDS {
        writeln!(
            c,
            "_Static_assert(sizeof(struct {record}) == {size}, \"{record}\");"
        )
        .unwrap();
        for (field, offset, width) in fields {
            let field = c_name(field);
            writeln!(
                c,
                "_Static_assert(offsetof(struct {record}, {field}) == {offset} && \
                 sizeof(((struct {record} *)0)->{field}) == {width}, \"{record}.{field}\");"
            )
            .unwrap();
        }
    }
    let compile = |source: &str| {
        let path = dir.join("check.c");
        std::fs::write(&path, source).unwrap();
        Command::new(cc)
            .args(["-std=c11", "-fsyntax-only", "-I"])
            .arg(&dir)
            .arg(&path)
            .output()
            .unwrap()
    };
    let output = compile(&c);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // The check itself must be able to fail.
    let wrong = c + "_Static_assert(sizeof(struct kvm_view_op) == 31, \"wrong\");\n";
    assert!(!compile(&wrong).status.success());
}
