// SPDX-License-Identifier: GPL-2.0

//! Rights on a guest frame.
//!
//! [`Access`] is what a view grants. Hardware refuses a frame that can be
//! written but not read, so only five of the eight combinations exist, and
//! they form a lattice: [`Access::meet`] and [`Access::join`] stay inside it.
//! [`Rights`] is what an instruction asked for or lacked; there any
//! combination can occur.

use core::fmt;

/// What a view grants on a frame.
///
/// Has no order on purpose: `rw-` and `r-x` are not comparable. Use
/// [`Access::is_subset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Access {
    /// Nothing.
    None = 0,
    /// Read.
    R = Rights::R.0,
    /// Read and write.
    Rw = Rights::R.0 | Rights::W.0,
    /// Read and execute.
    Rx = Rights::R.0 | Rights::X.0,
    /// Read, write and execute.
    Rwx = Rights::R.0 | Rights::W.0 | Rights::X.0,
}

impl Access {
    /// Every value, from nothing to everything.
    pub const ALL: [Access; 5] = [Access::None, Access::R, Access::Rw, Access::Rx, Access::Rwx];

    /// Returns the access with exactly these bits, `None` if it is not legal.
    pub const fn from_bits(bits: u8) -> Option<Access> {
        match bits {
            0 => Some(Access::None),
            1 => Some(Access::R),
            3 => Some(Access::Rw),
            5 => Some(Access::Rx),
            7 => Some(Access::Rwx),
            _ => None,
        }
    }

    /// Returns the bits as host and guest exchange them.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Returns the same rights as a set.
    pub const fn rights(self) -> Rights {
        Rights(self.bits())
    }

    /// Returns what both grant.
    pub const fn meet(self, other: Access) -> Access {
        Access::closed(self.bits() & other.bits())
    }

    /// Returns what at least one of them grants.
    pub const fn join(self, other: Access) -> Access {
        Access::closed(self.bits() | other.bits())
    }

    /// Returns whether `other` grants everything that `self` grants.
    pub const fn is_subset(self, other: Access) -> bool {
        self.bits() & !other.bits() == 0
    }

    /// Returns whether every right in `rights` is granted.
    pub const fn allows(self, rights: Rights) -> bool {
        rights.0 & !self.bits() == 0
    }

    /// Returns the rights in `asked` that are not granted.
    pub const fn lacks(self, asked: Rights) -> Rights {
        Rights(asked.0 & !self.bits())
    }

    /// Legal values are closed under `&` and `|`; should that ever stop being
    /// true, the answer is nothing rather than too much.
    const fn closed(bits: u8) -> Access {
        match Access::from_bits(bits) {
            Some(access) => access,
            None => Access::None,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::None => "---",
            Access::R => "r--",
            Access::Rw => "rw-",
            Access::Rx => "r-x",
            Access::Rwx => "rwx",
        })
    }
}

/// Any combination of read, write and execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// The empty set.
    pub const EMPTY: Rights = Rights(0);
    /// Read.
    pub const R: Rights = Rights(1 << 0);
    /// Write.
    pub const W: Rights = Rights(1 << 1);
    /// Execute.
    pub const X: Rights = Rights(1 << 2);

    /// Returns the set with these bits, `None` if a bit above X is set.
    pub const fn from_bits(bits: u8) -> Option<Rights> {
        if bits > 7 {
            return None;
        }
        Some(Rights(bits))
    }

    /// Returns the bits as host and guest exchange them.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns the union of both sets.
    pub const fn union(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// Returns whether every right of `other` is in the set.
    pub const fn contains(self, other: Rights) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Rights {
    /// Writes only the rights that are in the set: `r`, `rw`, `x`; `none` for
    /// the empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (right, letter) in [(Rights::R, "r"), (Rights::W, "w"), (Rights::X, "x")] {
            if self.contains(right) {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}
