// SPDX-License-Identifier: GPL-2.0

//! Encoding and checks of the ABI records.

mod common;

use common::{iterations, Rng};
use undertow_logic::abi::consts::*;
use undertow_logic::abi::ve_info::Qualification;
use undertow_logic::abi::{query, Aex, Cause, DecodeError, HostError, VcpuInit, VeInfo, ViewOp};
use undertow_logic::access::{Access, Rights};
use undertow_logic::addr::{GfnRange, ViewId, GFN_LIMIT};
use undertow_logic::names::Event;
use undertow_logic::verdict::{Violation, What};

fn op() -> ViewOp {
    let range = GfnRange::new(0x1234, 3).unwrap();
    ViewOp::protect(ViewId::FIRST, range, Access::Rx, KVM_VIEW_OP_POPULATE)
}

#[test]
fn an_op_has_the_bytes_that_the_header_asks_for() {
    let mut wanted = [0_u8; 32];
    wanted[0] = 2;
    wanted[2] = 1;
    wanted[3] = 5;
    wanted[4] = 1;
    wanted[8..10].copy_from_slice(&[0x34, 0x12]);
    wanted[16] = 3;
    assert_eq!(op().to_bytes(), wanted);
    assert_eq!(op().check(), Ok(()));
}

#[test]
fn an_op_that_breaks_one_rule_says_which() {
    let good = op();
    let remap = ViewOp {
        kind: KVM_VIEW_OP_REMAP,
        target: 7,
        ..good
    };
    assert_eq!(remap.check(), Ok(()));
    let unremap = ViewOp {
        kind: KVM_VIEW_OP_UNREMAP,
        ..good
    };
    assert_eq!(unremap.check(), Ok(()));
    let ve = ViewOp {
        view: 0,
        flags: KVM_VIEW_OP_VE,
        ..good
    };
    assert_eq!(ve.check(), Ok(()));

    use DecodeError::*;
    let bad = [
        (ViewOp { view: 512, ..good }, View),
        (
            ViewOp {
                view: 0xffff,
                ..good
            },
            View,
        ),
        (ViewOp { kind: 0, ..good }, Value),
        (ViewOp { kind: 4, ..good }, Value),
        (ViewOp { mask: 2, ..good }, Access),
        (ViewOp { mask: 4, ..good }, Access),
        (ViewOp { mask: 6, ..good }, Access),
        (ViewOp { mask: 8, ..good }, Access),
        (ViewOp { mask: 0x81, ..good }, Access),
        (ViewOp { flags: 8, ..good }, Flags),
        (
            ViewOp {
                flags: KVM_VIEW_OP_VE,
                mask: 3,
                ..good
            },
            Flags,
        ),
        (
            ViewOp {
                flags: KVM_VIEW_OP_VE,
                ..remap
            },
            Flags,
        ),
        (ViewOp { npages: 0, ..good }, Range),
        (
            ViewOp {
                gfn: GFN_LIMIT,
                ..good
            },
            Range,
        ),
        (
            ViewOp {
                gfn: GFN_LIMIT - 2,
                ..good
            },
            Range,
        ),
        (
            ViewOp {
                gfn: u64::MAX,
                ..good
            },
            Range,
        ),
        (
            ViewOp {
                npages: u64::MAX,
                ..good
            },
            Range,
        ),
        (ViewOp { target: 1, ..good }, Reserved),
        (
            ViewOp {
                target: 1,
                ..unremap
            },
            Reserved,
        ),
        (ViewOp { mask: 3, ..remap }, Access),
        (ViewOp { mask: 7, ..remap }, Access),
        (
            ViewOp {
                target: GFN_LIMIT - 1,
                ..remap
            },
            Range,
        ),
    ];
    for (op, wanted) in bad {
        assert_eq!(op.check(), Err(wanted), "{op:?}");
    }
}

