// SPDX-License-Identifier: GPL-2.0

//! A compartment that runs its code like any other, and lets a test take its place.

use crate::undertow::{
    Fault,
    Service, //
};
use core::{
    cell::RefCell,
    ffi::CStr,
    ptr::NonNull, //
};

/// What a compartment does that an attacker has taken over: it gets the entry that it should have
/// run, the block, and the whole arena.
pub type Hostile = fn(unsafe extern "C" fn(*mut u8), *mut u8, &mut [u64]) -> Result<(), Fault>;

thread_local! {
    static HOSTILE: RefCell<Option<Hostile>> = const { RefCell::new(None) };
}

/// Makes the next call of this thread run `hostile` instead of its entry.
pub fn take_over(hostile: Hostile) {
    HOSTILE.set(Some(hostile));
}

pub struct Descriptor {
    pub name: &'static CStr,
    pub text: fn() -> (usize, usize),
    pub stacks: usize,
    pub heap: usize,
    pub max_us: u32,
    pub on_fault: OnFault,
    pub secret: bool,
    pub services: &'static [&'static Service],
}

pub enum OnFault {
    End,
    Kill,
    Audit,
}

pub const DEFAULT_MAX_US: u32 = 1_000_000;

pub struct Compartment(pub &'static Descriptor);

impl Compartment {
    pub const fn new(desc: &'static Descriptor) -> Self {
        Self(desc)
    }

    pub fn begin(&'static self) -> Result<Call, Fault> {
        Ok(Call {
            arena: vec![0; 512].leak(),
            used: 0,
        })
    }
}

pub struct Call {
    arena: *mut [u64],
    used: usize,
}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: `begin` leaked a vector of this kind.
        drop(unsafe { Box::from_raw(self.arena) });
    }
}

impl Call {
    pub fn alloc(&mut self, size: usize, align: usize) -> Result<NonNull<u8>, Fault> {
        let at = self.used.next_multiple_of(align);
        let end = at.checked_add(size).ok_or(Fault::TooBig)?;
        if end > self.arena.len() * 8 {
            return Err(Fault::TooBig);
        }
        self.used = end;
        // SAFETY: In bounds.
        Ok(unsafe { NonNull::new_unchecked(self.arena.cast::<u8>().add(at)) })
    }

    /// Calls `entry`, or the hostile code that stands in for it.
    ///
    /// # Safety
    ///
    /// It must be sound to call `entry` with `arg`.
    pub unsafe fn run(
        &mut self,
        entry: unsafe extern "C" fn(*mut u8),
        arg: *mut u8,
    ) -> Result<(), Fault> {
        match HOSTILE.take() {
            // SAFETY: Nobody else uses the arena now.
            Some(hostile) => hostile(entry, arg, unsafe { &mut *self.arena }),
            None => {
                // SAFETY: The macro made `entry` and `arg` for each other.
                unsafe { entry(arg) };
                Ok(())
            }
        }
    }
}
