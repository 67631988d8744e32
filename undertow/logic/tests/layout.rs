// SPDX-License-Identifier: GPL-2.0

//! Plans, applied to a host that is a table: after each edit, not only at the
//! end, no view may grant what the invariants forbid.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use undertow_logic::abi::consts::*;
use undertow_logic::access::{Access, Rights};
use undertow_logic::addr::{Gfn, GfnRange, ViewId};
use undertow_logic::class::{Class, GatePage, Reach, View};
use undertow_logic::layout::{plan_change, Edit, Layout, LayoutError, Phase};
use undertow_logic::map::Change;

const FRAMES: u64 = 64;

fn range(start: u64, nr: u64) -> GfnRange {
    GfnRange::new(start, nr).unwrap()
}

fn owner(number: u16) -> ViewId {
    ViewId::new(number).unwrap()
}

fn views() -> [View; 5] {
    let compartment = |number, reach| View {
        id: owner(number),
        reach,
        takes_ve: number == 2,
    };
    [
        View::ROOT,
        View::TRANSIT,
        compartment(2, Reach::Readable),
        compartment(3, Reach::Private),
        compartment(4, Reach::Readable),
    ]
}

/// A host that keeps rights per view and frame.
struct Host {
    rights: BTreeMap<(u16, u64), (Access, bool)>,
    nr_edits: usize,
}

impl Host {
    fn new() -> Host {
        Host {
            rights: BTreeMap::new(),
            nr_edits: 0,
        }
    }

    fn get(&self, view: View, gfn: u64) -> (Access, bool) {
        let default = (view.default_access(), false);
        *self
            .rights
            .get(&(view.id.number(), gfn))
            .unwrap_or(&default)
    }

    fn apply(&mut self, edit: Edit) -> Result<(), Infallible> {
        let op = edit.op(true);
        assert_eq!(op.check(), Ok(()), "a plan holds only legal changes");
        for gfn in edit.range.start()..edit.range.end() {
            let value = (
                Access::from_bits(op.mask).unwrap(),
                op.flags & KVM_VIEW_OP_VE != 0,
            );
            self.rights.insert((op.view, gfn), value);
        }
        self.nr_edits += 1;
        Ok(())
    }

    /// INV-VIEW-1 and INV-VIEW-7 on what the host holds right now.
    fn check_w_xor_x(&self) {
        for gfn in 0..FRAMES {
            let all = views().map(|view| (view.id, self.get(view, gfn).0));
            let any = |rights, restricted: bool| {
                all.iter().any(|(id, access)| {
                    access.allows(rights) && (!restricted || *id != ViewId::ROOT)
                })
            };
            assert!(
                !(any(Rights::X, true) && any(Rights::W, false)),
                "frame {gfn}: {all:?}"
            );
            assert!(
                !(any(Rights::W, true) && any(Rights::X, false)),
                "frame {gfn}: {all:?}"
            );
        }
    }

    fn equals_layout<const N: usize>(&self, layout: &Layout<N>) {
        for gfn in 0..FRAMES {
            let class = layout.class(Gfn::new(gfn).unwrap());
            for view in views() {
                let grant = class.grant(view);
                assert_eq!(
                    self.get(view, gfn),
                    (grant.access, grant.ve),
                    "{class:?} {view:?}"
                );
            }
        }
    }
}

fn sample() -> Layout<32> {
    let mut layout = Layout::new();
    layout.claim(range(0, 4), Class::UnusedGate).unwrap();
    layout.claim_gate(range(4, 4)).unwrap();
    layout.claim(range(8, 2), Class::CommonText).unwrap();
    layout.claim(range(10, 3), Class::Text(owner(2))).unwrap();
    layout.claim(range(13, 1), Class::Text(owner(3))).unwrap();
    layout.claim_slot(range(20, 4), owner(2)).unwrap();
    layout.claim_slot(range(24, 4), owner(2)).unwrap();
    layout.claim_slot(range(28, 2), owner(3)).unwrap();
    layout.claim(range(32, 2), Class::Heap(owner(2))).unwrap();
    layout.claim(range(40, 1), Class::Idt).unwrap();
    layout.claim(range(41, 2), Class::VeInfo).unwrap();
    layout.claim(range(43, 1), Class::Visible).unwrap();
    layout.claim(range(50, 1), Class::OnlyRo(owner(2))).unwrap();
    layout.claim(range(51, 1), Class::OnlyRw(owner(3))).unwrap();
    layout.claim(range(52, 1), Class::KernelRo).unwrap();
    layout.claim(range(53, 1), Class::KernelRw).unwrap();
    layout
}

