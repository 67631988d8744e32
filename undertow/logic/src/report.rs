// SPDX-License-Identifier: GPL-2.0

//! One readable line for a violation.
//!
//! The line names who did it, the address, the right that was missing and what
//! was done about it. [`Report`] implements `Display`; it needs no buffer.

use core::fmt;

use super::access::Rights;
use super::addr::{
    Gfn,
    ViewId, //
};
use super::class::{
    Class,
    GatePage, //
};
use super::verdict::{
    BadAccess,
    Verdict,
    Violation,
    What, //
};

/// A violation, with the names that a reader needs.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What happened.
    pub violation: &'a Violation,
    /// Name of the compartment that was inside, `None` for ordinary kernel.
    pub compartment: Option<&'a str>,
    /// Class of the frame, for an access.
    pub class: Class,
    /// Name of the region that holds the frame.
    pub region: Option<&'a str>,
    /// What was done.
    pub verdict: Verdict,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names are quoted as Rust does it, so that none can break the line.
        match self.compartment {
            Some(name) => write!(f, "undertow: compartment {name:?}: ")?,
            None => f.write_str("undertow: kernel: ")?,
        }
        match self.violation.what {
            What::Access(access) => self.write_access(f, &access)?,
            What::Event(event) => write!(f, "{event} at {:#x}", self.violation.rip)?,
            What::Pending => write!(f, "event at {:#x}", self.violation.rip)?,
            What::Refused(reason) => {
                write!(f, "VM exit {reason} at {:#x} refused", self.violation.rip)?
            }
            What::Guard => write!(
                f,
                "entered the root view past the gate at {:#x}: right x missing",
                self.violation.rip
            )?,
            What::Timeout => write!(
                f,
                "kept an interrupt waiting for too long at {:#x}",
                self.violation.rip
            )?,
        }
        write!(f, "; {}", outcome(self.verdict))
    }
}

impl Report<'_> {
    fn write_access(&self, f: &mut fmt::Formatter<'_>, access: &BadAccess) -> fmt::Result {
        f.write_str(verb(access))?;
        match access.gla {
            Some(gla) => write!(f, " {gla:#x} (gpa {:#x}, ", access.gpa)?,
            None => write!(f, " gpa {:#x} (", access.gpa)?,
        }
        self.write_place(f, access.gfn)?;
        f.write_str(")")?;
        // Whoever stands in another view than the reader expects says so.
        let expected = match self.compartment {
            Some(_) => self.violation.view.is_compartment(),
            None => self.violation.view == ViewId::ROOT,
        };
        if !expected {
            write!(f, " in view {}", self.violation.view)?;
        }
        if access.missing.is_empty() {
            return f.write_str(" reported although no right is missing");
        }
        write!(f, " denied: right {} missing", access.missing)
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>, gfn: Gfn) -> fmt::Result {
        write!(f, "gfn {gfn}, ")?;
        match (self.region, self.class.owner()) {
            (Some(name), _) => write!(f, "region {name:?}"),
            (None, Some(owner)) => write!(f, "{} of view {owner}", class_name(self.class)),
            (None, None) => f.write_str(class_name(self.class)),
        }
    }
}

fn verb(access: &BadAccess) -> &'static str {
    let missing = access.missing;
    if access.is_walk {
        "page walk for"
    } else if missing.contains(Rights::X) {
        "execution of"
    } else if missing.contains(Rights::R.union(Rights::W)) {
        "read and write of"
    } else if missing.contains(Rights::W) {
        "write to"
    } else if missing.contains(Rights::R) {
        "read of"
    } else {
        "access to"
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Ordinary => "ordinary memory",
        Class::Gate(GatePage::G0) => "gate page G0",
        Class::Gate(GatePage::G1) => "gate page G1",
        Class::Gate(GatePage::G2) => "gate page G2",
        Class::Gate(GatePage::G3) => "gate page G3",
        Class::UnusedGate => "gate that is not in use",
        Class::CommonText => "common text",
        Class::Text(_) => "text",
        Class::Stack(_) => "stack",
        Class::Guard(_) => "stack guard",
        Class::Heap(_) => "heap",
        Class::Secret(_) => "secret memory",
        Class::Visible => "kernel tables",
        Class::Idt => "IDT",
        Class::VeInfo => "#VE information",
        Class::KernelRw
        | Class::KernelRo
        | Class::WrittenBy(_)
        | Class::OnlyRo(_)
        | Class::OnlyRw(_)
        | Class::Lent(_) => "region without a name",
    }
}

fn outcome(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Resume | Verdict::Finish => "resumed",
        Verdict::Grant(_) => "granted as declared, resumed",
        Verdict::Audit(_) => "allowed, audit only",
        Verdict::Fixup => "access ended with EFAULT",
        Verdict::Kill => "call ended with an error",
        Verdict::Oops => "task ends",
        Verdict::Panic => "kernel ends",
    }
}
