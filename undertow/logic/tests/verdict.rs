// SPDX-License-Identifier: GPL-2.0

//! Verdicts: single cases as the design states them, and the invariants over
//! every combination of what a scene can be.

use undertow_logic::abi::consts::*;
use undertow_logic::abi::{Aex, VeInfo};
use undertow_logic::access::{Access, Rights};
use undertow_logic::addr::{Gfn, ViewId};
use undertow_logic::class::{Class, GatePage, Reach, View};
use undertow_logic::names::{Event, ExitReason};
use undertow_logic::verdict::{
    decide, BadAccess, OnFault, OnWrite, Policy, Scene, Verdict, Violation, What,
};

const STRICT: Policy = Policy {
    on_fault: OnFault::Kill,
    on_write: OnWrite::Oops,
};
const LEARN: Policy = Policy {
    on_fault: OnFault::Audit,
    on_write: OnWrite::Audit,
};

const OWN: View = View {
    id: ViewId::FIRST,
    reach: Reach::Readable,
    takes_ve: true,
};

fn scene(view: View, class: Class) -> Scene {
    Scene {
        view,
        class,
        attempts: 0,
        in_crossing: view.id != ViewId::ROOT,
        irqs_on: true,
        is_dead: false,
        is_sealed: false,
        has_fixup: false,
        is_spurious: false,
    }
}

fn access(view: View, missing: Rights) -> Violation {
    Violation {
        view: view.id,
        rip: 0xffff_ffff_8100_0000,
        what: What::Access(BadAccess {
            gfn: Gfn::new(0x3c5a).unwrap(),
            gpa: 0x3c5_a010,
            gla: Some(0xffff_8880_03c5_a010),
            missing,
            is_walk: false,
        }),
    }
}

fn event(info: u32) -> Violation {
    Violation {
        view: OWN.id,
        rip: 0,
        what: What::Event(Event::new(info).unwrap()),
    }
}

#[test]
fn the_three_attacks_of_the_demo_are_killed() {
    let other = ViewId::new(3).unwrap();
    let key = scene(OWN, Class::OnlyRo(other));
    assert_eq!(
        decide(&access(OWN, Rights::R), &key, &STRICT),
        Verdict::Kill
    );
    let memory = scene(OWN, Class::Ordinary);
    assert_eq!(
        decide(&access(OWN, Rights::W), &memory, &STRICT),
        Verdict::Kill
    );
    // A stray VMFUNC(0): the vCPU stands in the root view, the call is there.
    let mut stray = scene(View::ROOT, Class::Text(OWN.id));
    stray.in_crossing = true;
    assert_eq!(
        decide(&access(View::ROOT, Rights::X), &stray, &STRICT),
        Verdict::Kill
    );
    let guard = Violation {
        what: What::Guard,
        ..access(View::ROOT, Rights::X)
    };
    assert_eq!(decide(&guard, &stray, &STRICT), Verdict::Kill);
}

#[test]
fn the_kernel_is_fixed_up_or_ends() {
    let mut protected = scene(View::ROOT, Class::OnlyRw(OWN.id));
    let read = access(View::ROOT, Rights::R);
    assert_eq!(decide(&read, &protected, &STRICT), Verdict::Oops);
    protected.has_fixup = true;
    assert_eq!(decide(&read, &protected, &STRICT), Verdict::Fixup);
    // A service that works for a compartment is still kernel: it is not killed.
    protected.in_crossing = true;
    assert_eq!(decide(&read, &protected, &STRICT), Verdict::Fixup);
}

#[test]
fn a_write_to_a_read_only_region_is_what_the_region_asked_for() {
    for class in [Class::KernelRo, Class::WrittenBy(OWN.id)] {
        write_to(class);
    }
}

fn write_to(class: Class) {
    let write = access(View::ROOT, Rights::W);
    let ask = |on_write, has_fixup, is_sealed| {
        let mut scene = scene(View::ROOT, class);
        scene.has_fixup = has_fixup;
        scene.is_sealed = is_sealed;
        decide(&write, &scene, &Policy { on_write, ..STRICT })
    };
    assert_eq!(
        ask(OnWrite::Audit, false, false),
        Verdict::Audit(Access::Rw)
    );
    assert_eq!(ask(OnWrite::Audit, false, true), Verdict::Oops);
    assert_eq!(ask(OnWrite::Oops, false, false), Verdict::Oops);
    assert_eq!(ask(OnWrite::Oops, true, false), Verdict::Fixup);
    assert_eq!(ask(OnWrite::Panic, true, false), Verdict::Panic);
}

