// SPDX-License-Identifier: GPL-2.0

//! As much of the `kernel` crate as `undertow::wire` and the macros need.

extern crate self as kernel;

pub mod error;
pub mod undertow;

/// The kernel's own files.
#[path = "../../../../../../rust/kernel/undertow"]
mod shared {
    pub mod wire;

    use crate::undertow::{
        compartment,
        fault,
        logic,
        service, //
    };
}

pub(crate) use undertow::service as bindings;

pub mod prelude {
    pub use super::{
        error::{
            Error,
            Result,
            E2BIG,
            EAGAIN,
            EINVAL,
            ENOEXEC,
            EPROTO, //
        },
        undertow,
    };
    pub use core::ffi::{
        c_int,
        CStr, //
    };
    pub use zerocopy::{
        FromBytes,
        IntoBytes, //
    };
    pub use zerocopy_derive::{
        FromBytes,
        IntoBytes, //
    };
}
