// SPDX-License-Identifier: GPL-2.0

//! One call into a compartment, from the claim of a stack to the result.

use crate::{
    bindings,
    prelude::*, //
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};

use super::{
    compartment::Compartment,
    fault::Fault,
    slot::Slot, //
};

/// Code that can be started inside a compartment. It gets the pointer that [`Call::run`] was
/// given.
pub type Entry = unsafe extern "C" fn(*mut u8);

/// A call in preparation. Dropping it gives its stack back.
///
/// # Invariants
///
/// - INV-CALL-1: `used` bytes of the slot's arena were handed out, never more than it has.
pub struct Call {
    // Dropped in this order: the stack goes back before the call is over.
    slot: Slot,
    inside: Inside,
    used: usize,
}

/// Counts as one call of the compartment.
struct Inside(&'static Compartment);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.inside.0.descriptor().secret {
            self.slot.wipe();
        }
    }
}

impl Call {
    pub(super) fn new(compartment: &'static Compartment, slot: Slot) -> Self {
        // INVARIANT: INV-CALL-1: nothing handed out yet.
        Self {
            slot,
            inside: Inside(compartment),
            used: 0,
        }
    }

    /// Reserves zeroed memory that both view 0 and the compartment may write.
    ///
    /// It lasts as long as the call. The compartment may write it at any time from any CPU: read
    /// it once, and believe nothing in it.
    ///
    /// # Errors
    ///
    /// - [`Fault::TooBig`] when the arena has no room for it, or `align` is no power of two.
    pub fn alloc(&mut self, size: usize, align: usize) -> Result<NonNull<u8>, Fault> {
        let (base, bytes) = self.slot.arena();
        if !align.is_power_of_two() {
            return Err(Fault::TooBig);
        }
        let start = (base + self.used)
            .checked_next_multiple_of(align)
            .ok_or(Fault::TooBig)?;
        let end = start.checked_add(size).ok_or(Fault::TooBig)?;
        if end > base + bytes {
            return Err(Fault::TooBig);
        }
        let memory = NonNull::new(start as *mut u8).ok_or(Fault::TooBig)?;

        // SAFETY: INV-CALL-1 and the check above: within the arena, which is ours while `slot`
        // lives, and not handed out before.
        unsafe { core::ptr::write_bytes(memory.as_ptr(), 0, size) };
        // INVARIANT: INV-CALL-1: `end` was checked against the arena's end.
        self.used = end - base;
        Ok(memory)
    }

    /// Runs `entry(arg)` inside the compartment and waits for its end.
    ///
    /// Interrupts that come meanwhile are handled, unless the caller has them off. Any context but
    /// NMI.
    ///
    /// # Errors
    ///
    /// - The [`Fault`] that ended it.
    /// - [`Fault::Unavailable`] on a CPU that the host did not register, and in NMI context.
    /// - [`Fault::NoStack`] when the caller has nearly used up its kernel stack.
    ///
    /// # Safety
    ///
    /// Where views are not enforced `entry` runs in view 0: it must be sound to call it with
    /// `arg`. Where they are, it can do no harm outside its compartment.
    pub unsafe fn run(&mut self, entry: Entry, arg: *mut u8) -> Result<(), Fault> {
        let Some(view) = self.inside.0.view() else {
            // SAFETY: The caller's promise.
            unsafe { entry(arg) };
            return Ok(());
        };
        self.cross(view, entry, arg)
    }

    pub(super) fn compartment(&self) -> &'static Compartment {
        self.inside.0
    }

    /// Returns the addresses that the compartment may write for this call.
    pub(super) fn memory(&self) -> core::ops::Range<u64> {
        let memory = self.slot.writable();
        memory.start as u64..memory.end as u64
    }

    /// Returns the view that the call will run in.
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    pub(super) fn view(&self) -> Option<u16> {
        self.inside.0.view()
    }

    /// Returns the address that the call's stack grows down from.
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    pub(super) fn stack_top(&self) -> usize {
        self.slot.stack_top()
    }

    fn cross(&mut self, view: u16, entry: Entry, arg: *mut u8) -> Result<(), Fault> {
        let mut outcome = MaybeUninit::<bindings::undertow_outcome>::uninit();

        // SAFETY: The stack is this call's own and writable in `view`; INV-LIFE-1 says that the
        // view is the compartment's. `outcome` is valid for writes. What the entry does is the
        // host's to police; `serve` makes a shared reference of `self`, which waits here.
        unsafe {
            bindings::undertow_cross(
                arg.cast(),
                entry as usize,
                self.slot.stack_top() as *mut crate::ffi::c_void,
                view.into(),
                self.inside.0.descriptor().max_us,
                core::ptr::from_ref(self).cast(),
                outcome.as_mut_ptr(),
            )
        };

        // SAFETY: `undertow_cross` always sets these two.
        let (status, value) = unsafe { ((*outcome.as_ptr()).status, (*outcome.as_ptr()).value) };
        if status == 0 {
            return Ok(());
        }
        if status == -i64::from(bindings::EOPNOTSUPP) {
            return Err(Fault::Unavailable);
        }
        if status == -i64::from(bindings::ENOBUFS) {
            return Err(Fault::NoStack);
        }
        self.inside.0.count_fault();
        Err(match status.unsigned_abs() as u32 {
            bindings::ETIMEDOUT => Fault::TimedOut,
            bindings::EINTR => Fault::Interrupted,
            bindings::ESHUTDOWN => Fault::Dead,
            bindings::EACCES => Fault::Denied(value),
            bindings::ERANGE => Fault::Violation {
                addr: value,
                gpa: 0,
            },
            bindings::EPROTO => Fault::BadReturn,
            // SAFETY: For every other status `undertow_cross` has set the record.
            _ => Fault::from_aex(unsafe { &(*outcome.as_ptr()).aex }),
        })
    }
}
