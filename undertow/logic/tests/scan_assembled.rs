// SPDX-License-Identifier: GPL-2.0

//! Lets assemblers say what the instructions look like, so that the scanner's
//! table is not checked against itself only.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use undertow_logic::scan::{Hit, Isa};

fn first_hit(bytes: &[u8]) -> Option<Hit> {
    undertow_logic::scan::first_hit(Isa::WithApx, bytes)
}

/// Statement, and the name of the pattern that must be found in its bytes.
const REJECTED: &[(&str, &str)] = &[
    ("vmfunc", "VMFUNC"),
    ("vmcall", "VMCALL"),
    ("vmmcall", "VMMCALL"),
    ("vmlaunch", "VMLAUNCH"),
    ("vmresume", "VMRESUME"),
    ("vmxoff", "VMXOFF"),
    ("pconfig", "PCONFIG"),
    ("enclv", "ENCLV"),
    ("encls", "ENCLS"),
    ("tdcall", "TDCALL"),
    ("seamret", "SEAMRET"),
    ("seamops", "SEAMOPS"),
    ("seamcall", "ENCLS"),
    ("vmrun", "VMRUN"),
    ("vmload", "VMLOAD"),
    ("vmsave", "VMSAVE"),
    ("stgi", "STGI"),
    ("clgi", "CLGI"),
    ("skinit", "SKINIT"),
    ("invlpga", "INVLPGA"),
    ("invlpgb", "INVLPGB"),
    ("tlbsync", "TLBSYNC"),
    ("pvalidate", "TLBSYNC"),
    ("wrmsr", "WRMSR"),
    ("wrmsrns", "WRMSRNS"),
    ("wrmsrlist", "WRMSRNS"),
    ("wrmsrns %rax, $0x122", "WRMSRNS imm"),
    ("wrmsrns %r15, $0x122", "WRMSRNS imm"),
    ("wrmsrns %r31, $0x122", "WRMSRNS imm (EVEX)"),
    ("xsetbv", "XSETBV"),
    ("wrpkru", "WRPKRU"),
    ("xrstor (%rsi)", "XRSTOR"),
    ("xrstor64 64(%r12,%rcx,8)", "XRSTOR"),
    ("xrstors (%rsi)", "XRSTORS"),
    ("xrstors64 64(%r12,%rcx,8)", "XRSTORS"),
    ("swapgs", "SWAPGS"),
    ("wrfsbase %eax", "WRFSBASE"),
    ("wrfsbase %r15", "WRFSBASE"),
    (".byte 0x66; wrfsbase %rax", "WRFSBASE"),
    (".byte 0xf3, 0x2e, 0x48, 0x0f, 0xae, 0xd7", "WRFSBASE"),
    ("wrgsbase %edi", "WRGSBASE"),
    ("wrgsbase %r8", "WRGSBASE"),
    ("lkgs %ax", "LKGS"),
    ("lkgs (%rbx)", "LKGS"),
    (".byte 0x66, 0xf3; lkgs %r9w", "LKGS"),
    (".byte 0xf2, 0x66, 0x2e, 0x49, 0x0f, 0x00, 0xf1", "LKGS"),
    ("lgdt (%rax)", "LGDT"),
    ("lgdt 8(%r15,%rbx,4)", "LGDT"),
    ("lgdt 0x12345678(%rip)", "LGDT"),
    ("lidt (%rsp)", "LIDT"),
    ("lidt %gs:0x1000(%rbp)", "LIDT"),
    ("lldt %ax", "LLDT"),
    ("lldt (%r9)", "LLDT"),
    ("ltr %r10w", "LTR"),
    ("ltr (%rdi)", "LTR"),
    ("mov %rax, %cr0", "MOV to CR"),
    ("mov %rdi, %cr3", "MOV to CR"),
    ("mov %r12, %cr4", "MOV to CR"),
    ("mov %rcx, %cr8", "MOV to CR"),
    ("mov %rax, %dr7", "MOV to DR"),
    ("mov %r9, %dr0", "MOV to DR"),
    ("lmsw %ax", "LMSW"),
    ("lmsw (%rax)", "LMSW"),
    ("clts", "CLTS"),
    ("sysretl", "SYSRET"),
    ("sysretq", "SYSRET"),
    ("sysexitl", "SYSEXIT"),
    ("sysexitq", "SYSEXIT"),
];

/// Statements of the same instructions with the prefix that needs no `0F`.
const REJECTED_APX: &[(&str, &str)] = &[
    ("lgdt (%r16)", "LGDT"),
    ("lidt 8(%r31)", "LIDT"),
    ("lldt %r16w", "LLDT"),
    ("ltr %r17w", "LTR"),
    ("lmsw %r20w", "LMSW"),
    ("mov %r16, %cr3", "MOV to CR"),
    ("mov %r31, %dr7", "MOV to DR"),
    ("wrfsbase %r16", "WRFSBASE"),
    ("wrgsbase %r31", "WRGSBASE"),
    (".byte 0xf2, 0xd5, 0x90, 0x00, 0xf0", "LKGS"),
];

