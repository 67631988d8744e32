// SPDX-License-Identifier: GPL-2.0

//! Protected memory with an owner.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};
use core::ptr::NonNull;

use super::{
    compartment::Compartment,
    system,
    table::RegionInfo, //
};

/// Who may read and write a [`Region`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Ordinary kernel code reads and writes; no compartment can even read.
    KernelRw,
    /// Ordinary kernel code reads; once it is locked, only [`Region::write`] writes. No compartment
    /// can read.
    KernelRo,
    /// Only the compartment in this view reads, nobody else, ordinary kernel code included.
    CompartmentOnly(u16),
    /// Ordinary kernel code reads and writes, and so does the compartment in this view: each page
    /// from the first time that it touches it. No other compartment can read.
    Lent(u16),
    /// Ordinary kernel code reads; once it is locked, only the compartment in this view writes. No
    /// other compartment can read.
    WrittenBy(u16),
}

impl Policy {
    pub(super) fn encode(self) -> u64 {
        match self {
            Policy::KernelRw => 0,
            Policy::KernelRo => 1,
            Policy::CompartmentOnly(view) => 2 | u64::from(view) << 8,
            Policy::Lent(view) => 3 | u64::from(view) << 8,
            Policy::WrittenBy(view) => 4 | u64::from(view) << 8,
        }
    }

    pub(super) fn decode(value: u64) -> Self {
        match value & 0xff {
            0 => Policy::KernelRw,
            1 => Policy::KernelRo,
            3 => Policy::Lent((value >> 8) as u16),
            4 => Policy::WrittenBy((value >> 8) as u16),
            _ => Policy::CompartmentOnly((value >> 8) as u16),
        }
    }
}

/// Whole pages that no view reaches unless its policy says so.
///
/// The rights hold for the guest frames: every alias, in the direct map or elsewhere, is covered.
/// Not covered: memory access by devices and by the host.
///
/// # Invariants
///
/// - INV-REGION-1: `addr` points to `bytes` bytes of zeroed-at-birth pages that this region owns.
/// - INV-REGION-2: on a live system the table entry `index` describes exactly these pages.
pub struct Region {
    addr: NonNull<u8>,
    bytes: usize,
    index: Option<usize>,
    /// What was asked for, and what the table says.
    policy: Policy,
    in_force: Policy,
    locked: bool,
    lost: bool,
}

// SAFETY: A region owns its pages; access to them goes through `&self` or `&mut self`.
unsafe impl Send for Region {}
// SAFETY: `&Region` gives read access only, to memory that changes through `&mut self` alone.
unsafe impl Sync for Region {}

impl Region {
    /// Creates a region of at least `bytes` bytes, zeroed, not yet protected.
    ///
    /// Fill it through [`bytes_mut`](Self::bytes_mut), then [`lock`](Self::lock) it.
    ///
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL` when `bytes` is 0 or does not fit into an `isize` when rounded to pages.
    /// - `ENOMEM` when there are no pages.
    pub fn new(bytes: usize, policy: Policy) -> Result<Self> {
        if bytes == 0 || bytes > isize::MAX as usize - PAGE_SIZE {
            return Err(EINVAL);
        }
        let bytes = bytes.next_multiple_of(PAGE_SIZE);
        // SAFETY: No precondition; ownership of the pages passes to us.
        let addr = unsafe { bindings::undertow_pages_alloc(bytes) };
        let addr = NonNull::new(addr.cast::<u8>()).ok_or(ENOMEM)?;

        // INVARIANT: INV-REGION-1: just allocated. INV-REGION-2: not in the table yet.
        Ok(Self {
            addr,
            bytes,
            index: None,
            policy,
            in_force: policy,
            locked: false,
            lost: false,
        })
    }

    /// Puts the policy in force under `name`. Nothing can be written through `self` afterwards.
    ///
    /// Where the system does not enforce views (see [`is_enforced`](super::is_enforced)) this succeeds
    /// and protects nothing, unless `undertow=require` was given.
    ///
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EBUSY` when it is locked already.
    /// - `ENODEV` when protection is required and not to be had.
    /// - `ENOSPC` when there are too many regions.
    /// - What the host answers when it refuses.
    pub fn lock(&mut self, name: &'static CStr) -> Result {
        if self.locked {
            return Err(EBUSY);
        }
        self.in_force = self.to_enforce()?;
        let info = RegionInfo {
            name,
            gfn: self.gfn(),
            npages: (self.bytes / PAGE_SIZE) as u64,
            policy: self.in_force,
        };
        match system::protect(&info) {
            Ok(index) => {
                self.index = index;
                self.locked = true;
                Ok(())
            }
            Err((error, is_clean)) => {
                // Nobody may touch what the host still guards.
                self.lost = !is_clean;
                self.locked = self.lost;
                Err(error)
            }
        }
    }

