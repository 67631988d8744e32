// SPDX-License-Identifier: GPL-2.0

//! Kernel errors: `rust/kernel/error.rs` in short.

/// An errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(i32);

pub type Result<T = (), E = Error> = core::result::Result<T, E>;

pub const E2BIG: Error = Error(-7);
pub const EAGAIN: Error = Error(-11);
pub const ENOEXEC: Error = Error(-8);
pub const EINVAL: Error = Error(-22);
pub const EPROTO: Error = Error(-71);

impl Error {
    /// The caller must have checked the range: the kernel would only log and go on.
    pub fn from_errno(errno: i32) -> Self {
        assert!((-4095..0).contains(&errno), "{errno} is no errno");
        Self(errno)
    }

    pub(crate) const fn try_from_errno(errno: i32) -> Option<Self> {
        if errno < -4095 || errno >= 0 {
            return None;
        }
        Some(Self(errno))
    }

    pub fn to_errno(self) -> i32 {
        self.0
    }
}
