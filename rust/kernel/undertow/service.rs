// SPDX-License-Identifier: GPL-2.0

//! Services: what view 0 does for a compartment that asks for it.
//!
//! A compartment may call the services on the list in its declaration, and nothing else outside. A
//! request is the address of the [`Service`], and of one block of memory with the arguments, which
//! must lie in the call's own stack or arena. Both are the compartment's claim: the one is compared
//! with the list and never followed, of the other a copy is made before anything is looked at, and
//! the results go back the same way. So there is one address to check, and nothing is read twice.
//!
//! What is wrong with a request ends the call, like a violation. What only does not go here and now
//! (a service that sleeps, called from an atomic section) is an error that the compartment gets.
//!
//! A service may call into other compartments, also into the one that asked: that is a call like any
//! other, with a stack of its own, and shares nothing with the one that waits.

use crate::{
    bindings,
    error::code,
    prelude::*, //
};
use core::mem::MaybeUninit;

use super::{
    call::Call,
    compartment::Compartment,
    fault::Fault,
    logic::service::{
        self,
        Place,
        Refusal,
        BLOCK_WORDS, //
    },
    report::may_log,
    stop, //
};

/// A function of view 0 that compartments can be allowed to call. Made by
/// [`#[undertow::service]`](super::service).
pub struct Service {
    name: &'static CStr,
    run: fn(&mut [u64]) -> Result<(), Fault>,
    sleeps: bool,
}

impl Service {
    /// For the expansion of [`#[undertow::service]`](super::service).
    pub const fn new(
        name: &'static CStr,
        run: fn(&mut [u64]) -> Result<(), Fault>,
        sleeps: bool,
    ) -> Self {
        Self { name, run, sleeps }
    }

    /// Returns the name in the status file and in messages.
    pub fn name(&self) -> &'static CStr {
        self.name
    }
}

/// Serves a compartment. Returns 0, or the negative errno that ends its call.
///
/// # Safety
///
/// `call` in `serving` must be null or the [`Call`] that is being run.
pub(super) unsafe fn serve(serving: &mut bindings::undertow_serving) -> i64 {
    // SAFETY: The caller's promise.
    let Some(call) = (unsafe { serving.call.cast::<Call>().as_ref() }) else {
        return -i64::from(bindings::EACCES);
    };
    let compartment = call.compartment();
    serving.owner = core::ptr::from_ref(compartment).cast();
    // It was killed just before: whoever did that wants no more of it.
    if stop::must_end(compartment) {
        return -i64::from(bindings::ESHUTDOWN);
    }
    let Some(service) = allowed(compartment, serving.service as usize) else {
        return -i64::from(bindings::EACCES);
    };
    let Some(words) = block_words(serving.block, serving.bytes, &call.memory()) else {
        return -i64::from(bindings::ERANGE);
    };
    let place = Place {
        depth: serving.depth as usize,
        may_sleep: serving.may_sleep,
        has_room: serving.has_room,
    };
    if let Err(refusal) = service::admit(service.sleeps, &place) {
        serving.result = match refusal {
            Refusal::Atomic => code::EAGAIN,
            Refusal::TooDeep => code::ELOOP,
            Refusal::NoStack => code::ENOBUFS,
        }
        .to_errno()
        .into();
        return 0;
    }
    compartment.count_service();
    // SAFETY: So many words at that address lie in the call's memory, which is there as long as it
    // is; view 0 has no reference to it.
    match unsafe { with_copy(serving.block as *mut u64, words, service.run) } {
        Ok(()) => 0,
        Err(_) => -i64::from(bindings::EPROTO),
    }
}

/// Returns the service at `wanted` if the compartment may have it.
fn allowed(compartment: &Compartment, wanted: usize) -> Option<&'static Service> {
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::services::is_list_off() {
        // SAFETY: Not at all: this is what the list is for.
        return unsafe { (wanted as *const Service).as_ref() };
    }
    let list = compartment.descriptor().services;
    let addresses = list.iter().map(|&it| core::ptr::from_ref(it) as usize);
    list.get(service::find(addresses, wanted)?).copied()
}

fn block_words(addr: u64, bytes: u64, memory: &core::ops::Range<u64>) -> Option<usize> {
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::services::are_bounds_off() {
        return service::block_words(addr, bytes, &(0..u64::MAX));
    }
    service::block_words(addr, bytes, memory)
}

/// Returns whether this task is in a service of the compartment.
pub(super) fn is_serving(compartment: &Compartment) -> bool {
    // SAFETY: No precondition: the address is compared only.
    unsafe { bindings::undertow_is_serving(core::ptr::from_ref(compartment).cast()) }
}

/// Runs `run` on a copy of the block at `block`, and puts the copy back.
///
/// # Safety
///
/// `words` words at `block` must be valid for reads and writes, without a reference to them. Others
/// may write them at the same time.
unsafe fn with_copy(
    block: *mut u64,
    words: usize,
    run: fn(&mut [u64]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::services::is_copy_off() {
        // SAFETY: Not sound, as others write it: this is what the copy is for.
        return run(unsafe { core::slice::from_raw_parts_mut(block, words) });
    }
    let mut copy = [MaybeUninit::<u64>::uninit(); BLOCK_WORDS];
    for (nth, word) in copy.iter_mut().take(words).enumerate() {
        // SAFETY: The caller's promise. Volatile: read once, whatever happens to it.
        word.write(unsafe { block.add(nth).read_volatile() });
    }
    // SAFETY: So many were written just now; callers have no more than there are.
    let copy = unsafe { core::slice::from_raw_parts_mut(copy.as_mut_ptr().cast::<u64>(), words) };
    run(copy)?;
    for (nth, word) in copy.iter().enumerate() {
        // SAFETY: The caller's promise.
        unsafe { block.add(nth).write_volatile(*word) };
    }
    Ok(())
}

/// Serves code that runs in view 0: a compartment where views are not enforced, or the kernel
/// itself. Nothing is checked, as nothing stops it from calling the service's body.
///
/// # Safety
///
/// `service` must be valid, and `block` for reads and writes of `bytes`, whole words.
#[no_mangle]
unsafe extern "C" fn undertow_rs_service_call(
    service: *const crate::ffi::c_void,
    block: *mut crate::ffi::c_void,
    bytes: usize,
) -> c_long {
    // SAFETY: The caller's promise.
    let (service, block) = unsafe {
        (
            &*service.cast::<Service>(),
            core::slice::from_raw_parts_mut(block.cast::<u64>(), bytes / size_of::<u64>()),
        )
    };
    match (service.run)(block) {
        Ok(()) => 0,
        Err(fault) => Error::from(fault).to_errno() as c_long,
    }
}

/// Says that a request ended its call.
pub(super) fn log_denied(compartment: &CStr, status: i64, serving: &bindings::undertow_serving) {
    if !may_log() {
        return;
    }
    match status.unsigned_abs() as u32 {
        bindings::EACCES => pr_warn!(
            "undertow: compartment \"{}\": asked for a service at {:#x} that is not on its list; \
             call ended with an error\n",
            compartment,
            serving.service as usize
        ),
        bindings::ERANGE => pr_warn!(
            "undertow: compartment \"{}\": handed a service {:#x} bytes at {:#x} that are not its \
             own; call ended with an error\n",
            compartment,
            serving.bytes,
            serving.block
        ),
        _ => pr_warn!(
            "undertow: compartment \"{}\": handed a service arguments that are none; call ended \
             with an error\n",
            compartment
        ),
    }
}
