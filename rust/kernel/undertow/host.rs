// SPDX-License-Identifier: GPL-2.0

//! The hypercalls, typed.
//!
//! The only place that talks to the host. It decides nothing: what to ask for comes from the
//! layers above. The host may take a while, but does not sleep on behalf of this kernel; no lock
//! of this kernel is taken. Not for NMI context.
//!
//! C header: [`arch/x86/include/uapi/asm/kvm_views.h`](srctree/arch/x86/include/uapi/asm/kvm_views.h)

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::logic::{
    abi::{
        consts::*,
        query::Features,
        HostError,
        ViewOp, //
    },
    access::Access,
    addr::ViewId, //
};

/// Issues one hypercall.
fn call(op: u64, a1: u64, a2: u64, a3: u64) -> Result<u64, HostError> {
    // SAFETY: The host writes no guest memory on behalf of a hypercall, and what it reads is
    // given by physical addresses that the callers in this module take from live objects.
    let rax =
        unsafe { bindings::undertow_hypercall(op as usize, a1 as usize, a2 as usize, a3 as usize) };
    HostError::check(rax as u64)
}

/// Turns an answer of the host into the errno that says the same.
pub(super) fn errno(error: HostError) -> Error {
    Error::from_errno(-error.errno())
}

/// Asks the host what it offers.
pub(super) fn features() -> Result<Features, HostError> {
    query(KVM_VIEWS_Q_FEATURES, ViewId::ROOT).map(Features)
}

/// Asks the host one question, `KVM_VIEWS_Q_*`.
pub(super) fn query(what: u64, view: ViewId) -> Result<u64, HostError> {
    call(KVM_VIEWS_QUERY, what, view.number().into(), 0)
}

/// Asks the host for the rights on one frame.
pub(super) fn policy(view: ViewId, gfn: u64) -> Result<u64, HostError> {
    call(
        KVM_VIEWS_QUERY,
        KVM_VIEWS_Q_POLICY,
        view.number().into(),
        gfn,
    )
}

/// Turns views on for this guest, `max_views` at most.
pub(super) fn enable(max_views: u16) -> Result<(), HostError> {
    call(KVM_VIEWS_ENABLE, max_views.into(), 0, 0).map(drop)
}

/// Creates a view in which every frame has the same rights.
pub(super) fn create(view: ViewId, access: Access) -> Result<(), HostError> {
    call(
        KVM_VIEWS_CREATE,
        view.number().into(),
        access.bits().into(),
        0,
    )
    .map(drop)
}

/// Changes rights, in order. When it fails, the changes before the refused one are in force.
pub(super) fn set(ops: &[ViewOp]) -> Result<(), HostError> {
    set_each(ops.iter().copied())
}

/// The same for changes that are made up as they are needed.
pub(super) fn set_each(mut ops: impl Iterator<Item = ViewOp>) -> Result<(), HostError> {
    let mut page = OpPage([ViewOp::ZERO; OPS_PER_CALL]);
    loop {
        let mut filled = 0;
        for (place, op) in page.0.iter_mut().zip(&mut ops) {
            *place = op;
            filled += 1;
        }
        if filled == 0 {
            return Ok(());
        }
        let mut done = 0;
        while done < filled {
            let left = (filled - done) as u64;
            match call(KVM_VIEWS_SET, gpa_of(&page.0[done]), left, 0)? {
                // Fewer than asked for means: ask again. None at all would go on for ever.
                0 => return Err(HostError::Unknown(0)),
                now => done += now as usize,
            }
        }
    }
}

/// One change, with little of the stack. Any context but NMI.
pub(super) fn set_one(op: ViewOp) -> Result<(), HostError> {
    /// Lies within one page, because it is aligned to its size.
    #[repr(C, align(32))]
    struct One(ViewOp);
    const { assert!(size_of::<One>() == size_of::<ViewOp>()) };

    let one = One(op);
    match call(KVM_VIEWS_SET, gpa_of(&one), 1, 0)? {
        1 => Ok(()),
        other => Err(HostError::Unknown(other as i64)),
    }
}

/// Freezes the rights of every view: from now on they can only be tightened.
pub(super) fn seal() -> Result<(), HostError> {
    call(KVM_VIEWS_SEAL, 0, 0, 0).map(drop)
}

/// Returns the guest frame behind a mapped kernel address.
pub(super) fn gfn_at(addr: usize) -> u64 {
    // SAFETY: Walks the page tables of the kernel; an address that is not mapped gives a frame
    // that is of no use, not a fault. Callers pass addresses of live objects.
    unsafe { bindings::undertow_gfn(addr as *const crate::ffi::c_void) }
}

/// Returns every CPU that there can be.
pub(super) fn possible_cpus() -> impl Iterator<Item = u32> {
    // SAFETY: No precondition; for the last CPU it returns `nr_cpu_ids`.
    let next = |cpu: c_int| unsafe { bindings::undertow_next_cpu(cpu) };
    // SAFETY: Set once at boot, before anything here runs.
    let end = unsafe { bindings::nr_cpu_ids };

    core::iter::successors(Some(next(-1)), move |&cpu| Some(next(cpu as c_int)))
        .take_while(move |&cpu| cpu < end)
}

fn gpa_of<T>(object: &T) -> u64 {
    let addr = core::ptr::from_ref(object) as usize;
    gfn_at(addr) * PAGE_SIZE as u64 + (addr % PAGE_SIZE) as u64
}

/// Changes that one hypercall takes here; the host would take 128.
const OPS_PER_CALL: usize = 32;

/// Lies within one page, as the host asks, because it is aligned to its size.
#[repr(C, align(1024))]
struct OpPage([ViewOp; OPS_PER_CALL]);

const _: () = assert!(size_of::<OpPage>() == 1024);
