// SPDX-License-Identifier: GPL-2.0

//! What the scanner remembers of the bytes behind it.

/// Which prefixes the CPU decodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isa {
    /// REX2 is an instruction prefix: right for every CPU.
    #[default]
    WithApx,
    /// REX2 is an invalid opcode, because XCR0 says that APX is off. Text
    /// cannot turn it on: XSETBV is rejected.
    WithoutApx,
}

/// The last bytes of the stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// The last eight bytes, the newest lowest; zero where there are none yet,
    /// which no pattern starts with.
    pub(super) window: u64,
    /// For each byte, the newest lowest: whether it ends a run of prefixes that
    /// contains `F2`.
    ///
    /// A run can be longer than the window, so this is carried along instead of
    /// looked up.
    f2_runs: u8,
}

impl Tail {
    /// A stream without bytes.
    pub(super) const EMPTY: Tail = Tail {
        window: 0,
        f2_runs: 0,
    };

    /// Appends a byte.
    pub(super) fn push(&mut self, byte: u8) {
        let in_run = byte == 0xf2 || self.f2_runs & 1 != 0 && is_prefix(byte);
        self.window = self.window << 8 | u64::from(byte);
        self.f2_runs = self.f2_runs << 1 | u8::from(in_run);
    }

    /// Returns whether the byte before the newest `nr_bytes` ends a run of
    /// prefixes that contains `F2`.
    pub(super) const fn has_f2_before(&self, nr_bytes: u32) -> bool {
        match self.f2_runs.checked_shr(nr_bytes) {
            Some(runs) => runs & 1 != 0,
            // Not reached with the patterns there are; reject rather than miss.
            None => true,
        }
    }
}

/// Returns whether `byte` is a legacy or REX prefix.
const fn is_prefix(byte: u8) -> bool {
    matches!(
        byte,
        0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3
    )
}
