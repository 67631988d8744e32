// SPDX-License-Identifier: GPL-2.0

//! Rights of each class of page in each view.
//!
//! [`Class::grant`] is the whole policy: one function from what a page is and
//! who looks at it to what the view grants. Everything else follows from it.
//!
//! # Invariants
//!
//! - `INV-VIEW-1`: what a view other than the root view can execute, no view
//!   can write.
//! - `INV-VIEW-2`: a gate page is executable exactly where its role is, and no
//!   view executes two adjacent gate pages.
//! - `INV-VIEW-3`: no view but its owner's grants anything on a region of a
//!   compartment, the root view included; nor on secret memory, the root view
//!   excepted, which gives and takes arguments there.
//! - `INV-VIEW-4`: a compartment writes its own stacks, heap and writable
//!   regions only, among them what is lent to it and what it writes for
//!   others; the transit view writes nothing.
//! - `INV-VIEW-5`: text of a compartment is executable in its view only, and
//!   common text in compartment views only.
//! - `INV-VIEW-6`: the IDT page and the #VE information pages are absent
//!   outside the root view.
//! - `INV-VIEW-7`: what a compartment can write, no view can execute.
//! - `INV-VIEW-8`: only regions turn a violation into #VE, in the root view and
//!   in views that can take one; never what comes after a switch of the view.
//! - `INV-VIEW-9`: no view executes a page of a gate that is not in use.

use super::access::{
    Access,
    Rights, //
};
use super::addr::ViewId;

/// Which of the four pages of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GatePage {
    /// Enters: executable in the root view.
    G0,
    /// Lands and leaves: executable in compartment views.
    G1,
    /// Loads the trusted stack: executable in the transit view.
    G2,
    /// Returns: executable in the root view.
    G3,
}

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing that Undertow knows.
    Ordinary,
    /// A page of the gate.
    Gate(GatePage),
    /// A page of a gate that is not in use on this machine.
    UnusedGate,
    /// Text that every compartment may run.
    CommonText,
    /// Text of the compartment with this view.
    Text(ViewId),
    /// Stack of the compartment with this view.
    Stack(ViewId),
    /// Lowest page of a stack slot, so that an overflow is a violation.
    Guard(ViewId),
    /// Heap of the compartment with this view.
    Heap(ViewId),
    /// Stack or heap of the compartment with this view, which no other may see.
    Secret(ViewId),
    /// What must stay readable even in a `Private` view: page tables, the GDT
    /// page, the page of the AEX context, variables of the gate.
    Visible,
    /// The page of the interrupt descriptor table.
    Idt,
    /// A #VE information page.
    VeInfo,
    /// Region of the kernel that no compartment may see.
    KernelRw,
    /// Region of the kernel that even the kernel may not write.
    KernelRo,
    /// The same, but the compartment with this view writes it.
    WrittenBy(ViewId),
    /// Region that only the compartment with this view may read.
    OnlyRo(ViewId),
    /// Region that only the compartment with this view may read and write.
    OnlyRw(ViewId),
    /// Region of the kernel that the compartment with this view may read and
    /// write as well: each page from the first time that it wants to.
    Lent(ViewId),
}

/// What a view that nothing else is said about grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Reads all memory that is not protected.
    Readable,
    /// Reads nothing that it does not own or was not granted.
    Private,
}

/// A view that rights are planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Its number.
    pub id: ViewId,
    /// What it reaches; matters for compartments only.
    pub reach: Reach,
    /// Whether #VE can be delivered in it; matters for compartments only.
    pub takes_ve: bool,
}

impl View {
    /// The ordinary kernel.
    pub const ROOT: View = View {
        id: ViewId::ROOT,
        reach: Reach::Readable,
        takes_ve: true,
    };

    /// The transit view.
    pub const TRANSIT: View = View {
        id: ViewId::TRANSIT,
        reach: Reach::Readable,
        takes_ve: false,
    };

    /// Returns the view with this number; the rest is for the view of a
    /// compartment.
    pub const fn new(id: ViewId, reach: Reach, takes_ve: bool) -> View {
        if id.is_compartment() {
            View {
                id,
                reach,
                takes_ve,
            }
        } else if id.number() == ViewId::ROOT.number() {
            View::ROOT
        } else {
            View::TRANSIT
        }
    }

