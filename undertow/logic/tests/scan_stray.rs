// SPDX-License-Identifier: GPL-2.0

//! The quick count of VMFUNC agrees with the scanner.

use proptest::prelude::*;
use undertow_logic::scan::{count_vmfunc, Isa, Scanner};

fn by_scanner(isa: Isa, bytes: &[u8]) -> usize {
    let mut nr = 0;
    Scanner::new(isa).feed(bytes, &mut |hit| {
        nr += usize::from(hit.pattern.name == "VMFUNC")
    });
    nr
}

fn both(bytes: &[u8]) -> usize {
    for isa in [Isa::WithApx, Isa::WithoutApx] {
        assert_eq!(
            count_vmfunc(isa, bytes),
            by_scanner(isa, bytes),
            "{isa:?} {bytes:x?}"
        );
    }
    count_vmfunc(Isa::WithApx, bytes)
}

#[test]
fn one_is_found_at_every_offset_of_every_length() {
    for len in 0..40 {
        for at in 0..len {
            for insn in [&[0x0f, 0x01, 0xd4][..], &[0xd5, 0x80, 0x01, 0xd4]] {
                let mut bytes = vec![0xcc; len];
                let fits = at + insn.len() <= len;
                if fits {
                    bytes[at..at + insn.len()].copy_from_slice(insn);
                }
                assert_eq!(both(&bytes), usize::from(fits), "{len} {at} {insn:x?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn text_of_few_bytes_is_counted_alike(
        bytes in prop::collection::vec(prop::sample::select(
            vec![0x0f, 0x01, 0xd4, 0xd5, 0x80, 0x7f, 0x00, 0xf2]), 0..300),
    ) {
        both(&bytes);
    }
}
