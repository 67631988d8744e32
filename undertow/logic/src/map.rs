// SPDX-License-Identifier: GPL-2.0

//! Interval map from guest frames to a small value.
//!
//! The map is total: a frame that was never set has the default value. It
//! holds at most `N` runs of other values and never allocates; when it is full
//! it says so and stays as it was.

use super::addr::{
    Gfn,
    GfnRange,
    GFN_LIMIT, //
};

/// No room for the change; the map is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapFull;

/// Adjacent frames with the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<V> {
    /// The frames.
    pub range: GfnRange,
    /// Their value.
    pub value: V,
}

/// Map from every guest frame to a value, with at most `N` runs that differ
/// from the default.
///
/// # Invariants
///
/// - `INV-MAP-1`: `runs[..len]` is sorted and free of overlaps.
/// - `INV-MAP-2`: no run has the default value, and runs that touch differ; so
///   equal contents mean equal runs.
#[derive(Clone, Debug)]
pub struct IntervalMap<V, const N: usize> {
    default: V,
    runs: [Run<V>; N],
    len: usize,
}

impl<V: Copy + PartialEq, const N: usize> IntervalMap<V, N> {
    /// Returns the map in which every frame has the value `default`.
    pub const fn new(default: V) -> Self {
        // INVARIANT: without runs both invariants hold.
        IntervalMap {
            default,
            runs: [Run {
                range: GfnRange::ALL,
                value: default,
            }; N],
            len: 0,
        }
    }

    /// Returns the value that a frame has until it is set.
    pub fn default_value(&self) -> V {
        self.default
    }

    /// Returns the runs that differ from the default, in ascending order.
    pub fn runs(&self) -> &[Run<V>] {
        self.runs.get(..self.len).unwrap_or(&[])
    }

    /// Returns the value of `gfn`.
    pub fn get(&self, gfn: Gfn) -> V {
        let at = self
            .runs()
            .partition_point(|run| run.range.end() <= gfn.number());
        match self.runs().get(at) {
            Some(run) if run.range.contains(gfn) => run.value,
            _ => self.default,
        }
    }

    /// Returns whether every frame of `range` has the value `value`.
    pub fn is_all(&self, range: GfnRange, value: V) -> bool {
        self.segments(range).all(|run| run.value == value)
    }

    /// Gives every frame of `range` the value `value`.
    ///
    /// [`MapFull`] when the map would need more than `N` runs; it is unchanged
    /// then.
    pub fn set(&mut self, range: GfnRange, value: V) -> Result<(), MapFull> {
        let runs = self.runs();
        // Runs that overlap the range, or touch it and so might merge with it.
        let first = runs.partition_point(|run| run.range.end() < range.start());
        let after = runs.partition_point(|run| run.range.start() <= range.end());

        let (mut start, mut end) = (range.start(), range.end());
        let mut left = None;
        let mut right = None;
        if let Some(run) = runs.get(first).filter(|_| first < after) {
            if run.range.start() < range.start() {
                if run.value == value {
                    start = run.range.start();
                } else {
                    let keep = range.start().min(run.range.end());
                    left = piece(run.range.start(), keep, run.value);
                }
            }
        }
        if let Some(run) = after.checked_sub(1).and_then(|last| runs.get(last)) {
            if after > first && run.range.end() > range.end() {
                if run.value == value {
                    end = run.range.end();
                } else {
                    let keep = range.end().max(run.range.start());
                    right = piece(keep, run.range.end(), run.value);
                }
            }
        }
        let middle = if value == self.default {
            None
        } else {
            piece(start, end, value)
        };
        self.splice(first, after, [left, middle, right])
    }

    /// Replaces `runs[first..after]` by the pieces that exist.
    fn splice(
        &mut self,
        first: usize,
        after: usize,
        pieces: [Option<Run<V>>; 3],
    ) -> Result<(), MapFull> {
        let count = pieces.iter().flatten().count();
        let len = self.len - (after - first) + count;
        if len > N {
            return Err(MapFull);
        }
        // INVARIANT: the pieces are in order, lie between the runs before
        // `first` and from `after` on, and `set` merged equal neighbours.
        self.runs.copy_within(after..self.len, first + count);
        for (slot, run) in self.runs[first..].iter_mut().zip(pieces.iter().flatten()) {
            *slot = *run;
        }
        self.len = len;
        Ok(())
    }

    /// Returns the segments of equal value that `range` consists of, frames
    /// with the default value included, in ascending order.
    pub fn segments(&self, range: GfnRange) -> Segments<'_, V> {
        let at = self
            .runs()
            .partition_point(|run| run.range.end() <= range.start());
        Segments {
            runs: self.runs().get(at..).unwrap_or(&[]),
            default: self.default,
            next: range.start(),
            end: range.end(),
        }
    }

    /// Returns what must change, in ascending order, to turn this map into
    /// `new`.
    pub fn diff<'a, const M: usize>(&'a self, new: &'a IntervalMap<V, M>) -> Diff<'a, V> {
        Diff {
            old: self.segments(GfnRange::ALL),
            new: new.segments(GfnRange::ALL),
            old_run: None,
            new_run: None,
            next: 0,
        }
    }
}

/// Returns the run from `start` to `end`, `None` if it has no frame.
fn piece<V>(start: u64, end: u64, value: V) -> Option<Run<V>> {
    let range = GfnRange::between(start, end).ok()?;
    Some(Run { range, value })
}

/// Iterator over segments of equal value; see [`IntervalMap::segments`].
#[derive(Clone, Debug)]
pub struct Segments<'a, V> {
    runs: &'a [Run<V>],
    default: V,
    next: u64,
    end: u64,
}

impl<V: Copy> Iterator for Segments<'_, V> {
    type Item = Run<V>;

    fn next(&mut self) -> Option<Run<V>> {
        let (stop, value) = match self.runs.split_first() {
            Some((run, rest)) if run.range.start() <= self.next => {
                self.runs = rest;
                (run.range.end(), run.value)
            }
            Some((run, _)) => (run.range.start(), self.default),
            None => (self.end, self.default),
        };
        let segment = piece(self.next, stop.min(self.end), value)?;
        self.next = segment.range.end();
        Some(segment)
    }
}

/// One change between two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<V> {
    /// The frames.
    pub range: GfnRange,
    /// Their value before.
    pub old: V,
    /// Their value after; always another one.
    pub new: V,
}

/// Iterator over changes; see [`IntervalMap::diff`].
#[derive(Clone, Debug)]
pub struct Diff<'a, V> {
    old: Segments<'a, V>,
    new: Segments<'a, V>,
    old_run: Option<Run<V>>,
    new_run: Option<Run<V>>,
    next: u64,
}

impl<V: Copy + PartialEq> Iterator for Diff<'_, V> {
    type Item = Change<V>;

    fn next(&mut self) -> Option<Change<V>> {
        while self.next < GFN_LIMIT {
            let ends_here = |run: &Run<V>| run.range.end() <= self.next;
            if self.old_run.as_ref().is_none_or(ends_here) {
                self.old_run = self.old.next();
            }
            if self.new_run.as_ref().is_none_or(ends_here) {
                self.new_run = self.new.next();
            }
            let (old, new) = (self.old_run?, self.new_run?);
            let range = old.range.intersect(new.range)?;
            self.next = range.end();
            if old.value != new.value {
                return Some(Change {
                    range,
                    old: old.value,
                    new: new.value,
                });
            }
        }
        None
    }
}
