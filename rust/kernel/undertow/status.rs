// SPDX-License-Identifier: GPL-2.0

//! The status file.

use crate::{
    bindings,
    seq_file::SeqFile,
    seq_print, //
};

use super::{
    host,
    logic::{
        abi::consts::KVM_VIEWS_Q_PT_PAGES,
        addr::ViewId,
        comp, //
    },
    report,
    stop,
    stray,
    system::{
        self,
        State, //
    }, //
};

/// Prints the state of the system. May sleep.
pub(super) fn show(m: &SeqFile) {
    if !system::is_live() {
        seq_print!(m, "state: not enforced\n");
        seq_print!(m, "required: {}\n", system::is_required());
        return;
    }
    // Modules come and go while this file is read, and the names are theirs.
    system::inspect(|state| {
        show_system(m, state);
        show_cpus(m);
        show_views(m, state);
        show_regions(m, state);
    });
}

fn table_pages(view: u16) -> u64 {
    ViewId::new(view)
        .ok()
        .and_then(|id| host::query(KVM_VIEWS_Q_PT_PAGES, id).ok())
        .unwrap_or(0)
}

fn show_system(m: &SeqFile, state: &State) {
    let (stopped, resumed) = stop::statistics();
    let views = state.nr_views();
    let pages: u64 = (0..views as u16).map(table_pages).sum();

    seq_print!(m, "state: enforced\n");
    seq_print!(m, "sealed: {}\n", state.is_sealed());
    seq_print!(m, "back end: {}\n", system::backend());
    seq_print!(m, "views: {}\n", views);
    seq_print!(m, "regions: {}\n", state.tables().regions().count());
    seq_print!(m, "page table bytes: {}\n", pages * 4096);
    seq_print!(m, "calls ended by a fault: {}\n", stopped);
    seq_print!(m, "events inside, call resumed: {}\n", resumed);
    seq_print!(m, "accesses denied in view 0: {}\n", report::denied());
    let (in_kernel, in_modules) = stray::count();
    seq_print!(
        m,
        "stray VMFUNC: {} in kernel text, {} in modules\n",
        in_kernel,
        in_modules
    );
}

fn show_cpus(m: &SeqFile) {
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
}

fn state_name(state: Option<comp::State>) -> &'static str {
    use comp::State;

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

fn show_views(m: &SeqFile, state: &State) {
    for number in 0..state.nr_views() as u16 {
        let pages = table_pages(number);
        match (number, state.tables().tenant(number)) {
            (0, _) => seq_print!(m, "view 0: root, {} table pages\n", pages),
            (1, _) => seq_print!(m, "view 1: transit, {} table pages\n", pages),
            (_, None) => seq_print!(m, "view {}: free, {} table pages\n", number, pages),
            (_, Some(tenant)) => {
                // What a test makes this file wait for: somebody unloads the module meanwhile.
                #[cfg(CONFIG_UNDERTOW_SELFTEST)]
                super::selftest::pause();
                let compartment = tenant.compartment;
                let (calls, faults) = compartment.statistics();
                let (kills, restarts) = compartment.lives();
                seq_print!(
                    m,
                    "view {}: compartment \"{}\", {} table pages, {} calls, {} ended by a fault\n",
                    number,
                    compartment.name(),
                    pages,
                    calls,
                    faults
                );
                seq_print!(
                    m,
                    "view {}: {}, {} stacks in use, {} kills, {} restarts\n",
                    number,
                    state_name(compartment.state()),
                    compartment.pool.in_use(),
                    kills,
                    restarts
                );
                let services = compartment.descriptor().services;
                if !services.is_empty() {
                    seq_print!(
                        m,
                        "view {}: {} times served, may have",
                        number,
                        compartment.served()
                    );
                    for service in services {
                        seq_print!(m, " \"{}\"", service.name());
                    }
                    seq_print!(m, "\n");
                }
                if compartment.learned() != 0 {
                    seq_print!(
                        m,
                        "view {}: not isolated, {} pages learned\n",
                        number,
                        compartment.learned()
                    );
                }
            }
        }
    }
}

fn show_regions(m: &SeqFile, state: &State) {
    for region in state.tables().regions() {
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
