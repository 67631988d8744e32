// SPDX-License-Identifier: GPL-2.0

//! Those faults that `wire` knows, and one of the gate's.

use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Violation,
    TooBig,
    BadReturn,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::from_errno(match fault {
            Fault::Violation => -14,
            Fault::TooBig => -7,
            Fault::BadReturn => -71,
        })
    }
}
