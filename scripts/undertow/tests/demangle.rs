// SPDX-License-Identifier: GPL-2.0

//! Readable names.

use crate::demangle::demangle;

#[test]
fn names() {
    let cases = [
        ("mutex_lock", "mutex_lock"),
        ("_RNvCsd6saGlRJY5Y_8ut_probe5parse", "ut_probe::parse"),
        (
            "_RNvNtNtCs2DxGA1hvVcO_4core9panicking11panic_const24panic_const_add_overflow",
            "core::panicking::panic_const::panic_const_add_overflow",
        ),
        (
            "_RNvXs0_Csd6saGlRJY5Y_8ut_probeNtB5_3BufNtNtCs2DxGA1hvVcO_4core3fmt5Write9write_str",
            "<ut_probe::Buf as core::fmt::Write>::write_str",
        ),
        (
            "_RINvMsx_NtNtCs2DxGA1hvVcO_4core3str7patternNtB6_14TwoWaySearcher4nextNtB6_9MatchOnly\
             ECsd6saGlRJY5Y_8ut_probe",
            "<core::str::pattern::TwoWaySearcher>::next::<core::str::pattern::MatchOnly>",
        ),
        ("_RNCNvC1a1b0", "a::b::{closure#0}"),
        ("_RNCNvC1a1bs_0", "a::b::{closure#1}"),
        (
            "_RINvC1a1bRShAmj8_TlEE",
            "a::b::<&[u8], [u32; 0x8], (i32,)>",
        ),
        (
            "_RINvC1a1bFUKCPhEuE",
            "a::b::<unsafe extern \"C\" fn(*const u8)>",
        ),
        ("_RINvC1a1bDNtC1a1TEL_E", "a::b::<dyn a::T>"),
        // Not understood: shown as they are.
        ("_R", "_R"),
        ("_RNv", "_RNv"),
        ("_RNvC1a99b", "_RNvC1a99b"),
        ("_R_ut_memcpy", "_R_ut_memcpy"),
        // A back reference to itself.
        ("_RNvB_1a", "_RNvB_1a"),
        ("_RB_", "_RB_"),
    ];
    for (mangled, readable) in cases {
        assert_eq!(demangle(mangled), readable, "{mangled}");
    }
}

#[test]
fn hostile_names_end() {
    let nested = format!("_RINvC1a1b{}", "T".repeat(100_000));
    assert_eq!(demangle(&nested), nested);
    // Each tuple doubles the one before by back references.
    let mut doubling = "_RINvC1a1bTmmE".to_owned();
    for _ in 0..60 {
        doubling.push_str("TB8_B8_E");
    }
    doubling.push('E');
    assert!(demangle(&doubling).len() <= doubling.len().max(512));
    let alphabet = b"_RNvCIMXYBsu0123ETAKLGDFp";
    let mut state = 1u64;
    for _ in 0..200_000 {
        let mut name = String::from("_R");
        for _ in 0..24 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            name.push(char::from(
                alphabet[(state >> 33) as usize % alphabet.len()],
            ));
        }
        demangle(&name);
    }
}