#[test]
fn what_the_layout_allows_is_tried_again_and_then_ends() {
    let heap = |attempts, is_sealed| {
        let mut scene = scene(OWN, Class::Heap(OWN.id));
        scene.attempts = attempts;
        scene.is_sealed = is_sealed;
        decide(&access(OWN, Rights::W), &scene, &STRICT)
    };
    assert_eq!(heap(0, false), Verdict::Resume);
    assert_eq!(heap(1, false), Verdict::Grant(Access::Rw));
    assert_eq!(heap(2, false), Verdict::Kill);
    assert_eq!(heap(0, true), Verdict::Resume);
    assert_eq!(heap(1, true), Verdict::Kill);
    let mut text = scene(OWN, Class::Text(OWN.id));
    assert_eq!(
        decide(&access(OWN, Rights::X), &text, &STRICT),
        Verdict::Resume
    );
    text.attempts = 1;
    assert_eq!(
        decide(&access(OWN, Rights::X), &text, &STRICT),
        Verdict::Kill
    );
}

#[test]
fn events_inside_are_resumed_only_if_nobody_inside_made_them() {
    let ask = |info, irqs_on, is_spurious| {
        let mut scene = scene(OWN, Class::Ordinary);
        scene.irqs_on = irqs_on;
        scene.is_spurious = is_spurious;
        decide(&event(info), &scene, &LEARN)
    };
    // The vectoring information that the prototype saw.
    assert_eq!(ask(0x8000_00e1, true, false), Verdict::Resume);
    assert_eq!(ask(0x8000_00e1, false, false), Verdict::Kill);
    assert_eq!(ask(0x8000_0202, false, false), Verdict::Resume);
    assert_eq!(ask(0x8000_0312, false, false), Verdict::Resume);
    assert_eq!(ask(0x8000_0b0e, true, true), Verdict::Resume);
    assert_eq!(ask(0x8000_0b0e, true, false), Verdict::Kill);
    for forged in [
        0x8000_0480, // int 0x80
        0x8000_0412, // int 18 is not a machine check
        0x8000_040e, // int 14 is not a page fault
        0x8000_0402, // int 2 is not an NMI
        0x8000_0603, // int3
        0x8000_0501, // int1
        0x8000_0300, // #DE
        0x8000_0b0d, // #GP
        0x8000_0306, // #UD
        0x8000_0314, // #VE
        0x8000_0301, // #DB
        0x8000_0700, // reserved kind
        0x8000_0100, // reserved kind
    ] {
        assert_eq!(ask(forged, true, true), Verdict::Kill, "{forged:#x}");
    }
}

#[test]
fn an_event_that_the_host_holds_ends_nothing() {
    let ask = |view: View, is_dead, in_crossing| {
        let mut scene = scene(view, Class::Ordinary);
        scene.is_dead = is_dead;
        scene.in_crossing = in_crossing;
        let pending = Violation {
            view: view.id,
            rip: 0,
            what: What::Pending,
        };
        decide(&pending, &scene, &STRICT)
    };
    assert_eq!(ask(OWN, false, true), Verdict::Resume);
    assert_eq!(ask(View::TRANSIT, false, true), Verdict::Finish);
    assert_eq!(ask(OWN, true, true), Verdict::Kill);
    assert_eq!(ask(View::TRANSIT, true, true), Verdict::Kill);
    // In the root view it is no exit at all.
    assert_eq!(ask(View::ROOT, false, true), Verdict::Kill);
    assert_eq!(ask(OWN, false, false), Verdict::Panic);
}

