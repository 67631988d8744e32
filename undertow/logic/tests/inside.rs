// SPDX-License-Identifier: GPL-2.0

//! #VE inside a compartment: what is believed of it, and what is not.

mod common;

use common::{iterations, Rng};
use undertow_logic::abi::consts::*;
use undertow_logic::abi::{Aex, VeInfo};
use undertow_logic::access::Rights;
use undertow_logic::addr::ViewId;
use undertow_logic::inside::{explain, Vector20};
use undertow_logic::verdict::{Violation, What};

const VIEW: u16 = 5;
/// Hardware exception 20, as the gate's own record and the host's have it.
const VECTOR_20: u32 = 0x8000_0314;

fn view() -> ViewId {
    ViewId::new(VIEW).unwrap()
}

/// What becomes of a record, if it was a violation, and what it was.
fn told(aex: &Aex, info: &VeInfo, view: ViewId, is_lost: bool) -> (Vector20, Aex) {
    let mut told = *aex;
    let what = explain(&mut told, info, view, is_lost);
    if what != Vector20::Violation {
        assert_eq!(told, *aex, "a record that is nothing else stays as it is");
    }
    (what, told)
}

fn violation(aex: &Aex, info: &VeInfo) -> Aex {
    let (what, told) = told(aex, info, view(), false);
    assert_eq!(what, Vector20::Violation);
    told
}

fn record() -> Aex {
    Aex {
        regs: std::array::from_fn(|nr| 0x1111 * (nr as u64 + 1)),
        rip: 0xffff_ffff_a000_1234,
        rflags: 0x202,
        cause: KVM_VIEW_AEX_EVENT,
        event: VECTOR_20,
        view: VIEW,
        ..Aex::ZERO
    }
}

fn news() -> VeInfo {
    VeInfo {
        reason: 48,
        busy: u32::MAX,
        qual: 0x181,
        gla: 0xffff_8880_03c5_a010,
        gpa: 0x3c5_a010,
        eptp: VIEW,
        ..VeInfo::ZERO
    }
}

#[test]
fn the_page_says_what_happened_and_the_stub_in_which_state() {
    let got = violation(&record(), &news());
    let wanted = Aex {
        qual: 0x181,
        gla: 0xffff_8880_03c5_a010,
        gpa: 0x3c5_a010,
        cause: KVM_VIEW_AEX_VIOLATION,
        exit_reason: 48,
        event: 0,
        missing: KVM_VIEW_R,
        ..record()
    };
    assert_eq!(got, wanted);
    let violation = Violation::of_aex(&got).unwrap();
    assert_eq!(violation.view, view());
    assert!(matches!(violation.what, What::Access(access) if access.missing == Rights::R));
}

#[test]
fn a_linear_address_that_the_cpu_does_not_vouch_for_is_none() {
    let info = VeInfo {
        qual: 0x82 & !0x80,
        ..news()
    };
    let got = violation(&record(), &info);
    assert_eq!((got.gla, got.missing), (0, KVM_VIEW_W));
}

/// Attacks INV-INSIDE-1: each way in which a record is none of this crossing's.
#[test]
fn without_the_cpus_record_vector_20_means_nothing() {
    let forged = [
        VeInfo::ZERO,
        VeInfo { busy: 0, ..news() },
        VeInfo { busy: 1, ..news() },
        VeInfo {
            reason: 0,
            ..news()
        },
        VeInfo {
            reason: 49,
            ..news()
        },
        // Raised in transit, in another compartment.
        VeInfo { eptp: 1, ..news() },
        VeInfo { eptp: 6, ..news() },
    ];
    for info in forged {
        for (is_lost, wanted) in [(false, Vector20::Other), (true, Vector20::Lost)] {
            let (what, _) = told(&record(), &info, view(), is_lost);
            assert_eq!(what, wanted, "{info:?}");
        }
    }
}

#[test]
fn a_cpu_that_knows_no_index_is_believed() {
    let info = VeInfo { eptp: 0, ..news() };
    assert_eq!(violation(&record(), &info).view, VIEW);
}

/// Attacks INV-INSIDE-1: other records are left alone, whatever the page says.
#[test]
fn only_the_hardware_raises_vector_20() {
    for event in [
        0,
        0x8000_0414,
        0x8000_0314 ^ 1,
        0x8000_0014,
        0x8000_0214,
        0x0000_0314,
    ] {
        let aex = Aex { event, ..record() };
        let (what, _) = told(&aex, &news(), view(), true);
        assert_eq!(what, Vector20::Other, "{event:#x}");
    }
    for cause in 0..8 {
        let aex = Aex { cause, ..record() };
        let (what, _) = told(&aex, &news(), view(), true);
        assert_eq!(
            what == Vector20::Violation,
            cause == KVM_VIEW_AEX_EVENT,
            "cause {cause}"
        );
    }
    for number in 0..ViewId::MAX {
        let aex = Aex {
            view: number,
            ..record()
        };
        let (what, _) = told(&aex, &news(), view(), true);
        assert_eq!(what == Vector20::Violation, number == VIEW, "view {number}");
    }
    for id in [ViewId::ROOT, ViewId::TRANSIT] {
        let aex = Aex {
            view: id.number(),
            ..record()
        };
        let info = VeInfo {
            eptp: id.number(),
            ..news()
        };
        assert_eq!(told(&aex, &info, id, true).0, Vector20::Other);
    }
}

/// Attacks INV-INSIDE-2: random records of the stub.
#[test]
fn nothing_of_the_stub_says_what_happened() {
    let mut rng = Rng::new(20);
    for _ in 0..iterations(20_000) {
        let aex = Aex {
            regs: std::array::from_fn(|_| rng.next()),
            rip: rng.next(),
            rflags: rng.next(),
            qual: rng.next(),
            gla: rng.next(),
            gpa: rng.next(),
            cr2: rng.next(),
            missing: rng.next() as u8,
            ..record()
        };
        let got = violation(&aex, &news());
        assert_eq!(
            (got.regs, got.rip, got.rflags),
            (aex.regs, aex.rip, aex.rflags)
        );
        let told = (got.qual, got.gla, got.gpa, got.missing, got.view);
        assert_eq!(told, (0x181, news().gla, news().gpa, KVM_VIEW_R, VIEW));
    }
}
