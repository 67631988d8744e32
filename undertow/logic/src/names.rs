// SPDX-License-Identifier: GPL-2.0

//! Names of VM exits, events and exceptions, for people who read a log.

use core::fmt;

use super::abi::consts::KVM_VIEW_EVENT_VALID;

/// Name of a basic VM exit reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitReason(pub u32);

impl ExitReason {
    /// Returns the name, `None` for a reason that no view can cause.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 & 0xffff {
            0 => "EXCEPTION_NMI",
            1 => "EXTERNAL_INTERRUPT",
            2 => "TRIPLE_FAULT",
            7 => "INTERRUPT_WINDOW",
            8 => "NMI_WINDOW",
            9 => "TASK_SWITCH",
            10 => "CPUID",
            12 => "HLT",
            13 => "INVD",
            14 => "INVLPG",
            15 => "RDPMC",
            16 => "RDTSC",
            18 => "VMCALL",
            19 => "VMCLEAR",
            20 => "VMLAUNCH",
            21 => "VMPTRLD",
            22 => "VMPTRST",
            23 => "VMREAD",
            24 => "VMRESUME",
            25 => "VMWRITE",
            26 => "VMOFF",
            27 => "VMON",
            28 => "CR_ACCESS",
            29 => "DR_ACCESS",
            30 => "IO_INSTRUCTION",
            31 => "MSR_READ",
            32 => "MSR_WRITE",
            36 => "MWAIT_INSTRUCTION",
            37 => "MONITOR_TRAP_FLAG",
            39 => "MONITOR_INSTRUCTION",
            40 => "PAUSE_INSTRUCTION",
            43 => "TPR_BELOW_THRESHOLD",
            44 => "APIC_ACCESS",
            45 => "EOI_INDUCED",
            46 => "GDTR_IDTR",
            47 => "LDTR_TR",
            48 => "EPT_VIOLATION",
            49 => "EPT_MISCONFIG",
            50 => "INVEPT",
            51 => "RDTSCP",
            52 => "PREEMPTION_TIMER",
            53 => "INVVPID",
            54 => "WBINVD",
            55 => "XSETBV",
            56 => "APIC_WRITE",
            57 => "RDRAND",
            58 => "INVPCID",
            59 => "VMFUNC",
            60 => "ENCLS",
            61 => "RDSEED",
            62 => "PML_FULL",
            63 => "XSAVES",
            64 => "XRSTORS",
            67 => "UMWAIT",
            68 => "TPAUSE",
            74 => "BUS_LOCK",
            75 => "NOTIFY",
            76 => "SEAMCALL",
            77 => "TDCALL",
            84 => "MSR_READ_IMM",
            85 => "MSR_WRITE_IMM",
            _ => return None,
        })
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "reason {}", self.0),
        }
    }
}

/// Kind of an event in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Maskable interrupt.
    Interrupt,
    /// Non-maskable interrupt.
    Nmi,
    /// Exception that the hardware raised.
    Exception,
    /// `INT n`.
    SoftInterrupt,
    /// `INT1`.
    PrivilegedSoftException,
    /// `INT3` or `INTO`.
    SoftException,
    /// A kind that the manuals reserve.
    Other,
}

/// An event in flight, in the form of IDT-vectoring information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event(u32);

impl Event {
    /// Vector of a machine check.
    pub const MACHINE_CHECK: u8 = 18;
    /// Vector of a page fault.
    pub const PAGE_FAULT: u8 = 14;
    /// Vector of #VE.
    pub const VIRTUALIZATION: u8 = 20;

    /// Returns the event, `None` if there is none.
    pub const fn new(info: u32) -> Option<Event> {
        if info & KVM_VIEW_EVENT_VALID == 0 {
            return None;
        }
        Some(Event(info))
    }

    /// Returns the vector.
    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    /// Returns the kind.
    pub const fn kind(self) -> EventKind {
        match self.0 >> 8 & 7 {
            0 => EventKind::Interrupt,
            2 => EventKind::Nmi,
            3 => EventKind::Exception,
            4 => EventKind::SoftInterrupt,
            5 => EventKind::PrivilegedSoftException,
            6 => EventKind::SoftException,
            _ => EventKind::Other,
        }
    }

    /// Returns the vector of a maskable interrupt, which the guest must end and
    /// raise again whatever else it decides: the host dropped it.
    pub fn to_raise(self) -> Option<u8> {
        (self.kind() == EventKind::Interrupt).then(|| self.vector())
    }

    /// Returns whether it is the hardware exception with this vector.
    ///
    /// `INT 14` is not a page fault: a compartment can forge the one and not
    /// the other.
    pub fn is_exception(self, vector: u8) -> bool {
        self.kind() == EventKind::Exception && self.vector() == vector
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vector = self.vector();
        match self.kind() {
            EventKind::Interrupt => write!(f, "interrupt {vector:#x}"),
            EventKind::Nmi => f.write_str("NMI"),
            EventKind::Exception => match exception_name(vector) {
                Some(name) => write!(f, "exception {name}"),
                None => write!(f, "exception {vector}"),
            },
            EventKind::SoftInterrupt => write!(f, "int {vector:#x}"),
            EventKind::PrivilegedSoftException => f.write_str("int1"),
            EventKind::SoftException if vector == 3 => f.write_str("int3"),
            EventKind::SoftException => f.write_str("into"),
            EventKind::Other => write!(f, "event {:#x}", self.0),
        }
    }
}

/// Returns the short name of an exception.
pub const fn exception_name(vector: u8) -> Option<&'static str> {
    Some(match vector {
        0 => "#DE",
        1 => "#DB",
        3 => "#BP",
        4 => "#OF",
        5 => "#BR",
        6 => "#UD",
        7 => "#NM",
        8 => "#DF",
        10 => "#TS",
        11 => "#NP",
        12 => "#SS",
        13 => "#GP",
        14 => "#PF",
        16 => "#MF",
        17 => "#AC",
        18 => "#MC",
        19 => "#XM",
        20 => "#VE",
        21 => "#CP",
        _ => return None,
    })
}