#[test]
fn nothing_is_learned_about_what_undertow_needs() {
    for (class, missing, wanted) in [
        (Class::Ordinary, Rights::W, Verdict::Audit(Access::Rw)),
        (Class::Ordinary, Rights::X, Verdict::Kill),
        (Class::Idt, Rights::R, Verdict::Kill),
        (Class::VeInfo, Rights::R, Verdict::Kill),
        (Class::Visible, Rights::W, Verdict::Kill),
        (Class::Gate(GatePage::G1), Rights::W, Verdict::Kill),
        (Class::KernelRw, Rights::R, Verdict::Kill),
        (Class::Text(OWN.id), Rights::W, Verdict::Kill),
        (Class::Guard(OWN.id), Rights::W, Verdict::Kill),
    ] {
        let got = decide(&access(OWN, missing), &scene(OWN, class), &LEARN);
        assert_eq!(got, wanted, "{class:?} {missing}");
    }
    let private = View {
        reach: Reach::Private,
        ..OWN
    };
    let got = decide(
        &access(private, Rights::R),
        &scene(private, Class::Ordinary),
        &LEARN,
    );
    assert_eq!(got, Verdict::Audit(Access::R));
}

#[test]
fn what_is_lent_is_given_when_it_is_asked_for() {
    let ask = |class, missing, attempts, is_sealed| {
        let mut scene = scene(OWN, class);
        scene.attempts = attempts;
        scene.is_sealed = is_sealed;
        decide(&access(OWN, missing), &scene, &STRICT)
    };
    let lent = Class::Lent(OWN.id);
    for missing in [Rights::R, Rights::W, Rights::R.union(Rights::W)] {
        let wanted = Verdict::Grant(Access::Rw);
        assert_eq!(ask(lent, missing, 0, false), wanted, "{missing}");
        // It has it already, or never will.
        assert_eq!(ask(lent, missing, 1, false), Verdict::Kill, "{missing}");
        assert_eq!(ask(lent, missing, 0, true), Verdict::Kill, "{missing}");
    }
    assert_eq!(ask(lent, Rights::X, 0, false), Verdict::Kill);
    let stranger = Class::Lent(ViewId::new(3).unwrap());
    assert_eq!(ask(stranger, Rights::R, 0, false), Verdict::Kill);
}

#[test]
fn nobody_to_kill_means_the_kernel_ends() {
    let mut lost = scene(OWN, Class::Ordinary);
    lost.in_crossing = false;
    assert_eq!(
        decide(&access(OWN, Rights::W), &lost, &STRICT),
        Verdict::Panic
    );
    let mut elsewhere = scene(View::TRANSIT, Class::Ordinary);
    elsewhere.in_crossing = true;
    // The record speaks of one view and the caller of another.
    assert_eq!(
        decide(&access(OWN, Rights::R), &elsewhere, &LEARN),
        Verdict::Kill
    );
}

fn violations(view: View) -> Vec<Violation> {
    let mut all = Vec::new();
    for bits in 0..8 {
        for is_walk in [false, true] {
            let mut violation = access(view, Rights::from_bits(bits).unwrap());
            if let What::Access(access) = &mut violation.what {
                access.is_walk = is_walk;
            }
            all.push(violation);
        }
    }
    for info in [
        0x8000_00e1,
        0x8000_0202,
        0x8000_0312,
        0x8000_0b0e,
        0x8000_0480,
    ] {
        all.push(Violation {
            what: What::Event(Event::new(info).unwrap()),
            ..all[0]
        });
    }
    for what in [
        What::Pending,
        What::Refused(ExitReason(59)),
        What::Guard,
        What::Timeout,
    ] {
        all.push(Violation { what, ..all[0] });
    }
    all
}

fn scenes(view: View) -> Vec<Scene> {
    let stranger = ViewId::new(3).unwrap();
    let classes = [
        Class::Ordinary,
        Class::Gate(GatePage::G1),
        Class::UnusedGate,
        Class::CommonText,
        Class::Text(OWN.id),
        Class::Stack(OWN.id),
        Class::Heap(stranger),
        Class::Secret(OWN.id),
        Class::Secret(stranger),
        Class::Visible,
        Class::Idt,
        Class::VeInfo,
        Class::KernelRw,
        Class::KernelRo,
        Class::OnlyRo(OWN.id),
        Class::OnlyRw(stranger),
        Class::WrittenBy(OWN.id),
        Class::WrittenBy(stranger),
        Class::Lent(OWN.id),
        Class::Lent(stranger),
    ];
    let mut all = Vec::new();
    for class in classes {
        for bits in 0..64_u32 {
            for attempts in 0..4 {
                all.push(Scene {
                    view,
                    class,
                    attempts,
                    in_crossing: bits & 1 != 0,
                    irqs_on: bits & 2 != 0,
                    is_dead: bits & 4 != 0,
                    is_sealed: bits & 8 != 0,
                    has_fixup: bits & 16 != 0,
                    is_spurious: bits & 32 != 0,
                });
            }
        }
    }
    all
}