/// Attacks INV-VIEW-1 to INV-VIEW-9 where they matter: on what the host was
/// told, with the root view first as its documentation asks.
#[test]
fn planned_views_are_what_the_layout_says() {
    let layout = sample();
    let mut host = Host::new();
    for view in views() {
        layout
            .plan_view(view, &mut |edit| host.apply(edit))
            .unwrap();
        host.check_w_xor_x();
    }
    host.equals_layout(&layout);
    assert!(
        host.nr_edits < 60,
        "{} edits: neighbours are not merged",
        host.nr_edits
    );
}

#[test]
fn the_guard_of_a_slot_is_not_writable_in_its_view() {
    let layout = sample();
    let guard = layout.class(Gfn::new(20).unwrap());
    assert_eq!(guard, Class::Guard(owner(2)));
    for view in views().into_iter().skip(1) {
        assert!(!guard.grant(view).access.allows(Rights::W));
    }
    assert_eq!(layout.class(Gfn::new(21).unwrap()), Class::Stack(owner(2)));
}

#[test]
fn a_plan_stops_where_the_host_refuses() {
    let layout = sample();
    let mut taken = 0;
    let stopped = layout.plan_view(View::ROOT, &mut |_| {
        taken += 1;
        if taken == 3 {
            Err("refused")
        } else {
            Ok(())
        }
    });
    assert_eq!((stopped, taken), (Err("refused"), 3));
}

#[test]
fn claims_that_are_not_legal_say_why() {
    use LayoutError::*;
    let mut layout = sample();
    let bad = [
        (layout.claim(range(7, 1), Class::KernelRo), Taken),
        (layout.claim(range(0, 64), Class::KernelRo), Taken),
        (layout.claim(range(19, 2), Class::KernelRo), Taken),
        (layout.claim(range(10, 1), Class::Text(owner(2))), Taken),
        (layout.claim(range(60, 1), Class::Ordinary), BadShape),
        (
            layout.claim(range(60, 1), Class::Gate(GatePage::G0)),
            BadShape,
        ),
        (
            layout.claim(range(60, 1), Class::Text(ViewId::ROOT)),
            BadOwner,
        ),
        (
            layout.claim(range(60, 1), Class::Heap(ViewId::TRANSIT)),
            BadOwner,
        ),
        (layout.claim_gate(range(56, 3)), BadShape),
        (layout.claim_gate(range(56, 5)), BadShape),
        (layout.claim_gate(range(50, 4)), Taken),
        (layout.claim_slot(range(60, 1), owner(2)), BadShape),
        (layout.claim_slot(range(60, 2), ViewId::ROOT), BadOwner),
        (layout.claim_slot(range(53, 2), owner(2)), Taken),
        (
            layout.release(range(10, 4), Class::Text(owner(2))),
            NotOwned,
        ),
        (
            layout.release(range(10, 3), Class::Text(owner(3))),
            NotOwned,
        ),
        (layout.release(range(60, 1), Class::KernelRo), NotOwned),
    ];
    for (nr, (got, wanted)) in bad.into_iter().enumerate() {
        assert_eq!(got, Err(wanted), "claim {nr}");
    }
    let unchanged = sample();
    assert_eq!(
        layout.runs(),
        unchanged.runs(),
        "a refused claim leaves no trace"
    );
}

#[test]
fn a_layout_without_room_stays_as_it_was() {
    let mut layout = Layout::<4>::new();
    layout.claim(range(1, 1), Class::KernelRo).unwrap();
    assert_eq!(layout.claim_gate(range(8, 4)), Err(LayoutError::Full));
    layout.claim(range(3, 1), Class::KernelRo).unwrap();
    layout.claim(range(5, 1), Class::KernelRo).unwrap();
    let before = layout.clone();
    assert_eq!(
        layout.claim_slot(range(8, 4), owner(2)),
        Err(LayoutError::Full)
    );
    assert_eq!(layout.runs(), before.runs());
}

#[test]
fn edits_become_the_flags_that_the_host_knows() {
    let edit = |view: View, class: Class| Edit {
        view: view.id,
        range: range(1, 1),
        grant: class.grant(view),
    };
    let two = views()[2];
    let flags = |edit: Edit| edit.op(true).flags;
    assert_eq!(
        flags(edit(View::ROOT, Class::OnlyRo(two.id))),
        KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE
    );
    assert_eq!(
        flags(edit(two, Class::KernelRw)),
        KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE
    );
    assert_eq!(flags(edit(views()[3], Class::KernelRw)), 0);
    assert_eq!(
        flags(edit(View::ROOT, Class::KernelRo)),
        KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE
    );
    assert_eq!(flags(edit(two, Class::Text(two.id))), KVM_VIEW_OP_POPULATE);
    assert_eq!(
        flags(edit(two, Class::Stack(two.id))),
        KVM_VIEW_OP_POPULATE | KVM_VIEW_OP_POPULATE_WRITE
    );
    assert_eq!(edit(two, Class::Stack(two.id)).op(false).flags, 0);
}

