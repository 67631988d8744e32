// SPDX-License-Identifier: GPL-2.0

//! Bytes that guest and host share.
//!
//! Mirrors `arch/x86/include/uapi/asm/kvm_views.h`. The header is the source:
//! sizes and offsets are asserted when this compiles, and a test compares
//! every constant, size and offset with the header itself. Constants carry
//! the header's names, so that one search finds both sides.
//!
//! Records are `repr(C)` and hold plain integers only, so that any bytes are a
//! value; what a record says is read through methods that check it.

mod bytes;

pub mod aex;
pub mod consts;
pub mod error;
pub mod op;
pub mod query;
pub mod vcpu;
pub mod ve_info;

pub use self::aex::{
    Aex,
    Cause, //
};
pub use self::error::{
    DecodeError,
    HostError, //
};
pub use self::op::ViewOp;
pub use self::vcpu::VcpuInit;
pub use self::ve_info::VeInfo;
