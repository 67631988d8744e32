// SPDX-License-Identifier: GPL-2.0

//! Going on after an exit: what may come from the record, and every byte of the
//! gate as the place where it happened.

mod common;

use common::{iterations, Rng};
use undertow_logic::abi::Aex;
use undertow_logic::addr::ViewId;
use undertow_logic::resume::{go_on, Context, Crossing, Gate, Next, Refusal, FLAGS_KEPT};

const G1: u64 = 0xffff_ffff_8120_1000;
const G2: u64 = G1 + 0x1000;
const RSI: usize = 6;
const RDI: usize = 7;
const R10: usize = 10;
const R11: usize = 11;
const LANDED: u64 = G1 + 5;
const TAIL: u64 = G1 + 14;
const TAIL_END: u64 = TAIL + 29;
const REQUEST: u64 = G2 - 14;

fn crossing(has_context: bool) -> Crossing {
    Crossing {
        view: ViewId::new(5).unwrap(),
        has_context,
        cs: 0x10,
        ss: 0x18,
        gate: Gate {
            landing: G1..LANDED,
            tail: TAIL..TAIL_END,
            transit: G2..G2 + 0x1000,
            request: REQUEST,
        },
    }
}

fn record(view: u16, rip: u64) -> Aex {
    Aex {
        regs: std::array::from_fn(|nr| 0x1111 * (nr as u64 + 1)),
        rip,
        rflags: u64::MAX,
        view,
        ..Aex::ZERO
    }
}

#[test]
fn registers_come_back_and_nothing_else() {
    let aex = record(5, 0xffff_ffff_a000_1234);
    let wanted = Context {
        regs: aex.regs,
        rip: aex.rip,
        cs: 0x10,
        rflags: 0xcd7,
        rsp: 0x5555,
        ss: 0x18,
        view: 5,
    };
    assert_eq!(go_on(&aex, &crossing(false)), Ok(Next::Load(wanted)));
    assert_eq!(go_on(&aex, &crossing(true)), Ok(Next::Load(wanted)));
}

/// Attacks INV-RESUME-1: every view that a record can name.
#[test]
fn a_crossing_goes_on_in_its_own_view() {
    for view in 0..ViewId::MAX {
        let got = go_on(&record(view, 0xffff_ffff_a000_1234), &crossing(true));
        match view {
            5 => assert!(matches!(got, Ok(Next::Load(context)) if context.view == 5)),
            1 => assert_eq!(got, Err(Refusal::Transit)),
            _ => assert_eq!(got, Err(Refusal::View), "{view}"),
        }
    }
    // No crossing goes to the root view, whatever both say.
    let root = Crossing {
        view: ViewId::ROOT,
        ..crossing(true)
    };
    assert_eq!(go_on(&record(0, LANDED), &root), Err(Refusal::View));
}

/// Attacks INV-RESUME-2: random records, with their random flags.
#[test]
fn no_record_gives_a_flag_or_a_selector() {
    let mut rng = Rng::new(7);
    let mut loaded = 0;
    for _ in 0..iterations(100_000) {
        let mut aex = Aex::from_bytes(&rng.bytes());
        aex.view = 5;
        let Ok(Next::Load(context)) = go_on(&aex, &crossing(rng.below(2) == 0)) else {
            continue;
        };
        assert_eq!(context.rflags & !FLAGS_KEPT, 2);
        assert_eq!((context.cs, context.ss, context.view), (0x10, 0x18, 5));
        assert_eq!((context.regs, context.rip), (aex.regs, aex.rip));
        assert_eq!(context.rsp, aex.regs[Aex::RSP]);
        loaded += 1;
    }
    assert!(loaded > 0);
    // IF, TF, NT, IOPL, AC, VM, VIF, VIP are among those that never pass.
    for bit in [8, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21] {
        assert_eq!(FLAGS_KEPT >> bit & 1, 0, "bit {bit}");
    }
}

/// Attacks INV-RESUME-3 at every byte of the gate's page in the view.
#[test]
fn the_tail_is_replayed_or_nothing() {
    for rip in G1..G2 {
        for rsi in [0, 1] {
            for has_context in [false, true] {
                let mut aex = record(5, rip);
                aex.regs[RSI] = rsi;
                let got = go_on(&aex, &crossing(has_context));
                let reads = (TAIL..TAIL_END).contains(&rip) || rip < LANDED && rsi == 0;
                match (reads, has_context) {
                    (true, true) => assert_eq!(got, Ok(Next::Replay), "{rip:#x}"),
                    (true, false) => assert_eq!(got, Err(Refusal::NoContext), "{rip:#x}"),
                    (false, _) => assert!(matches!(got, Ok(Next::Load(_))), "{rip:#x}"),
                }
            }
        }
    }
}

#[test]
fn who_was_on_the_way_out_has_returned() {
    for rip in [G2, G2 + 7, G2 + 0xfff] {
        let mut aex = record(1, rip);
        aex.regs[RDI] = 0xdead_beef;
        aex.regs[R10] = 0;
        assert_eq!(go_on(&aex, &crossing(false)), Ok(Next::Finish(0xdead_beef)));
    }
    for rip in [G2 - 1, G2 + 0x1000, 0] {
        assert_eq!(
            go_on(&record(1, rip), &crossing(true)),
            Err(Refusal::Transit)
        );
    }
}

/// Attacks INV-RESUME-3: nothing that the tail or the landing touches is granted.
#[test]
fn a_violation_in_the_tail_ends_the_call() {
    for rip in G1..G2 {
        let aex = Aex {
            cause: 1,
            ..record(5, rip)
        };
        let got = go_on(&aex, &crossing(true));
        if (TAIL..TAIL_END).contains(&rip) {
            assert_eq!(got, Err(Refusal::Tail), "{rip:#x}");
        } else {
            assert!(matches!(got, Ok(Next::Load(_))), "{rip:#x}");
        }
    }
}

/// Attacks INV-RESUME-4: a return is no request, and no request a return.
#[test]
fn a_request_on_the_way_out_is_made_again() {
    for rip in [G2, G2 + 7, G2 + 0xfff] {
        for r10 in [1, 2, 1 << 63] {
            let mut aex = record(1, rip);
            aex.regs[R10] = r10;
            aex.regs[Aex::RSP] = 0xffff_c900_0000_0000;
            let wanted = Context {
                regs: aex.regs,
                rip: REQUEST,
                cs: 0x10,
                rflags: 0xcd7,
                rsp: aex.regs[R11],
                ss: 0x18,
                view: 5,
            };
            for has_context in [false, true] {
                assert_eq!(go_on(&aex, &crossing(has_context)), Ok(Next::Load(wanted)));
            }
            let root = Crossing {
                view: ViewId::ROOT,
                ..crossing(true)
            };
            assert_eq!(go_on(&aex, &root), Err(Refusal::View));
        }
    }
}