    /// Returns the policy to put in force: a region that only [`write`](Self::write) writes belongs to
    /// the compartment that does it.
    fn to_enforce(&self) -> Result<Policy> {
        // In a sealed system nobody can be given a right any more: nobody writes.
        if self.policy != Policy::KernelRo || !system::is_live() || system::is_sealed() {
            return Ok(self.policy);
        }
        // SAFETY: May sleep, as the caller may.
        match unsafe { bindings::undertow_writer_view() } {
            view @ 1.. => Ok(Policy::WrittenBy(view as u16)),
            // Sealed meanwhile.
            error if error == EPERM.to_errno() => Ok(Policy::KernelRo),
            error => Err(Error::from_errno(error)),
        }
    }

    /// Returns the memory for filling it, or `None` once it is locked.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        if self.locked {
            return None;
        }
        // SAFETY: INV-REGION-1, and `&mut self` makes us the only user.
        Some(unsafe { core::slice::from_raw_parts_mut(self.addr.as_ptr(), self.bytes) })
    }

    /// Returns the memory for reading it, or `None` where only a compartment may read, or a
    /// compartment may write at any time.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self.policy {
            Policy::KernelRw | Policy::KernelRo => {}
            _ if !self.locked => {}
            _ => return None,
        }
        if self.lost {
            return None;
        }
        // SAFETY: INV-REGION-1. View 0 may read, and what writes takes `&mut self`.
        Some(unsafe { core::slice::from_raw_parts(self.addr.as_ptr(), self.bytes) })
    }

    /// Writes `bytes` at offset `at`, also when the region is locked and ordinary kernel code may
    /// only read it: a compartment does that then, which can write such regions and nothing else.
    ///
    /// `bytes` must be memory that compartments can read: not in another region. If the call fails
    /// with `EFAULT` some of them may have been written.
    ///
    /// Any context but NMI.
    ///
    /// # Errors
    ///
    /// - `EINVAL` when the bytes would not lie in the region.
    /// - `EPERM` when it is locked and not the kernel's to write: it belongs to a compartment, or it
    ///   was locked after the seal.
    /// - `EAGAIN` when too many write at once.
    /// - `EFAULT` when the compartment could not read `bytes`.
    pub fn write(&mut self, at: usize, bytes: &[u8]) -> Result {
        let fits = at
            .checked_add(bytes.len())
            .is_some_and(|end| end <= self.bytes);
        #[cfg(CONFIG_UNDERTOW_SELFTEST)]
        let fits = fits || super::selftest::writes::is_range_check_off();
        if !fits {
            return Err(EINVAL);
        }
        let to = self.addr.as_ptr().wrapping_add(at);
        let by_kernel = match self.policy {
            Policy::KernelRw | Policy::Lent(_) => !self.lost,
            Policy::KernelRo => !self.locked || (self.index.is_none() && !self.lost),
            Policy::CompartmentOnly(_) | Policy::WrittenBy(_) => !self.locked,
        };
        if by_kernel {
            // SAFETY: INV-REGION-1: within it, as checked. View 0 may write, and `&mut self` makes
            // us the only user but for a compartment that it was lent to, and `bytes` can't be part
            // of what we own.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
            return Ok(());
        }
        match (self.policy, self.in_force) {
            (Policy::KernelRo, Policy::WrittenBy(_)) if !self.lost => {
                // SAFETY: `bytes` is valid for reads. Within our region, as checked, and `&mut self`
                // makes us the only user.
                crate::error::to_result(unsafe {
                    bindings::undertow_writer_put(to.cast(), bytes.as_ptr().cast(), bytes.len())
                })
            }
            _ => Err(EPERM),
        }
    }

    /// Returns the address, the same in every view. What may be done there, the policy says.
    pub fn as_ptr(&self) -> *const u8 {
        self.addr.as_ptr()
    }

    /// Returns the size in bytes, a multiple of the page size.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Returns `false`: there is no empty region.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Returns the first guest frame.
    pub fn gfn(&self) -> u64 {
        // SAFETY: INV-REGION-1: the address is mapped.
        unsafe { bindings::undertow_gfn(self.addr.as_ptr().cast()) }
    }

    /// Restricts the region to one compartment; before [`lock`](Self::lock).
    ///
    /// # Errors
    ///
    /// - `EBUSY` when it is locked already.
    pub fn give_to(&mut self, owner: &'static Compartment) -> Result {
        if self.locked {
            return Err(EBUSY);
        }
        self.policy = Policy::CompartmentOnly(owner.view().unwrap_or(0));
        Ok(())
    }

    /// Lends the region to one compartment; before [`lock`](Self::lock).
    ///
    /// A page that the compartment never touches costs nothing, and stays out of its reach. The first
    /// touch of each costs one hypercall, and, where the CPU delivers #VE, no other VM exit. What the
    /// compartment may write it can write at any time, from any CPU: read it once, and believe nothing
    /// in it. Taken back when the region is dropped. Nothing more is lent once the system is sealed.
    ///
    /// # Errors
    ///
    /// - `EBUSY` when it is locked already.
    pub fn lend_to(&mut self, borrower: &'static Compartment) -> Result {
        if self.locked {
            return Err(EBUSY);
        }
        self.policy = Policy::Lent(borrower.view().unwrap_or(0));
        Ok(())
    }

    /// Leaves writing to one compartment, and reading to ordinary kernel code; before
    /// [`lock`](Self::lock).
    ///
    /// # Errors
    ///
    /// - `EBUSY` when it is locked already.
    pub fn written_by(&mut self, writer: &'static Compartment) -> Result {
        if self.locked {
            return Err(EBUSY);
        }
        self.policy = Policy::WrittenBy(writer.view().unwrap_or(0));
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.lost {
            pr_err!("undertow: a region was never given back: its pages stay lost\n");
            return;
        }
        if let Some(index) = self.index {
            if let Err(error) = system::unprotect_root(index, self.in_force) {
                // Pages that the host still guards would kill whoever gets them next.
                pr_err!(
                    "undertow: a region can't be given back ({:?}): its pages stay lost\n",
                    error
                );
                return;
            }
        }
        // Wiped while no compartment can read it yet.
        //
        // SAFETY: INV-REGION-1; view 0 may write, and `&mut self` makes us the only user.
        unsafe { core::ptr::write_bytes(self.addr.as_ptr(), 0, self.bytes) };

        if let Some(index) = self.index {
            if let Err(error) = system::unprotect_views(index, self.in_force) {
                pr_err!(
                    "undertow: a region stays hidden from compartments ({:?})\n",
                    error
                );
                return;
            }
        }
        // SAFETY: INV-REGION-1; nobody else has the address after `self` is gone.
        unsafe { bindings::undertow_pages_free(self.addr.as_ptr().cast(), self.bytes) };
    }
}