    /// Returns what the view grants on every page that is not an exception:
    /// the mask to create it with.
    pub const fn default_access(self) -> Access {
        if !self.id.is_compartment() {
            return if self.id.number() == ViewId::ROOT.number() {
                Access::Rwx
            } else {
                Access::R
            };
        }
        match self.reach {
            Reach::Readable => Access::R,
            Reach::Private => Access::None,
        }
    }
}

/// What a view grants on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The rights.
    pub access: Access,
    /// Whether a violation becomes #VE instead of an exit.
    pub ve: bool,
}

impl Grant {
    const fn exit(access: Access) -> Grant {
        Grant { access, ve: false }
    }

    const fn ve(access: Access) -> Grant {
        Grant { access, ve: true }
    }
}

impl Class {
    /// Returns the compartment that owns the page.
    pub const fn owner(self) -> Option<ViewId> {
        match self {
            Class::Text(owner)
            | Class::Stack(owner)
            | Class::Guard(owner)
            | Class::Heap(owner)
            | Class::Secret(owner)
            | Class::OnlyRo(owner)
            | Class::OnlyRw(owner)
            | Class::WrittenBy(owner)
            | Class::Lent(owner) => Some(owner),
            _ => None,
        }
    }

    /// Returns whether the page belongs to a region that someone declared.
    pub const fn is_region(self) -> bool {
        matches!(
            self,
            Class::KernelRw
                | Class::KernelRo
                | Class::WrittenBy(_)
                | Class::OnlyRo(_)
                | Class::OnlyRw(_)
                | Class::Lent(_)
        )
    }

    /// Returns what `view` may be given on a page of this class when it asks for
    /// it, beside what it is granted.
    pub fn on_demand(self, view: View) -> Access {
        match self {
            Class::Lent(owner) if owner == view.id => Access::Rw,
            _ => Access::None,
        }
    }

    /// Returns what `view` grants on a page of this class.
    pub fn grant(self, view: View) -> Grant {
        match view.id {
            ViewId::ROOT => self.grant_root(),
            ViewId::TRANSIT => Grant::exit(self.access_transit()),
            id => {
                let access = self.access_compartment(id, view.default_access());
                // Where a violation by a write can't be told from the host's
                // own, there is no #VE.
                Grant {
                    access,
                    ve: view.takes_ve && self.is_region() && !access.allows(Rights::W),
                }
            }
        }
    }

    /// Returns what the ordinary kernel may do.
    ///
    /// #VE only where the handler runs on a stack that nobody but the kernel
    /// chose, and where a data access is at stake: violations of execute must
    /// reach the host, because they can be the end of an attack on the gate.
    const fn grant_root(self) -> Grant {
        match self {
            Class::Gate(GatePage::G0 | GatePage::G3) => Grant::exit(Access::Rx),
            Class::Gate(GatePage::G1 | GatePage::G2) | Class::UnusedGate => Grant::exit(Access::R),
            Class::CommonText | Class::Text(_) => Grant::exit(Access::R),
            Class::Stack(_) | Class::Heap(_) | Class::Secret(_) | Class::Lent(_) => {
                Grant::exit(Access::Rw)
            }
            Class::KernelRo | Class::WrittenBy(_) => Grant::ve(Access::R),
            Class::OnlyRo(_) | Class::OnlyRw(_) => Grant::ve(Access::None),
            Class::Ordinary
            | Class::Guard(_)
            | Class::Visible
            | Class::Idt
            | Class::VeInfo
            | Class::KernelRw => Grant::exit(Access::Rwx),
        }
    }

    const fn access_transit(self) -> Access {
        match self {
            Class::Gate(GatePage::G2) => Access::Rx,
            _ if self.is_absent() => Access::None,
            _ => Access::R,
        }
    }

    fn access_compartment(self, id: ViewId, default: Access) -> Access {
        let is_owner = self.owner() == Some(id);
        match self {
            Class::Gate(GatePage::G1) | Class::CommonText => Access::Rx,
            Class::Text(_) if is_owner => Access::Rx,
            Class::Stack(_)
            | Class::Heap(_)
            | Class::Secret(_)
            | Class::OnlyRw(_)
            | Class::WrittenBy(_)
                if is_owner =>
            {
                Access::Rw
            }
            Class::OnlyRo(_) if is_owner => Access::R,
            Class::Visible => Access::R,
            _ if self.is_absent() => Access::None,
            _ => default,
        }
    }

    /// Returns whether views without a claim of their own see nothing.
    const fn is_absent(self) -> bool {
        self.is_region() || matches!(self, Class::Secret(_) | Class::Idt | Class::VeInfo)
    }
}
