// SPDX-License-Identifier: GPL-2.0

//! The policy matrix: every class in every kind of view.

use undertow_logic::access::{Access, Rights};
use undertow_logic::addr::ViewId;
use undertow_logic::class::{Class, GatePage, Reach, View};

use Access::{None as Nil, Rw, Rwx, Rx, R};

fn view(number: u16, reach: Reach) -> View {
    View {
        id: ViewId::new(number).unwrap(),
        reach,
        takes_ve: false,
    }
}

/// The same with a #VE handler in it.
fn with_ve(view: View) -> View {
    View {
        takes_ve: true,
        ..view
    }
}

/// Own view and a stranger's, both ways to reach memory.
fn views() -> Vec<View> {
    vec![
        View::ROOT,
        View::TRANSIT,
        view(2, Reach::Readable),
        view(3, Reach::Readable),
        view(2, Reach::Private),
        view(3, Reach::Private),
        view(511, Reach::Readable),
        with_ve(view(2, Reach::Readable)),
        with_ve(view(3, Reach::Readable)),
    ]
}

fn classes() -> Vec<Class> {
    let mut classes = vec![
        Class::Ordinary,
        Class::Gate(GatePage::G0),
        Class::Gate(GatePage::G1),
        Class::Gate(GatePage::G2),
        Class::Gate(GatePage::G3),
        Class::UnusedGate,
        Class::CommonText,
        Class::Visible,
        Class::Idt,
        Class::VeInfo,
        Class::KernelRw,
        Class::KernelRo,
    ];
    for number in [2, 3, 511] {
        let owner = ViewId::new(number).unwrap();
        classes.extend([
            Class::Text(owner),
            Class::Stack(owner),
            Class::Guard(owner),
            Class::Heap(owner),
            Class::Secret(owner),
            Class::OnlyRo(owner),
            Class::OnlyRw(owner),
            Class::WrittenBy(owner),
            Class::Lent(owner),
        ]);
    }
    classes
}

/// The matrix as a person would write it down.
#[rustfmt::skip]
#[test]
fn the_matrix_is_as_designed() {
    let own = ViewId::FIRST;
    let readable = [View::ROOT, View::TRANSIT, view(2, Reach::Readable), view(3, Reach::Readable)];
    let private = [view(2, Reach::Private), view(3, Reach::Private)];
    let rows = [
        //                            root VE     transit own other  own/other private
        (Class::Ordinary,             Rwx, false, R,   R,   R,    Nil, Nil),
        (Class::Gate(GatePage::G0),   Rx,  false, R,   R,   R,    Nil, Nil),
        (Class::Gate(GatePage::G1),   R,   false, R,   Rx,  Rx,   Rx,  Rx),
        (Class::Gate(GatePage::G2),   R,   false, Rx,  R,   R,    Nil, Nil),
        (Class::Gate(GatePage::G3),   Rx,  false, R,   R,   R,    Nil, Nil),
        (Class::UnusedGate,           R,   false, R,   R,   R,    Nil, Nil),
        (Class::CommonText,           R,   false, R,   Rx,  Rx,   Rx,  Rx),
        (Class::Text(own),            R,   false, R,   Rx,  R,    Rx,  Nil),
        (Class::Stack(own),           Rw,  false, R,   Rw,  R,    Rw,  Nil),
        (Class::Guard(own),           Rwx, false, R,   R,   R,    Nil, Nil),
        (Class::Heap(own),            Rw,  false, R,   Rw,  R,    Rw,  Nil),
        (Class::Secret(own),          Rw,  false, Nil, Rw,  Nil,  Rw,  Nil),
        (Class::Visible,              Rwx, false, R,   R,   R,    R,   R),
        (Class::Idt,                  Rwx, false, Nil, Nil, Nil,  Nil, Nil),
        (Class::VeInfo,               Rwx, false, Nil, Nil, Nil,  Nil, Nil),
        (Class::KernelRw,             Rwx, false, Nil, Nil, Nil,  Nil, Nil),
        (Class::KernelRo,             R,   true,  Nil, Nil, Nil,  Nil, Nil),
        (Class::WrittenBy(own),       R,   true,  Nil, Rw,  Nil,  Rw,  Nil),
        (Class::OnlyRo(own),          Nil, true,  Nil, R,   Nil,  R,   Nil),
        (Class::OnlyRw(own),          Nil, true,  Nil, Rw,  Nil,  Rw,  Nil),
        (Class::Lent(own),            Rw,  false, Nil, Nil, Nil,  Nil, Nil),
    ];
    for (class, root, ve, transit, own, other, own_private, other_private) in rows {
        let got = readable.map(|view| class.grant(view).access);
        assert_eq!(got, [root, transit, own, other], "{class:?}");
        let got = private.map(|view| class.grant(view).access);
        assert_eq!(got, [own_private, other_private], "{class:?}, private");
        assert_eq!(class.grant(View::ROOT).ve, ve, "{class:?}");
    }
}

#[test]
fn ordinary_memory_is_what_a_view_is_created_with() {
    for view in views() {
        assert_eq!(Class::Ordinary.grant(view).access, view.default_access());
    }
}