#[test]
fn a_vcpu_record_that_breaks_one_rule_says_which() {
    let good = VcpuInit {
        size: VcpuInit::SIZE as u32,
        ve_info: 0x1000,
        sp_cell: 0x2008,
        cs: 0x10,
        ss: 0x18,
        vector: 20,
        ..VcpuInit::ZERO
    };
    assert_eq!(good.check(), Ok(()));

    use DecodeError::*;
    let bad = [
        (VcpuInit { size: 0, ..good }, Size),
        (VcpuInit { size: 65, ..good }, Size),
        (
            VcpuInit {
                flags: 0x10,
                ..good
            },
            Flags,
        ),
        (
            VcpuInit {
                rsvd: [0, 1],
                ..good
            },
            Reserved,
        ),
        (
            VcpuInit {
                ve_info: 0x1008,
                ..good
            },
            Alignment,
        ),
        (
            VcpuInit {
                sp_cell: 0x2004,
                ..good
            },
            Alignment,
        ),
        (
            VcpuInit {
                ve_info: 1 << 52,
                ..good
            },
            Range,
        ),
        (
            VcpuInit {
                sp_cell: 1 << 52,
                ..good
            },
            Range,
        ),
        (VcpuInit { vector: 14, ..good }, Value),
    ];
    for (record, wanted) in bad {
        assert_eq!(record.check(), Err(wanted), "{record:?}");
    }
}

#[test]
fn an_aex_record_that_breaks_one_rule_says_which() {
    let good = Aex {
        cause: KVM_VIEW_AEX_VIOLATION,
        exit_reason: 48,
        view: 2,
        missing: 1,
        gpa: 0x5000,
        ..Aex::ZERO
    };
    assert_eq!(good.check(), Ok(()));
    let event = Aex {
        cause: KVM_VIEW_AEX_EVENT,
        event: 0x8000_00e1,
        ..good
    };
    assert_eq!(event.check(), Ok(()));
    assert_eq!(event.cause(), Ok(Cause::Event));
    // The host holds it.
    assert_eq!(Aex { event: 0, ..event }.check(), Ok(()));

    let timeout = Aex {
        cause: KVM_VIEW_AEX_TIMEOUT,
        ..good
    };
    assert_eq!(timeout.check(), Ok(()));
    assert_eq!(Violation::of_aex(&timeout).unwrap().what, What::Timeout);

    use DecodeError::*;
    let bad = [
        (Aex { cause: 0, ..good }, Value),
        (Aex { cause: 7, ..good }, Value),
        (Aex { view: 512, ..good }, View),
        (Aex { missing: 8, ..good }, Access),
        (Aex { event: 14, ..good }, Value),
        (
            Aex {
                pad: [0, 0, 0, 0, 1],
                ..good
            },
            Reserved,
        ),
        (
            Aex {
                rsvd: [0, 1, 0],
                ..good
            },
            Reserved,
        ),
    ];
    for (record, wanted) in bad {
        assert_eq!(record.check(), Err(wanted), "{record:?}");
        assert_eq!(Violation::of_aex(&record), Err(wanted), "{record:?}");
    }
    let far = Aex {
        gpa: 1 << 52,
        ..good
    };
    assert_eq!(Violation::of_aex(&far), Err(Range));
}

/// Any bytes are a record, the same bytes come back, and no accessor panics.
#[test]
fn random_bytes_never_panic_and_survive_the_round_trip() {
    let mut rng = Rng::new(0x5eed_0001);
    for _ in 0..iterations(20_000) {
        let bytes: [u8; ViewOp::SIZE] = rng.bytes();
        let op = ViewOp::from_bytes(&bytes);
        assert_eq!(op.to_bytes(), bytes);
        if op.check().is_ok() {
            assert!(Access::from_bits(op.mask).is_some() && op.range().is_ok());
        }

        let bytes: [u8; VcpuInit::SIZE] = rng.bytes();
        let vcpu = VcpuInit::from_bytes(&bytes);
        assert_eq!(vcpu.to_bytes(), bytes);
        let _ = vcpu.check();

        let bytes: [u8; VeInfo::SIZE] = rng.bytes();
        let info = VeInfo::from_bytes(&bytes);
        assert_eq!(info.to_bytes(), bytes);
        let _ = (info.gla(), Violation::of_ve(&info, ViewId::ROOT, 0));

        let bytes: [u8; Aex::SIZE] = rng.bytes();
        let aex = Aex::from_bytes(&bytes);
        assert_eq!(aex.to_bytes(), bytes);
        let _ = (aex.cause(), aex.view(), aex.missing(), aex.gla());
        let _ = (aex.check(), Violation::of_aex(&aex));
        let _ = Event::new(aex.event).map(|event| event.to_string());

        let answer = rng.next();
        let _ = HostError::check(answer).map_err(|error| (error.errno(), error.to_string()));
        let _ = (query::policy(answer), query::current(answer));
    }
}

