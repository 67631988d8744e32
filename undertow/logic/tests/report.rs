// SPDX-License-Identifier: GPL-2.0

//! The lines that people read.

use undertow_logic::access::{Access, Rights};
use undertow_logic::addr::{Gfn, ViewId};
use undertow_logic::class::{Class, GatePage};
use undertow_logic::names::{Event, ExitReason};
use undertow_logic::report::Report;
use undertow_logic::verdict::{BadAccess, Verdict, Violation, What};

fn access(view: ViewId, missing: Rights, gla: Option<u64>) -> Violation {
    Violation {
        view,
        rip: 0xffff_ffff_8123_4567,
        what: What::Access(BadAccess {
            gfn: Gfn::new(0x3c5a).unwrap(),
            gpa: 0x3c5_a010,
            gla,
            missing,
            is_walk: false,
        }),
    }
}

const GLA: Option<u64> = Some(0xffff_8880_03c5_a010);

fn line(violation: Violation, class: Class, region: Option<&str>, verdict: Verdict) -> String {
    let compartment = (verdict == Verdict::Kill).then_some("elf");
    Report {
        violation: &violation,
        compartment,
        class,
        region,
        verdict,
    }
    .to_string()
}

#[test]
fn a_line_names_who_what_where_and_the_end() {
    let own = ViewId::FIRST;
    let other = ViewId::new(3).unwrap();
    assert_eq!(
        line(
            access(own, Rights::R, GLA),
            Class::OnlyRo(other),
            Some("key"),
            Verdict::Kill
        ),
        "undertow: compartment \"elf\": read of 0xffff888003c5a010 (gpa 0x3c5a010, gfn 0x3c5a, \
         region \"key\") denied: right r missing; call ended with an error"
    );
    assert_eq!(
        line(
            access(own, Rights::W, GLA),
            Class::Ordinary,
            None,
            Verdict::Kill
        ),
        "undertow: compartment \"elf\": write to 0xffff888003c5a010 (gpa 0x3c5a010, gfn 0x3c5a, \
         ordinary memory) denied: right w missing; call ended with an error"
    );
    assert_eq!(
        line(
            access(ViewId::ROOT, Rights::X, GLA),
            Class::Text(own),
            None,
            Verdict::Kill
        ),
        "undertow: compartment \"elf\": execution of 0xffff888003c5a010 (gpa 0x3c5a010, \
         gfn 0x3c5a, text of view 2) in view 0 denied: right x missing; call ended with an error"
    );
    assert_eq!(
        line(
            access(ViewId::ROOT, Rights::R, GLA),
            Class::OnlyRo(own),
            Some("key"),
            Verdict::Fixup
        ),
        "undertow: kernel: read of 0xffff888003c5a010 (gpa 0x3c5a010, gfn 0x3c5a, \
         region \"key\") denied: right r missing; access ended with EFAULT"
    );
}

#[test]
fn what_is_not_known_is_not_invented() {
    let walk = Violation {
        what: What::Access(BadAccess {
            gfn: Gfn::new(0x99).unwrap(),
            gpa: 0x99008,
            gla: None,
            missing: Rights::R.union(Rights::W),
            is_walk: false,
        }),
        ..access(ViewId::FIRST, Rights::EMPTY, None)
    };
    assert_eq!(
        line(walk, Class::Gate(GatePage::G2), None, Verdict::Kill),
        "undertow: compartment \"elf\": read and write of gpa 0x99008 (gfn 0x99, gate page G2) \
         denied: right rw missing; call ended with an error"
    );
    let nothing = access(ViewId::FIRST, Rights::EMPTY, GLA);
    let text = line(nothing, Class::Ordinary, None, Verdict::Kill);
    assert!(
        text.contains("access to ") && text.contains("no right is missing"),
        "{text}"
    );
}

#[test]
fn events_and_exits_have_names() {
    let at = access(ViewId::FIRST, Rights::EMPTY, None);
    let event = |info| Violation {
        what: What::Event(Event::new(info).unwrap()),
        ..at
    };
    let text = |violation| line(violation, Class::Ordinary, None, Verdict::Kill);
    assert_eq!(
        text(event(0x8000_0306)),
        "undertow: compartment \"elf\": exception #UD at 0xffffffff81234567; \
         call ended with an error"
    );
    let refused = Violation {
        what: What::Refused(ExitReason(32)),
        ..at
    };
    assert_eq!(
        text(refused),
        "undertow: compartment \"elf\": VM exit MSR_WRITE at 0xffffffff81234567 refused; \
         call ended with an error"
    );
    let guard = Violation {
        what: What::Guard,
        ..at
    };
    assert!(text(guard).contains("past the gate"));
    assert!(text(guard).contains("right x missing"));
    let timeout = Violation {
        what: What::Timeout,
        ..at
    };
    assert!(text(timeout).contains("kept an interrupt waiting"));

    let names = [
        (0x8000_00e1, "interrupt 0xe1"),
        (0x8000_0202, "NMI"),
        (0x8000_0b0e, "exception #PF"),
        (0x8000_0b0d, "exception #GP"),
        (0x8000_0314, "exception #VE"),
        (0x8000_03ff, "exception 255"),
        (0x8000_0480, "int 0x80"),
        (0x8000_0603, "int3"),
        (0x8000_0604, "into"),
        (0x8000_0501, "int1"),
        (0x8000_0700, "event 0x80000700"),
    ];
    for (info, wanted) in names {
        assert_eq!(Event::new(info).unwrap().to_string(), wanted);
    }
    assert_eq!(Event::new(0x306), None);
    assert_eq!(Event::new(0x8000_00e1).unwrap().to_raise(), Some(0xe1));
    assert_eq!(Event::new(0x8000_0480).unwrap().to_raise(), None);
    assert_eq!(Event::new(0x8000_0202).unwrap().to_raise(), None);
    assert_eq!(ExitReason(59).to_string(), "VMFUNC");
    assert_eq!(ExitReason(999).to_string(), "reason 999");
}

/// Whatever is in it, it is one line, and writing it does not panic.
#[test]
fn a_report_is_one_line() {
    let verdicts = [
        Verdict::Resume,
        Verdict::Grant(Access::Rw),
        Verdict::Audit(Access::R),
        Verdict::Fixup,
        Verdict::Kill,
        Verdict::Oops,
        Verdict::Panic,
    ];
    for bits in 0..8 {
        for verdict in verdicts {
            for gla in [None, GLA, Some(0), Some(u64::MAX)] {
                let violation = access(ViewId::FIRST, Rights::from_bits(bits).unwrap(), gla);
                let text = Report {
                    violation: &violation,
                    compartment: Some("two\nlines \"quoted\" \u{1b}[31m"),
                    class: Class::KernelRw,
                    region: Some("a\rb"),
                    verdict,
                }
                .to_string();
                assert!(!text.contains(char::is_control), "{text:?}");
                assert!(text.starts_with("undertow: "));
            }
        }
    }
}
