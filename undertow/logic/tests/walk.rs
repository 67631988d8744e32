// SPDX-License-Identifier: GPL-2.0

//! Attacks INV-WALK-1: no pair of rights that does not go together is missed, and none invented.

use undertow_logic::access::{Access, Rights};
use undertow_logic::addr::ViewId;
use undertow_logic::walk::Frame;

#[test]
fn every_combination_in_four_views_is_judged() {
    let views = [0, 1, 2, 511].map(|number| ViewId::new(number).unwrap());
    let mut wrong = 0;
    for nr in 0..5usize.pow(4) {
        let access = [0, 1, 2, 3].map(|at| Access::ALL[nr / 5usize.pow(at) % 5]);
        let mut frame = Frame::default();
        for (view, access) in views.into_iter().zip(access) {
            frame.see(view, access);
        }
        let allows = |at: usize, right| access[at].allows(right);
        let is_wrong = (0..4).any(|x| {
            (0..4).any(|w| (x, w) != (0, 0) && allows(x, Rights::X) && allows(w, Rights::W))
        });
        let finding = frame.finding();
        assert_eq!(finding.is_some(), is_wrong, "{access:?}: {finding:?}");
        if let Some(finding) = finding {
            let at = |view| views.iter().position(|it| *it == view).unwrap();
            assert!(
                allows(at(finding.executes), Rights::X),
                "{access:?}: {finding:?}"
            );
            assert!(
                allows(at(finding.writes), Rights::W),
                "{access:?}: {finding:?}"
            );
            wrong += 1;
        }
    }
    assert!(wrong > 0 && wrong < 625, "{wrong}");
}

#[test]
fn the_order_does_not_matter() {
    let mut frame = Frame::default();
    frame.see(ViewId::FIRST, Access::Rw);
    frame.see(ViewId::ROOT, Access::Rwx);
    let finding = frame.finding().unwrap();
    assert_eq!(
        (finding.executes, finding.writes),
        (ViewId::ROOT, ViewId::FIRST)
    );
}