/// Random bytes seldom pass a check, so mutate records that do.
#[test]
fn one_flipped_bit_never_turns_into_illegal_rights() {
    let good = op().to_bytes();
    for bit in 0..good.len() * 8 {
        let mut bytes = good;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let op = ViewOp::from_bytes(&bytes);
        if op.check().is_ok() {
            assert!([0, 1, 3, 5, 7].contains(&op.mask));
            assert!(op.view < 512 && op.npages > 0 && op.target == 0 || op.kind == 2);
        }
    }
}

#[test]
fn host_errors_have_the_errno_of_the_guest() {
    let known = [
        (-1000, HostError::NoViews, 38),
        (-1, HostError::NotPermitted, 1),
        (-2, HostError::NoSuchView, 2),
        (-7, HostError::TooBig, 7),
        (-12, HostError::NoMemory, 12),
        (-14, HostError::BadAddress, 14),
        (-16, HostError::Busy, 16),
        (-17, HostError::Exists, 17),
        (-22, HostError::Invalid, 22),
        (-95, HostError::Unsupported, 95),
        (-3, HostError::Unknown(-3), 5),
        (i64::MIN, HostError::Unknown(i64::MIN), 5),
    ];
    for (answer, error, errno) in known {
        assert_eq!(HostError::check(answer as u64), Err(error));
        assert_eq!(error.errno(), errno);
    }
    for answer in [0, 1, 128, i64::MAX as u64] {
        assert_eq!(HostError::check(answer), Ok(answer));
    }
}

#[test]
fn answers_to_query_are_read_bit_by_bit() {
    let features = query::Features(KVM_VIEWS_VERSION | KVM_VIEWS_F_VMFUNC);
    assert!(features.is_supported() && features.has_vmfunc() && !features.has_hw_ve());
    assert!(features.has_read_only_tables());
    assert!(!query::Features(KVM_VIEWS_VERSION | KVM_VIEWS_F_RW_PT).has_read_only_tables());
    assert!(!query::Features(2).is_supported());
    assert!(!query::Features(0x101 + 1).is_supported());
    let limits = query::Limits(512 | (4096 / 16) << 16 | 7 << 32);
    assert_eq!((limits.max_views(), limits.max_ranges()), (512, 4096));
    for bits in 0..8 {
        assert_eq!(query::policy(bits).ok(), Access::from_bits(bits as u8));
    }
    assert_eq!(query::current(511).map(ViewId::number), Ok(511));
    assert_eq!(query::current(512), Err(DecodeError::View));
    assert_eq!(query::current(1 << 16), Err(DecodeError::View));
}

/// Qualifications that the prototype saw on the emulated CPU.
#[test]
fn qualifications_say_what_was_missing() {
    let seen = [
        (0x181, Rights::R, true, false),
        (0x18a, Rights::W, true, false),
        (0x182, Rights::W, true, false),
        (0x19c, Rights::X, true, false),
        (0x581, Rights::R, true, false),
        (0x59c, Rights::X, true, false),
        (0x81, Rights::R, true, true),
        (0x8a, Rights::W, true, true),
        (0x1, Rights::R, false, false),
        (0x183, Rights::R.union(Rights::W), true, false),
        (0x18b, Rights::W, true, false),
    ];
    for (qual, missing, has_gla, is_walk) in seen {
        let qual = Qualification(qual);
        assert_eq!(qual.missing(), missing, "{qual:x?}");
        assert_eq!(
            (qual.has_gla(), qual.is_walk()),
            (has_gla, is_walk),
            "{qual:x?}"
        );
    }
}