fn class() -> impl Strategy<Value = Class> {
    let two = owner(2);
    let three = owner(3);
    prop::sample::select(vec![
        Class::Ordinary,
        Class::CommonText,
        Class::Text(two),
        Class::Text(three),
        Class::Stack(two),
        Class::Guard(two),
        Class::Heap(three),
        Class::Secret(two),
        Class::Visible,
        Class::Idt,
        Class::VeInfo,
        Class::KernelRw,
        Class::KernelRo,
        Class::OnlyRo(two),
        Class::OnlyRw(three),
        Class::WrittenBy(two),
        Class::WrittenBy(three),
        Class::Lent(two),
        Class::Lent(three),
    ])
}

proptest! {
    /// Attacks INV-LAYOUT-3: whatever becomes of a page, in whatever order the
    /// views are told, W and X never meet, and each half goes one way only.
    #[test]
    fn changes_tighten_before_they_widen(
        steps in prop::collection::vec(class(), 1..8),
        order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let mut host = Host::new();
        let shuffled = order.map(|at| views()[at]);
        let mut old = Class::Ordinary;
        for new in steps {
            let change = Change { range: range(9, 2), old, new };
            for phase in [Phase::Tighten, Phase::Widen] {
                let before: Vec<_> = views().map(|view| host.get(view, 9).0).into();
                plan_change(change, phase, &shuffled, &mut |edit| {
                    host.apply(edit)?;
                    host.check_w_xor_x();
                    Ok::<(), Infallible>(())
                })
                .unwrap();
                for (view, before) in views().into_iter().zip(before) {
                    let after = host.get(view, 9).0;
                    match phase {
                        Phase::Tighten => {
                            prop_assert!(after.is_subset(before));
                            // Text must not raise #VE in the root view by the
                            // time that it can run anywhere.
                            prop_assert_eq!(host.get(view, 9).1, new.grant(view).ve);
                        }
                        Phase::Widen => prop_assert!(before.is_subset(after)),
                    }
                }
            }
            for view in views() {
                let grant = new.grant(view);
                prop_assert_eq!(host.get(view, 10), (grant.access, grant.ve));
            }
            old = new;
        }
    }

    /// Attacks INV-LAYOUT-1 and INV-LAYOUT-2: random claims and releases, then
    /// every view as the layout says, with the root view told first.
    #[test]
    fn random_layouts_hold_the_invariants(
        claims in prop::collection::vec((0..FRAMES - 8, 1..8_u64, class(), 0..4_u8), 0..24),
    ) {
        let mut layout = Layout::<64>::new();
        let mut model: BTreeMap<u64, Class> = BTreeMap::new();
        for (start, nr, class, kind) in claims {
            let wanted = range(start, nr);
            let free = (start..start + nr).all(|gfn| !model.contains_key(&gfn));
            let claimed = match kind {
                0 => layout.claim_gate(wanted),
                1 => layout.claim_slot(wanted, owner(4)),
                2 => {
                    let owned = (start..start + nr).all(|gfn| {
                        model.get(&gfn).copied().unwrap_or(Class::Ordinary) == class
                    });
                    let released = layout.release(wanted, class);
                    prop_assert_eq!(released.is_ok(), owned);
                    if owned {
                        model.retain(|gfn, _| !wanted.contains(Gfn::new(*gfn).unwrap()));
                    }
                    continue;
                }
                _ => layout.claim(wanted, class),
            };
            prop_assert!(claimed.is_err() || free, "a frame with two owners");
            if claimed.is_ok() {
                for gfn in start..start + nr {
                    model.insert(gfn, layout.class(Gfn::new(gfn).unwrap()));
                }
                prop_assert!(kind != 0 || nr == 4, "a gate with {} pages", nr);
            }
            for gfn in 0..FRAMES {
                let wanted = model.get(&gfn).copied().unwrap_or(Class::Ordinary);
                prop_assert_eq!(layout.class(Gfn::new(gfn).unwrap()), wanted);
            }
        }
        let mut host = Host::new();
        for view in views() {
            layout.plan_view(view, &mut |edit| host.apply(edit)).unwrap();
            host.check_w_xor_x();
        }
        host.equals_layout(&layout);
    }
}