/// REX2-encoded bytes, and what a disassembler must call them.
const REJECTED_REX2: &[(&[u8], &str, &str)] = &[
    (&[0xd5, 0x80, 0x01, 0xd4], "vmfunc", "VMFUNC"),
    (&[0xd5, 0x80, 0x01, 0xc1], "vmcall", "VMCALL"),
    (&[0xd5, 0x88, 0x07], "sysretq", "SYSRET"),
    (&[0xd5, 0x80, 0x01, 0xf8], "swapgs", "SWAPGS"),
    (&[0xf3, 0xd5, 0x88, 0xae, 0xd0], "wrfsbase", "WRFSBASE"),
    (&[0xd5, 0x80, 0x22, 0xc0], "cr0", "MOV to CR"),
];

struct Tool {
    name: &'static str,
    path: PathBuf,
    args: &'static [&'static str],
}

fn tools() -> Vec<Tool> {
    const MC: &[&str] = &[
        "--triple=x86_64-linux-gnu",
        "--mattr=+egpr,+uintr,+xsave",
        "--filetype=obj",
        "-o",
    ];
    let find = |name: &'static str, args| {
        let path = std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|dir| dir.join(name))
            .find(|path| path.is_file())?;
        Some(Tool { name, path, args })
    };
    let newest_mc = ["llvm-mc-19", "llvm-mc", "llvm-mc-14"]
        .into_iter()
        .find_map(|name| find(name, MC));
    let gas = find("as", &["--64", "-o"]);
    gas.into_iter().chain(newest_mc).collect()
}

fn run(tool: &Path, args: &[&str], output: Option<&Path>, input: &str) -> Option<Vec<u8>> {
    let mut command = Command::new(tool);
    command.args(args).args(output);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    let result = child.wait_with_output().ok()?;
    result.status.success().then_some(result.stdout)
}

/// The bytes of one statement, `None` if this assembler does not know it.
fn assemble(tool: &Tool, statement: &str) -> Option<Vec<u8>> {
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.o", tool.name));
    // Marks around the statement find it again without an ELF reader.
    const MARK: &str = ".ascii \"<<undertow>>\"\n";
    let source = format!(".text\n{MARK}{statement}\n{MARK}");
    run(&tool.path, tool.args, Some(&object), &source)?;
    let bytes = std::fs::read(&object).unwrap();
    let mark = b"<<undertow>>";
    let find = |from: usize| {
        let rest = &bytes[from..];
        rest.windows(mark.len())
            .position(|w| w == mark)
            .map(|at| from + at)
    };
    let start = find(0).unwrap() + mark.len();
    Some(bytes[start..find(start).unwrap()].to_vec())
}

/// The statements stand between marks that must not be hits themselves.
#[test]
fn every_rejected_mnemonic_is_found() {
    let tools = tools();
    if tools.is_empty() {
        eprintln!("skipped: neither as nor llvm-mc on this machine");
        return;
    }
    let mut unknown = Vec::new();
    for (statement, wanted) in REJECTED.iter().chain(REJECTED_APX) {
        let mut known = false;
        for tool in &tools {
            let Some(bytes) = assemble(tool, statement) else {
                continue;
            };
            known = true;
            assert!(!bytes.is_empty());
            let hit = first_hit(&bytes).unwrap_or_else(|| {
                panic!("{statement} by {} is missed: {bytes:02x?}", tool.name);
            });
            assert_eq!(hit.pattern.name, *wanted, "{statement}: {bytes:02x?}");
        }
        if !known {
            unknown.push(*statement);
        }
    }
    eprintln!("no assembler here knows: {unknown:?}");
    // The assemblers that ship with any distribution know the old ones.
    assert!(!unknown
        .iter()
        .any(|s| ["vmfunc", "wrmsr", "clts"].contains(s)));
}

#[test]
fn the_prefix_that_needs_no_0f_is_found() {
    for (bytes, text, wanted) in REJECTED_REX2 {
        let hit = first_hit(bytes).unwrap_or_else(|| panic!("{text} is missed: {bytes:02x?}"));
        assert_eq!(hit.pattern.name, *wanted);
    }
    let Some(tool) = tools().into_iter().find(|tool| tool.name == "llvm-mc-19") else {
        eprintln!("skipped: no disassembler that knows REX2 on this machine");
        return;
    };
    for (bytes, text, _) in REJECTED_REX2 {
        let input: Vec<String> = bytes.iter().map(|byte| format!("{byte:#x}")).collect();
        let args = ["--disassemble", "--triple=x86_64", "--mattr=+egpr"];
        let output = run(&tool.path, &args, None, &input.join(",")).expect("llvm-mc failed");
        let output = String::from_utf8_lossy(&output);
        assert!(output.contains(text), "{bytes:02x?} is {output}");
    }
}

/// The immediate form of WRMSRNS, in the bytes that kernels already emit.
#[test]
fn wrmsrns_with_an_immediate_is_found() {
    let bytes = [0xc4, 0xe7, 0x7a, 0xf6, 0xc0, 0x22, 0x01, 0, 0];
    assert_eq!(first_hit(&bytes).unwrap().pattern.name, "WRMSRNS imm");
    let read = [0xc4, 0xe7, 0x7b, 0xf6, 0xc0, 0x22, 0x01, 0, 0];
    assert!(first_hit(&read).is_none(), "RDMSR is not rejected");
}
