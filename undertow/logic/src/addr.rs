// SPDX-License-Identifier: GPL-2.0

//! Guest frames, ranges of them, and view numbers.
//!
//! A guest physical address has at most 52 bits, so a frame number has at most
//! 40. With that checked once, in the constructors, no sum of two frame
//! numbers and no conversion back to an address can overflow.

use core::fmt;

/// Bits of an address below the frame number.
pub const PAGE_SHIFT: u32 = 12;
/// Bytes in a frame.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// One more than the highest frame number.
pub const GFN_LIMIT: u64 = 1 << 40;

/// Why a number is not a frame, a range or a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddrError {
    /// Above the highest guest physical address.
    TooHigh,
    /// A range without a frame.
    Empty,
    /// Not a multiple of the page size.
    Unaligned,
}

/// A guest frame number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gfn(u64);

impl Gfn {
    /// Returns the frame with this number.
    pub const fn new(number: u64) -> Result<Gfn, AddrError> {
        if number >= GFN_LIMIT {
            return Err(AddrError::TooHigh);
        }
        Ok(Gfn(number))
    }

    /// Returns the frame that holds the byte at `gpa`.
    pub const fn of_gpa(gpa: u64) -> Result<Gfn, AddrError> {
        Gfn::new(gpa >> PAGE_SHIFT)
    }

    /// Returns the frame number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the guest physical address of the first byte.
    pub const fn gpa(self) -> u64 {
        self.0 << PAGE_SHIFT
    }

    /// Returns the range of this frame alone.
    pub const fn range(self) -> GfnRange {
        GfnRange {
            start: self.0,
            end: self.0 + 1,
        }
    }
}

impl fmt::Display for Gfn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Adjacent guest frames, at least one.
///
/// # Invariants
///
/// - `INV-ADDR-1`: `start < end <= GFN_LIMIT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GfnRange {
    start: u64,
    end: u64,
}

impl GfnRange {
    /// Every guest frame.
    pub const ALL: GfnRange = GfnRange {
        start: 0,
        end: GFN_LIMIT,
    };

    /// Returns the range of `nr_pages` frames from `start` on.
    pub const fn new(start: u64, nr_pages: u64) -> Result<GfnRange, AddrError> {
        match start.checked_add(nr_pages) {
            Some(end) => GfnRange::between(start, end),
            None => Err(AddrError::TooHigh),
        }
    }

    /// Returns the range from frame `start` to just before frame `end`.
    pub const fn between(start: u64, end: u64) -> Result<GfnRange, AddrError> {
        if end > GFN_LIMIT {
            return Err(AddrError::TooHigh);
        }
        if start >= end {
            return Err(AddrError::Empty);
        }
        // INVARIANT: INV-ADDR-1 was checked just above.
        Ok(GfnRange { start, end })
    }

    /// Returns the range of `nr_bytes` bytes from `gpa` on.
    ///
    /// Both must be multiples of the page size: to round one of them would
    /// protect, or expose, memory that the caller did not name.
    pub const fn of_bytes(gpa: u64, nr_bytes: u64) -> Result<GfnRange, AddrError> {
        if (gpa | nr_bytes) & (PAGE_SIZE - 1) != 0 {
            return Err(AddrError::Unaligned);
        }
        GfnRange::new(gpa >> PAGE_SHIFT, nr_bytes >> PAGE_SHIFT)
    }

    /// Returns the number of the first frame.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Returns the number of the frame just after the last one.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Returns the first frame.
    pub const fn first(self) -> Gfn {
        Gfn(self.start)
    }

    /// Returns the number of frames, at least 1.
    pub const fn nr_pages(self) -> u64 {
        self.end - self.start
    }

    /// Returns whether `gfn` lies in the range.
    pub const fn contains(self, gfn: Gfn) -> bool {
        self.start <= gfn.0 && gfn.0 < self.end
    }

    /// Returns whether both ranges have a frame in common.
    pub const fn overlaps(self, other: GfnRange) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Returns the frames that both ranges have in common.
    pub fn intersect(self, other: GfnRange) -> Option<GfnRange> {
        GfnRange::between(self.start.max(other.start), self.end.min(other.end)).ok()
    }

    /// Returns the `nth` frame of the range.
    pub fn nth(self, nth: u64) -> Option<Gfn> {
        if nth < self.nr_pages() {
            Some(Gfn(self.start + nth))
        } else {
            None
        }
    }

    /// Returns the range without its first `nr_pages` frames, `None` if
    /// nothing is left.
    pub fn skip(self, nr_pages: u64) -> Option<GfnRange> {
        GfnRange::between(self.start.checked_add(nr_pages)?, self.end).ok()
    }
}

impl fmt::Display for GfnRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}-{:#x}", self.start, self.end - 1)
    }
}

/// Number of a view, which is also its index in the EPTP list: 9 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId(u16);

impl ViewId {
    /// The ordinary kernel.
    pub const ROOT: ViewId = ViewId(0);
    /// The view in which a crossing back gets its trusted stack.
    pub const TRANSIT: ViewId = ViewId(1);
    /// The first view that a compartment can have.
    pub const FIRST: ViewId = ViewId(2);
    /// Number of views that the EPTP list has room for.
    pub const MAX: u16 = 512;

    /// Returns the view with this number.
    pub const fn new(number: u16) -> Result<ViewId, AddrError> {
        if number >= ViewId::MAX {
            return Err(AddrError::TooHigh);
        }
        Ok(ViewId(number))
    }

    /// Returns the number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Returns whether the view belongs to a compartment, so that it is
    /// neither the root view nor the transit view.
    pub const fn is_compartment(self) -> bool {
        self.0 >= ViewId::FIRST.0
    }
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
