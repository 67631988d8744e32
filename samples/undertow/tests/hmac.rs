// SPDX-License-Identifier: GPL-2.0

//! The signatures of the vault sample, against published ones and against another program.

use std::{
    io::Write,
    process::{
        Command,
        Stdio, //
    },
};

#[path = "../hmac.rs"]
mod hmac;

fn key(bytes: &[u8]) -> [u8; hmac::BLOCK] {
    let mut key = [0; hmac::BLOCK];
    key[..bytes.len()].copy_from_slice(bytes);
    key
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// "Identifiers and Test Vectors for HMAC-SHA" (RFC 4231), those with keys of a block at most.
#[test]
fn published_signatures() {
    let counting: Vec<u8> = (1..=25).collect();
    let cases: [(&[u8], &[u8], &str); 4] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            &counting,
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
    ];
    for (bytes, message, wanted) in cases {
        assert_eq!(hex(&hmac::sign(&key(bytes), message)), wanted);
    }
}

/// What sha256sum says of `first`, then `rest`.
fn sha256sum(first: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha256sum can't be started");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(first).unwrap();
    stdin.write_all(rest).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    (0..32)
        .map(|nth| {
            let digits = std::str::from_utf8(&output.stdout[2 * nth..2 * nth + 2]).unwrap();
            u8::from_str_radix(digits, 16).unwrap()
        })
        .collect()
}

/// Every length around the borders of blocks.
#[test]
fn another_program_agrees() {
    for len in 0..=200_usize {
        let message: Vec<u8> = (0..len).map(|nth| (nth * 7 + len) as u8).collect();
        let key = key(&message[..len.min(hmac::BLOCK)]);
        let inner = sha256sum(&key.map(|byte| byte ^ 0x36), &message);
        let wanted = sha256sum(&key.map(|byte| byte ^ 0x5c), &inner);
        assert_eq!(hmac::sign(&key, &message).to_vec(), wanted, "{len} bytes");
    }
}
