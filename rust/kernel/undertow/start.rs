// SPDX-License-Identifier: GPL-2.0

//! The start of the system at boot, and what became of it.

use crate::{
    bindings,
    fmt,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

use super::{
    host,
    logic::abi::consts::KVM_VIEWS_VERSION,
    restart,
    system,
    table::MAX_VIEWS, //
};

/// Modes of the boot parameter, as undertow/init.c numbers them.
const MODE_OFF: c_int = 0;
const MODE_REQUIRE: c_int = 2;

/// How views are switched and violations delivered.
#[derive(Clone, Copy)]
pub(super) struct Backend {
    /// The CPU switches views; else the host does, on a hypercall.
    pub(super) vmfunc: bool,
    /// The CPU delivers #VE; else the host injects it.
    pub(super) hardware_ve: bool,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.vmfunc, self.hardware_ve) {
            (true, true) => "VMFUNC + hardware #VE",
            (true, false) => "VMFUNC + software #VE",
            (false, true) => "hypercall + hardware #VE",
            (false, false) => "hypercall + software #VE",
        })
    }
}

static LIVE: Atomic<bool> = Atomic::new(false);
static REQUIRED: Atomic<bool> = Atomic::new(false);
static VMFUNC: Atomic<bool> = Atomic::new(false);
static HARDWARE_VE: Atomic<bool> = Atomic::new(false);

/// Returns whether views are enforced.
pub(super) fn is_live() -> bool {
    LIVE.load(Acquire)
}

/// Returns whether drivers must not run without protection.
pub(super) fn is_required() -> bool {
    REQUIRED.load(Relaxed)
}

/// Returns the back end of a live system.
pub(super) fn backend() -> Backend {
    Backend {
        vmfunc: VMFUNC.load(Relaxed),
        hardware_ve: HARDWARE_VE.load(Relaxed),
    }
}

/// Starts the system, once, at boot. Returns whether views are enforced.
pub(super) fn init(mode: c_int) -> bool {
    // SAFETY: Called once, by the guest core's initcall, before any driver's.
    unsafe {
        system::prepare();
        restart::prepare();
    };
    REQUIRED.store(mode == MODE_REQUIRE, Relaxed);

    if mode == MODE_OFF {
        pr_info!("undertow: off by boot parameter\n");
        return false;
    }
    match start() {
        Ok(backend) => {
            VMFUNC.store(backend.vmfunc, Relaxed);
            HARDWARE_VE.store(backend.hardware_ve, Relaxed);
            LIVE.store(true, Release);
            pr_info!(
                "undertow: live, back end {}, ABI version {}\n",
                backend,
                KVM_VIEWS_VERSION
            );
            true
        }
        Err(why) => {
            let then = if is_required() {
                "isolated drivers will not register"
            } else {
                "isolated code will run unprotected"
            };
            pr_warn!("undertow: not available: {}; {}\n", why, then);
            false
        }
    }
}

fn start() -> Result<Backend, &'static CStr> {
    let mut why: *const crate::ffi::c_char = core::ptr::null();
    // SAFETY: `why` is valid for writes; a string that is set is static.
    if !unsafe { bindings::undertow_host_possible(&mut why) } {
        // SAFETY: As above.
        return Err(unsafe { CStr::from_char_ptr(why) });
    }
    let features = host::features().map_err(|_| c"the host offers no views (kvm.guest_views)")?;
    if !features.is_supported() {
        return Err(c"the host speaks another version of the ABI");
    }
    if !features.has_read_only_tables() {
        return Err(c"on this host a compartment could write page tables (AMD)");
    }
    let backend = Backend {
        vmfunc: features.has_vmfunc(),
        hardware_ve: features.has_hw_ve(),
    };
    host::enable(MAX_VIEWS as u16).map_err(|_| c"the host refused to enable views")?;

    let mut flags = 0;
    // The self-test measures the gate that is not in use, too.
    if !backend.vmfunc || !cfg!(CONFIG_UNDERTOW_SELFTEST) {
        flags |= bindings::KVM_VIEW_VCPU_GATE_ONLY;
    }
    if !backend.vmfunc {
        flags |= bindings::KVM_VIEW_VCPU_NO_VMFUNC;
    }
    if !backend.hardware_ve {
        flags |= bindings::KVM_VIEW_VCPU_NO_HW_VE;
    }
    // SAFETY: Called once, in process context, before the first crossing.
    if unsafe { bindings::undertow_cpus_register(flags) } != 0 {
        return Err(c"the host refused to register the boot CPU");
    }

    let inside = backend.vmfunc && backend.hardware_ve && features.has_remap();
    system::restrict(inside)?;
    Ok(backend)
}
