// SPDX-License-Identifier: GPL-2.0

//! Violations: decide, count, log. And the status file.
//!
//! Runs with interrupts off, in view 0, on a stack that the kernel chose. Takes no lock: what it
//! knows of regions and compartments comes from [`table`].

use crate::{
    bindings,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use super::{
    host,
    logic::{
        abi::{
            consts::KVM_VIEWS_Q_PT_PAGES,
            VeInfo, //
        },
        addr::{
            ViewId, //
        },
        class::{
            Class,
            Reach,
            View, //
        },
        comp::State,
        report::Report,
        verdict::{
            decide,
            OnFault,
            OnWrite,
            Scene,
            Violation,
            What, //
        }, //
    },
    region::Policy,
    stop,
    system,
    table, //
};

static DENIED_IN_ROOT: Atomic<u64> = Atomic::new(0);

/// What is asked for when something is denied, until drivers can say it themselves.
pub(super) const POLICY: super::logic::verdict::Policy = super::logic::verdict::Policy {
    on_fault: OnFault::Kill,
    on_write: OnWrite::Oops,
};

/// Returns whether one more line may go to the log: ten in five seconds, the rest is counted.
pub(super) fn may_log() -> bool {
    // SAFETY: Takes a lock by trying only; any context. The name is for the line that counts what
    // was left out.
    unsafe { bindings::__printk_ratelimit(c"undertow".as_char_ptr()) != 0 }
}

pub(super) fn class_of(region: Option<&table::RegionInfo>) -> Class {
    match region.map(|it| it.policy) {
        Some(Policy::KernelRw) => Class::KernelRw,
        Some(Policy::KernelRo) => Class::KernelRo,
        Some(Policy::CompartmentOnly(number)) => {
            ViewId::new(number).map_or(Class::KernelRw, Class::OnlyRo)
        }
        None => Class::Ordinary,
    }
}

pub(super) fn region_of(violation: &Violation) -> Option<table::RegionInfo> {
    match violation.what {
        What::Access(access) => table::region_at(access.gfn.number()),
        _ => None,
    }
}

pub(super) fn scene(violation: &Violation, class: Class) -> Scene {
    Scene {
        view: match violation.view {
            ViewId::ROOT => View::ROOT,
            ViewId::TRANSIT => View::TRANSIT,
            id => View {
                id,
                reach: Reach::Readable,
            },
        },
        class,
        attempts: 0,
        in_crossing: violation.view != ViewId::ROOT,
        irqs_on: false,
        is_dead: false,
        is_sealed: true,
        has_fixup: true,
        is_spurious: false,
    }
}

impl crate::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut crate::fmt::Formatter<'_>) -> crate::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// View 0 was denied an access by #VE: says what it did. What follows is up to the exception
/// table.
pub(super) fn denied_in_root(info: &bindings::kvm_ve_info, ip: usize) {
    DENIED_IN_ROOT.add(1, Relaxed);
    if !may_log() {
        return;
    }
    // SAFETY: As in `stopped`.
    let info = unsafe { &*core::ptr::from_ref(info).cast::<VeInfo>() };
    const { assert!(size_of::<VeInfo>() == size_of::<bindings::kvm_ve_info>()) };

    let Ok(violation) = Violation::of_ve(info, ViewId::ROOT, ip as u64) else {
        pr_err!("undertow: #VE with a record of something else\n");
        return;
    };
    let region = region_of(&violation);
    let class = class_of(region.as_ref());
    let mut scene = scene(&violation, class);
    // SAFETY: Searches the exception tables; safe in any context.
    scene.has_fixup = unsafe { bindings::undertow_has_fixup(ip) };

    pr_warn!(
        "{}\n",
        Report {
            violation: &violation,
            compartment: None,
            class,
            region: region.as_ref().and_then(|it| it.name.to_str().ok()),
            verdict: decide(&violation, &scene, &POLICY),
        }
    );
}

fn state_name(state: Option<State>) -> &'static str {
    match state {
        Some(State::New) => "new",
        Some(State::Ready) => "ready",
        Some(State::Live) => "live",
        Some(State::Dying) => "dying",
        Some(State::Dead) => "dead",
        Some(State::Restarting) => "restarting",
        None => "corrupt",
    }
}

/// Prints the state of the system. May sleep.
pub(super) fn show(m: &SeqFile) {
    if !system::is_live() {
        seq_print!(m, "state: not enforced\n");
        seq_print!(m, "required: {}\n", system::is_required());
        return;
    }
    let backend = system::backend();
    let regions = table::regions().count();
    let table_pages = |view: u16| {
        ViewId::new(view)
            .ok()
            .and_then(|id| host::query(KVM_VIEWS_Q_PT_PAGES, id).ok())
            .unwrap_or(0)
    };
    let views = system::nr_views();
    let pages: u64 = (0..views as u16).map(table_pages).sum();

    seq_print!(m, "state: enforced\n");
    seq_print!(m, "sealed: {}\n", system::is_sealed());
    seq_print!(
        m,
        "back end: {} + {}\n",
        if backend.vmfunc {
            "VMFUNC"
        } else {
            "hypercall"
        },
        if backend.hardware_ve {
            "hardware #VE"
        } else {
            "software #VE"
        }
    );
    seq_print!(m, "views: {}\n", views);
    seq_print!(m, "regions: {}\n", regions);
    seq_print!(m, "page table bytes: {}\n", pages * 4096);
    let (stopped, resumed) = stop::statistics();
    seq_print!(m, "calls ended by a fault: {}\n", stopped);
    seq_print!(m, "events inside, call resumed: {}\n", resumed);
    seq_print!(
        m,
        "accesses denied in view 0: {}\n",
        DENIED_IN_ROOT.load(Relaxed)
    );

    for cpu in host::possible_cpus() {
        // SAFETY: `cpu` is a possible CPU.
        let registered = unsafe { bindings::undertow_cpu_is_registered(cpu) };
        seq_print!(
            m,
            "CPU {}: {}\n",
            cpu,
            if registered {
                "registered"
            } else {
                "not registered"
            }
        );
    }
    for number in 0..views as u16 {
        let pages = table_pages(number);
        match (number, table::compartment(number)) {
            (0, _) => seq_print!(m, "view 0: root, {} table pages\n", pages),
            (1, _) => seq_print!(m, "view 1: transit, {} table pages\n", pages),
            (_, None) => seq_print!(m, "view {}: free, {} table pages\n", number, pages),
            (_, Some(it)) => {
                let (calls, faults) = it.statistics();
                let (kills, restarts) = it.lives();
                seq_print!(
                    m,
                    "view {}: compartment \"{}\", {} table pages, {} calls, {} ended by a fault\n",
                    number,
                    it.name(),
                    pages,
                    calls,
                    faults
                );
                seq_print!(
                    m,
                    "view {}: {}, {} stacks in use, {} kills, {} restarts\n",
                    number,
                    state_name(it.state()),
                    it.pool.in_use(),
                    kills,
                    restarts
                );
            }
        }
    }
    for region in table::regions() {
        seq_print!(
            m,
            "region \"{}\": gfn {:#x}, {} pages, {:?}\n",
            region.name,
            region.gfn,
            region.npages,
            region.policy
        );
    }
}
