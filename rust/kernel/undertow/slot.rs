// SPDX-License-Identifier: GPL-2.0

//! The memory of one call: a guard page, a stack, and an arena for arguments and results.
//!
//! A compartment has a fixed number of them and hands them out without a lock, so that a call can
//! start in any context but NMI.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release, //
    }, //
};

use super::logic::slots;

/// Not writable in the compartment: running over the stack's end is a violation.
pub(super) const GUARD_BYTES: usize = PAGE_SIZE;

/// As large as a kernel stack.
pub(super) const STACK_BYTES: usize = bindings::UNDERTOW_STACK_BYTES as usize;

/// What a compartment that names no size has for arguments and results.
pub(super) const DEFAULT_ARENA_BYTES: usize = 11 * PAGE_SIZE;

/// Largest arena.
pub(super) const MAX_ARENA_BYTES: usize = 1 << 20;

/// Slots that a compartment has at most.
pub(super) const MAX_SLOTS: usize = 64;

/// The slots of one compartment.
///
/// # Invariants
///
/// - INV-POOL-1: once `base` is not 0 it is the address of `count * slot_bytes` bytes of pages
///   that live until `destroy`, and `count` and `arena` no longer change.
/// - INV-POOL-2: a slot whose bit in `taken` is set belongs to one [`Slot`].
pub(super) struct Pool {
    base: Atomic<usize>,
    count: Atomic<usize>,
    arena: Atomic<usize>,
    taken: Atomic<u64>,
}

/// One slot, taken.
pub(super) struct Slot {
    pool: &'static Pool,
    index: u32,
}

impl Pool {
    pub(super) const fn new() -> Self {
        Self {
            base: Atomic::new(0),
            count: Atomic::new(0),
            arena: Atomic::new(0),
            taken: Atomic::new(0),
        }
    }

    /// Allocates the slots, once. May sleep. The caller holds the system lock.
    pub(super) fn create(&self, count: usize, arena: usize) -> Result {
        // Only one registration may bring slots: those in use would move.
        if self.base.load(Acquire) != 0 {
            return Err(EBUSY);
        }
        if count == 0 || count > MAX_SLOTS || arena > MAX_ARENA_BYTES {
            return Err(EINVAL);
        }
        let arena = match arena {
            0 => DEFAULT_ARENA_BYTES,
            bytes => bytes.next_multiple_of(PAGE_SIZE),
        };
        let bytes = count * (GUARD_BYTES + STACK_BYTES + arena);

        // SAFETY: No precondition; the pages are ours.
        let base = unsafe { bindings::undertow_pages_alloc(bytes) };
        if base.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: INV-POOL-1: published by the release store.
        self.count.store(count, Relaxed);
        self.arena.store(arena, Relaxed);
        self.base.store(base as usize, Release);
        Ok(())
    }

    /// Gives the pages back, wiped.
    ///
    /// # Safety
    ///
    /// No [`Slot`] of this pool may exist, nor come to be; view 0 may write the pages and no
    /// compartment may.
    pub(super) unsafe fn destroy(&self) {
        let base = self.base.xchg(0, Full);
        if base == 0 {
            return;
        }
        let bytes = self.count.load(Relaxed) * self.slot_bytes();
        // SAFETY: INV-POOL-1, and by the caller's promise nobody else uses the pages.
        unsafe {
            core::ptr::write_bytes(base as *mut u8, 0, bytes);
            bindings::undertow_pages_free(base as *mut crate::ffi::c_void, bytes);
        }
    }

    /// Wipes what compartments wrote.
    ///
    /// # Safety
    ///
    /// No [`Slot`] of this pool may exist, nor come to be meanwhile.
    pub(super) unsafe fn wipe(&self) {
        for (addr, bytes) in self.writable() {
            // SAFETY: INV-POOL-1, and by the caller's promise nobody else uses the pages.
            unsafe { core::ptr::write_bytes(addr as *mut u8, 0, bytes) };
        }
    }

    fn slot_bytes(&self) -> usize {
        GUARD_BYTES + STACK_BYTES + self.arena.load(Relaxed)
    }

    /// Returns the address ranges `(start, bytes)` that the compartment may write.
    pub(super) fn writable(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let base = self.base.load(Acquire);
        let bytes = self.slot_bytes();
        let count = if base == 0 {
            0
        } else {
            self.count.load(Relaxed)
        };

        (0..count).map(move |index| (base + index * bytes + GUARD_BYTES, bytes - GUARD_BYTES))
    }

    /// Returns how many slots are taken.
    pub(super) fn in_use(&self) -> u32 {
        slots::claimed(self.taken.load(Relaxed), self.count.load(Relaxed) as u32)
    }

    /// Takes a slot. `None` when all are in use or there are none.
    pub(super) fn claim(&'static self) -> Option<Slot> {
        if self.base.load(Acquire) == 0 {
            return None;
        }
        let count = self.count.load(Relaxed) as u32;
        let mut taken = self.taken.load(Relaxed);
        loop {
            let claim = slots::claim(taken, count)?;
            match self.taken.cmpxchg(taken, claim.word, Full) {
                // INVARIANT: INV-POOL-2: the bit was clear, and we set it.
                Ok(_) => {
                    return Some(Slot {
                        pool: self,
                        index: claim.slot,
                    })
                }
                Err(now) => taken = now,
            }
        }
    }
}

impl Slot {
    fn base(&self) -> usize {
        self.pool.base.load(Relaxed) + self.index as usize * self.pool.slot_bytes()
    }

    /// Returns the address that the stack grows down from.
    pub(super) fn stack_top(&self) -> usize {
        self.base() + GUARD_BYTES + STACK_BYTES
    }

    /// Returns the addresses that the call may write: stack and arena.
    pub(super) fn writable(&self) -> core::ops::Range<usize> {
        self.stack_top() - STACK_BYTES..self.stack_top() + self.pool.arena.load(Relaxed)
    }

    /// Wipes what the call left in its memory. Nobody is inside on its behalf any more.
    pub(super) fn wipe(&mut self) {
        let memory = self.writable();
        // SAFETY: INV-POOL-1, and by INV-POOL-2 nobody else uses this memory.
        unsafe { core::ptr::write_bytes(memory.start as *mut u8, 0, memory.len()) };
    }

    /// Returns where the arena begins, and its size.
    pub(super) fn arena(&self) -> (usize, usize) {
        (self.stack_top(), self.pool.arena.load(Relaxed))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.pool.taken.load(Relaxed);
        loop {
            // INV-POOL-2: the bit is set and ours, so this can't fail.
            let Some(next) = slots::release(taken, self.index) else {
                return;
            };
            match self.pool.taken.cmpxchg(taken, next, Full) {
                Ok(_) => return,
                Err(now) => taken = now,
            }
        }
    }
}
