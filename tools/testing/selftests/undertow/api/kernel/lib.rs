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
        fault, //
    };
}

pub(crate) mod bindings {
    pub(crate) const MAX_ERRNO: u32 = 4095;
}

pub mod prelude {
    pub use super::{
        error::{
            Error,
            Result,
            EAGAIN,
            EINVAL,
            ENOEXEC, //
        },
        undertow,
    };
    pub use core::ffi::CStr;
    pub use zerocopy::{
        FromBytes,
        IntoBytes, //
    };
    pub use zerocopy_derive::{
        FromBytes,
        IntoBytes, //
    };
}
