// SPDX-License-Identifier: GPL-2.0

//! Constants of the header, under the header's names.

/// Declares constants and lists them all, so that a test can hold the list
/// against the header in both directions.
macro_rules! constants {
    ($($(#[$meta:meta])* $name:ident: $ty:ident = $value:expr;)*) => {
        $($(#[$meta])* pub const $name: $ty = $value;)*

        /// Every constant above with its name.
        pub const ALL: &[(&str, u64)] = &[$((stringify!($name), $name as u64),)*];
    };
}

constants! {
    /// Hypercall number.
    KVM_HC_VIEWS: u64 = 0x5554;

    /// Asks about host, limits, policy and counters.
    KVM_VIEWS_QUERY: u64 = 0;
    /// Turns views on for this guest.
    KVM_VIEWS_ENABLE: u64 = 1;
    /// Registers a vCPU.
    KVM_VIEWS_VCPU_INIT: u64 = 2;
    /// Creates a view.
    KVM_VIEWS_CREATE: u64 = 3;
    /// Destroys a view.
    KVM_VIEWS_DESTROY: u64 = 4;
    /// Applies an array of [`ViewOp`](super::ViewOp).
    KVM_VIEWS_SET: u64 = 5;
    /// Maps frames of a view ahead of their first use.
    KVM_VIEWS_POPULATE: u64 = 6;
    /// Resolves one violation that policy does not explain.
    KVM_VIEWS_FAULT: u64 = 7;
    /// Changes the view with an exit.
    KVM_VIEWS_SWITCH: u64 = 8;
    /// Freezes rights: they can only be tightened afterwards.
    KVM_VIEWS_SEAL: u64 = 9;
    /// Takes execute away from a whole view at once.
    KVM_VIEWS_KILL: u64 = 10;
    /// Drops every view, after a wipe of what only compartments may read.
    KVM_VIEWS_RESET: u64 = 11;

    /// In the answer to the question about rights: another frame is there.
    KVM_VIEWS_POLICY_REMAPPED: u64 = 1 << 4;

    /// Version of the ABI that this guest speaks.
    KVM_VIEWS_VERSION: u64 = 1;
    /// Number of views that the EPTP list has room for.
    KVM_VIEWS_MAX: u64 = 512;
    /// Most elements in the array of one SET.
    KVM_VIEWS_SET_MAX: u64 = 128;

    /// Asks for version and features.
    KVM_VIEWS_Q_FEATURES: u64 = 0;
    /// Asks for limits.
    KVM_VIEWS_Q_LIMITS: u64 = 1;
    /// Asks for the view of this vCPU.
    KVM_VIEWS_Q_CURRENT: u64 = 2;
    /// Asks for the rights on one frame in one view.
    KVM_VIEWS_Q_POLICY: u64 = 3;
    /// Asks for the number of VM exits of this vCPU.
    KVM_VIEWS_Q_EXITS: u64 = 4;
    /// Asks how many of them the host caused.
    KVM_VIEWS_Q_HOST_EXITS: u64 = 5;
    /// Asks for the number of table pages of a view.
    KVM_VIEWS_Q_PT_PAGES: u64 = 6;

    /// VMFUNC switches views.
    KVM_VIEWS_F_VMFUNC: u64 = 1 << 8;
    /// A violation can become #VE without an exit.
    KVM_VIEWS_F_HW_VE: u64 = 1 << 9;
    /// A view can see other frames in place of some.
    KVM_VIEWS_F_REMAP: u64 = 1 << 11;
    /// The CPU writes to page tables when it reads them.
    KVM_VIEWS_F_RW_PT: u64 = 1 << 13;
    /// ENABLE although it does; this guest never says so.
    KVM_VIEWS_ENABLE_RW_PT: u64 = 1 << 0;

    /// Right to read.
    KVM_VIEW_R: u8 = 1 << 0;
    /// Right to write.
    KVM_VIEW_W: u8 = 1 << 1;
    /// Right to execute.
    KVM_VIEW_X: u8 = 1 << 2;

    /// The host synthesizes #VE on this vCPU.
    KVM_VIEW_VCPU_NO_HW_VE: u32 = 1 << 0;
    /// The host leaves VMFUNC off on this vCPU.
    KVM_VIEW_VCPU_NO_VMFUNC: u32 = 1 << 1;
    /// In a view, SWITCH is legal at the two places of the gate only.
    KVM_VIEW_VCPU_GATE_ONLY: u32 = 1 << 2;
    /// An interrupt that waits while the vCPU is in a view ends its stay there.
    KVM_VIEW_VCPU_IRQ_AEX: u32 = 1 << 3;

    /// Sets rights.
    KVM_VIEW_OP_PROTECT: u8 = 1;
    /// Shows other frames in place of these.
    KVM_VIEW_OP_REMAP: u8 = 2;
    /// Ends a remap.
    KVM_VIEW_OP_UNREMAP: u8 = 3;

    /// Map at once.
    KVM_VIEW_OP_POPULATE: u32 = 1 << 0;
    /// Map at once, and as if written.
    KVM_VIEW_OP_POPULATE_WRITE: u32 = 1 << 1;
    /// A violation becomes #VE; legal in view 0 only.
    KVM_VIEW_OP_VE: u32 = 1 << 2;

    /// EPT violation, no event in flight.
    KVM_VIEW_AEX_VIOLATION: u32 = 1;
    /// An event arrived, or was about to.
    KVM_VIEW_AEX_EVENT: u32 = 2;
    /// An exit that a view may not cause.
    KVM_VIEW_AEX_REFUSED: u32 = 3;
    /// View 0, with RIP where view 0 may not execute.
    KVM_VIEW_AEX_GUARD: u32 = 4;
    /// RESET, by another vCPU.
    KVM_VIEW_AEX_RESET: u32 = 5;
    /// An interrupt was kept waiting for too long.
    KVM_VIEW_AEX_TIMEOUT: u32 = 6;

    /// An exit of SVM that VMX has no like of.
    KVM_VIEW_EXIT_SVM: u32 = 0x4000_0000;
    /// The event field holds an event.
    KVM_VIEW_EVENT_VALID: u32 = 1 << 31;
}

// The lattice and the view numbers are written down once more in their own
// modules; they must be the same numbers.
const _: () = {
    assert!(super::super::access::Rights::R.bits() == KVM_VIEW_R);
    assert!(super::super::access::Rights::W.bits() == KVM_VIEW_W);
    assert!(super::super::access::Rights::X.bits() == KVM_VIEW_X);
    assert!(super::super::addr::ViewId::MAX as u64 == KVM_VIEWS_MAX);
};
