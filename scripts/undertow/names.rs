// SPDX-License-Identifier: GPL-2.0

//! Names that the compiler, this tool and the kernel agree on.

/// Where `#[undertow::isolated]` puts an entry function; the compartment's name follows.
pub(crate) const ENTRY: &str = ".text..undertow.entry.";

/// Where the text of a compartment goes; its name follows. `vmlinux.lds.S` knows it.
pub(crate) const TEXT: &str = ".text..undertow.c.";

/// Where tables with addresses of isolated functions go; the compartment's name follows.
pub(crate) const RODATA: &str = ".rodata..undertow.c.";

/// Data that the compartment may write; its name follows.
pub(crate) const PRIVATE: &str = ".data..undertow.priv.";

/// Services of view 0: their addresses say which one is asked for. Nothing isolated reads them, so
/// that what they refer to is not reached.
pub(crate) const SERVICE: &str = ".rodata..undertow.service";

/// Text of the copy that all compartments share.
pub(crate) const COMMON_TEXT: &str = ".text..undertow.common";

/// Tables of that copy.
pub(crate) const COMMON_RODATA: &str = ".rodata..undertow.common";

/// How names in the copy begin. `objtool` takes only names with `_R` for Rust functions, and it
/// must recognise those that never return.
pub(crate) const PREFIX: &str = "_R_ut_";

/// The panic handler, without the crate disambiguator that comes before it.
pub(crate) const PANIC_SUFFIX: &str = "_7___rustc17rust_begin_unwind";

/// The panic handler of compartments, in `undertow/common/`.
pub(crate) const PANIC: &str = "_R_ut_7___rustc17rust_begin_unwind";

/// Symbols that `undertow/common/` defines with [`PREFIX`] before them.
pub(crate) const RUNTIME: [&str; 8] = [
    "__rust__udivti3",
    "bcmp",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "strlen",
    "undertow_service_call",
];

/// Sections whose entries make the kernel treat an address in text specially: it patches the code
/// there, or looks the address up when that code traps. Neither works for a copy of the code, nor
/// for code that ordinary kernel code cannot write.
const SIDE_TABLES: [(&str, &str); 14] = [
    (".altinstructions", "code that is patched for this CPU"),
    (".altinstr_replacement", "code that is patched for this CPU"),
    (".parainstructions", "code that is patched for this CPU"),
    (".smp_locks", "lock prefixes that are patched out"),
    (".retpoline_sites", "indirect branches that are patched"),
    (".return_sites", "returns that are patched"),
    (".call_sites", "calls that are patched"),
    (".static_call_sites", "a static call"),
    ("__jump_table", "a static key or tracepoint"),
    ("__bug_table", "WARN or BUG"),
    ("__ex_table", "an access that may fault, with a fixup"),
    ("__mcount_loc", "a function trace point"),
    (".kcfi_traps", "a check of an indirect call"),
    (".discard.annotate_insn", "annotated inline assembly"),
];

/// Returns what an entry in `section` says about the code it refers to, if that code cannot be
/// isolated.
pub(crate) fn side_table(section: &str) -> Option<&'static str> {
    SIDE_TABLES
        .iter()
        .find(|(name, _)| section == *name)
        .map(|(_, what)| *what)
}

/// Returns the name inside for an external `symbol` of the runtime.
pub(crate) fn runtime(symbol: &str) -> Option<String> {
    if symbol.starts_with("_R") && symbol.ends_with(PANIC_SUFFIX) {
        return Some(PANIC.to_owned());
    }
    RUNTIME
        .contains(&symbol)
        .then(|| format!("{PREFIX}{symbol}"))
}

/// Ends of names of functions of `core` that never return.
///
/// The same as in `is_rust_noreturn()` of objtool, which does not look at names of local functions.
const NORETURN: [&str; 19] = [
    "_4core3num20from_str_radix_panic",
    "_4core3num22from_ascii_radix_panic",
    "_4core3num28from_ascii_bytes_radix_panic",
    "_4core3str16slice_error_fail",
    "_4core5slice4sort6shared9smallsort22panic_on_ord_violation",
    "_4core5sliceSp15copy_from_slice17len_mismatch_fail",
    "_4core6option13expect_failed",
    "_4core6option13unwrap_failed",
    "_4core6result13unwrap_failed",
    "_4core6result13unwrap_failed19unwrap_failed_inner",
    "_4core9panicking5panic",
    "_4core9panicking9panic_fmt",
    "_4core9panicking14panic_explicit",
    "_4core9panicking14panic_nounwind",
    "_4core9panicking18panic_bounds_check",
    "_4core9panicking18panic_nounwind_fmt",
    "_4core9panicking19assert_failed_inner",
    "_4core9panicking30panic_null_pointer_dereference",
    "_4core9panicking36panic_misaligned_pointer_dereference",
];

/// Says whether `symbol` is a function that never returns.
pub(crate) fn is_noreturn(symbol: &str) -> bool {
    let is_range_check = || {
        symbol.contains("_4core5slice5index")
            && symbol.contains("slice_")
            && symbol.ends_with("_fail")
    };
    symbol.starts_with("_R")
        && (NORETURN.iter().any(|end| symbol.ends_with(end))
            || symbol.contains("_4core9panicking11panic_const")
            || is_range_check())
}

/// Says whether `name` can be the name of a compartment.
pub(crate) fn is_compartment(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