/// Attacks INV-VIEW-1.
#[test]
fn what_a_restricted_view_executes_nobody_writes() {
    for class in classes() {
        let executed = views()
            .into_iter()
            .any(|view| view.id != ViewId::ROOT && allows(class, view, Rights::X));
        let written = views()
            .into_iter()
            .any(|view| allows(class, view, Rights::W));
        assert!(!(executed && written), "{class:?}");
    }
}

/// Attacks INV-VIEW-9.
#[test]
fn no_view_executes_a_gate_that_is_not_in_use() {
    for view in views() {
        assert!(!allows(Class::UnusedGate, view, Rights::X), "{view:?}");
        assert!(!allows(Class::UnusedGate, view, Rights::W), "{view:?}");
    }
}

/// Attacks INV-VIEW-2.
#[test]
fn no_view_executes_two_adjacent_gate_pages() {
    let pages = [GatePage::G0, GatePage::G1, GatePage::G2, GatePage::G3];
    for view in views() {
        let executes = pages.map(|page| allows(Class::Gate(page), view, Rights::X));
        let wanted = match view.id {
            ViewId::ROOT => [true, false, false, true],
            ViewId::TRANSIT => [false, false, true, false],
            _ => [false, true, false, false],
        };
        assert_eq!(executes, wanted, "{view:?}");
        assert!(executes.windows(2).all(|pair| pair != [true, true]));
        assert!(!pages
            .iter()
            .any(|&page| allows(Class::Gate(page), view, Rights::W)));
    }
}

/// Attacks INV-VIEW-3 and INV-VIEW-6.
#[test]
fn regions_and_vital_pages_are_absent_elsewhere() {
    for class in classes() {
        for view in views() {
            let granted = class.grant(view).access;
            match class {
                Class::OnlyRo(owner) | Class::OnlyRw(owner) if owner != view.id => {
                    assert_eq!(granted, Nil, "{class:?} in {view:?}");
                }
                Class::Secret(owner) if owner != view.id && view.id != ViewId::ROOT => {
                    assert_eq!(granted, Nil, "{class:?} in {view:?}");
                }
                Class::WrittenBy(owner) if owner != view.id => {
                    let wanted = if view.id == ViewId::ROOT { R } else { Nil };
                    assert_eq!(granted, wanted, "{class:?} in {view:?}");
                }
                Class::Idt | Class::VeInfo | Class::KernelRw | Class::KernelRo
                    if view.id != ViewId::ROOT =>
                {
                    assert_eq!(granted, Nil, "{class:?} in {view:?}");
                }
                _ => {}
            }
        }
    }
}

/// Attacks INV-VIEW-4 and INV-VIEW-7.
#[test]
fn a_compartment_writes_its_own_and_nobody_executes_that() {
    for class in classes() {
        for view in views().into_iter().filter(|view| view.id != ViewId::ROOT) {
            if !allows(class, view, Rights::W) {
                continue;
            }
            assert_eq!(class.owner(), Some(view.id), "{class:?} in {view:?}");
            assert!(matches!(
                class,
                Class::Stack(_)
                    | Class::Heap(_)
                    | Class::Secret(_)
                    | Class::OnlyRw(_)
                    | Class::WrittenBy(_)
            ));
            assert!(!views().into_iter().any(|any| allows(class, any, Rights::X)));
        }
    }
}

/// Attacks INV-VIEW-5.
#[test]
fn text_runs_where_it_belongs() {
    for view in views() {
        for class in classes() {
            let runs = allows(class, view, Rights::X);
            match class {
                Class::Text(owner) => assert_eq!(runs, owner == view.id),
                Class::CommonText => assert_eq!(runs, view.id.is_compartment()),
                _ => {}
            }
        }
    }
}

/// Attacks INV-VIEW-8.
#[test]
fn only_regions_raise_ve_and_only_where_it_can_be_taken() {
    for view in views() {
        for class in classes() {
            let grant = class.grant(view);
            if grant.ve {
                assert!(view.takes_ve && class.is_region(), "{class:?} in {view:?}");
                assert!(!grant.access.allows(Rights::W), "{class:?} in {view:?}");
            }
            // What a compartment lacks of a region is always told by #VE, if it can be.
            if view.id.is_compartment() && view.takes_ve && class.is_region() {
                let is_whole = grant.access == Rw;
                assert_eq!(grant.ve, !is_whole, "{class:?} in {view:?}");
            }
        }
    }
}

/// Attacks INV-VIEW-3, INV-VIEW-4 and INV-VIEW-7: what is given on demand.
#[test]
fn what_is_lent_is_lent_to_one_and_never_executed() {
    for class in classes() {
        for view in views() {
            let lent = class.on_demand(view);
            match class {
                Class::Lent(owner) if owner == view.id => assert_eq!(lent, Rw),
                _ => assert_eq!(lent, Nil, "{class:?} in {view:?}"),
            }
            if lent != Nil {
                assert!(view.id.is_compartment());
                assert!(!views().into_iter().any(|any| allows(class, any, Rights::X)));
            }
        }
    }
}

fn allows(class: Class, view: View, rights: Rights) -> bool {
    class.grant(view).access.allows(rights)
}