/// Attacks INV-VERDICT-1, INV-VERDICT-2 and INV-VERDICT-3 in every scene.
#[test]
fn no_verdict_gives_what_nobody_declared() {
    let private = View {
        reach: Reach::Private,
        ..OWN
    };
    let mut nr = 0_u64;
    for view in [View::ROOT, View::TRANSIT, OWN, private] {
        for scene in scenes(view) {
            for violation in violations(view) {
                for policy in [STRICT, LEARN] {
                    check(&violation, &scene, &policy);
                    nr += 1;
                }
            }
        }
    }
    assert!(nr > 500_000, "only {nr} combinations");
}

fn check(violation: &Violation, scene: &Scene, policy: &Policy) {
    let verdict = decide(violation, scene, policy);
    let says = || format!("{violation:?} {scene:?} {policy:?}: {verdict:?}");
    let planned = scene.class.grant(scene.view).access;
    let goes_on = match verdict {
        Verdict::Resume => true,
        Verdict::Finish => {
            assert!(scene.in_crossing && !scene.is_dead, "{}", says());
            assert_eq!(scene.view.id, ViewId::TRANSIT, "{}", says());
            assert_eq!(violation.what, What::Pending, "{}", says());
            false
        }
        Verdict::Grant(given) => {
            let lent = scene.class.on_demand(scene.view);
            assert!(!given.allows(Rights::X), "{}", says());
            assert!(given == planned || given == lent, "{}", says());
            assert!(!scene.is_sealed, "{}", says());
            true
        }
        Verdict::Audit(given) => {
            assert!(*policy == LEARN && !scene.is_sealed, "{}", says());
            assert!(!given.allows(Rights::X), "{}", says());
            let declared = matches!(
                scene.class,
                Class::Ordinary | Class::KernelRo | Class::WrittenBy(_)
            );
            assert!(declared, "{}", says());
            true
        }
        Verdict::Fixup => {
            assert!(
                scene.has_fixup && scene.view.id == ViewId::ROOT,
                "{}",
                says()
            );
            false
        }
        Verdict::Kill => {
            assert!(scene.in_crossing, "{}", says());
            false
        }
        Verdict::Oops => {
            assert_eq!(scene.view.id, ViewId::ROOT, "{}", says());
            false
        }
        Verdict::Panic => false,
    };
    let is_inside = scene.view.id != ViewId::ROOT;
    if goes_on && is_inside {
        assert!(!scene.is_dead && scene.in_crossing, "{}", says());
        assert!(scene.view.id.is_compartment(), "{}", says());
    }
    if let What::Access(access) = violation.what {
        assert!(!(goes_on && scene.attempts >= 2), "{}", says());
        if verdict == Verdict::Resume {
            assert!(planned.allows(access.missing), "{}", says());
        }
    } else if !matches!(violation.what, What::Event(_) | What::Pending) {
        assert!(!goes_on, "{}", says());
    }
}

#[test]
fn records_become_violations() {
    let aex = Aex {
        rip: 0x1234,
        qual: 0x181,
        gla: 0xffff_8880_03c5_a010,
        gpa: 0x3c5_a010,
        cause: KVM_VIEW_AEX_VIOLATION,
        exit_reason: 48,
        view: 2,
        missing: KVM_VIEW_R,
        ..Aex::ZERO
    };
    let wanted = Violation {
        rip: 0x1234,
        ..access(OWN, Rights::R)
    };
    assert_eq!(Violation::of_aex(&aex), Ok(wanted));

    let info = VeInfo {
        reason: 48,
        busy: u32::MAX,
        qual: 0x181,
        gla: 0xffff_8880_03c5_a010,
        gpa: 0x3c5_a010,
        // Wrong on purpose: some hardware never writes it.
        eptp: 7,
        ..VeInfo::ZERO
    };
    let wanted = Violation {
        rip: 0x1234,
        ..access(View::ROOT, Rights::R)
    };
    assert_eq!(Violation::of_ve(&info, ViewId::ROOT, 0x1234), Ok(wanted));
    let other = VeInfo { reason: 0, ..info };
    assert!(Violation::of_ve(&other, ViewId::ROOT, 0).is_err());
}
