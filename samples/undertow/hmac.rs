// SPDX-License-Identifier: GPL-2.0

//! HMAC with SHA-256.
//!
//! Only `core`: the same file is compiled into the driver and into the tests that run on the build
//! machine. What is computed from the key lies on the stack of the caller.
//!
//! Algorithms: "Secure Hash Standard" (FIPS 180-4), "HMAC: Keyed-Hashing for Message
//! Authentication" (RFC 2104).

/// Bytes that the hash function takes at a time, and of a key.
pub(crate) const BLOCK: usize = 64;

/// Bytes of a signature.
pub(crate) const DIGEST: usize = 32;

/// First 32 bits of the fractional parts of the square roots of the first primes.
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The same of the cube roots.
#[rustfmt::skip]
const ROUND: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

struct Sha256 {
    state: [u32; 8],
}

impl Sha256 {
    fn block(&mut self, block: &[u8; BLOCK]) {
        let mut words = [0_u32; 16];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes
                .iter()
                .fold(0, |word, &byte| word << 8 | u32::from(byte));
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = self.state;
        for (nth, constant) in ROUND.iter().enumerate() {
            let word = words[nth % 16];
            let one = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let two = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let first = h
                .wrapping_add(one)
                .wrapping_add((e & f) ^ (!e & g))
                .wrapping_add(*constant)
                .wrapping_add(word);
            let second = two.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e) = (g, f, e, d.wrapping_add(first));
            (d, c, b, a) = (c, b, a, first.wrapping_add(second));

            let (x, y) = (words[(nth + 1) % 16], words[(nth + 14) % 16]);
            words[nth % 16] = word
                .wrapping_add(x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3)
                .wrapping_add(words[(nth + 9) % 16])
                .wrapping_add(y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10);
        }
        for (state, add) in self.state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *state = state.wrapping_add(add);
        }
    }

    /// Returns the digest of `first`, then `rest`.
    fn digest(first: &[u8; BLOCK], rest: &[u8]) -> [u8; DIGEST] {
        let mut hash = Self { state: START };
        hash.block(first);
        let mut blocks = rest.chunks_exact(BLOCK);
        for block in &mut blocks {
            let mut copy = [0; BLOCK];
            copy.copy_from_slice(block);
            hash.block(&copy);
        }
        // A one, zeros, and the length in bits in the last eight bytes of a block.
        let left = blocks.remainder();
        let mut last = [0; BLOCK];
        for (to, from) in last.iter_mut().zip(left) {
            *to = *from;
        }
        last[left.len() % BLOCK] = 0x80;
        if left.len() + 9 > BLOCK {
            hash.block(&last);
            last = [0; BLOCK];
        }
        let bits = (BLOCK as u64 + rest.len() as u64) * 8;
        last[BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
        hash.block(&last);

        let mut digest = [0; DIGEST];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(hash.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }
}

/// Returns the signature of `message`. A shorter key than a block ends with zeros.
pub(crate) fn sign(key: &[u8; BLOCK], message: &[u8]) -> [u8; DIGEST] {
    let inner = Sha256::digest(&key.map(|byte| byte ^ 0x36), message);
    Sha256::digest(&key.map(|byte| byte ^ 0x5c), &inner)
}
