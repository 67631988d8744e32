// SPDX-License-Identifier: GPL-2.0

//! A compartment without protection whose code can be replaced by hostile code.

pub mod compartment;
pub mod fault;
pub mod service;

/// The kernel's own.
#[path = "../../../../../../undertow/logic/src"]
pub(crate) mod logic {
    #[allow(dead_code, reason = "one constant is used")]
    pub(crate) mod service;
}

pub use crate::shared::wire;

pub use compartment::{
    Compartment,
    Descriptor,
    OnFault,
    DEFAULT_MAX_US, //
};
pub use fault::Fault;
pub use macros::{
    undertow_compartment as compartment,
    undertow_isolated as isolated,
    undertow_service as service, //
};
pub use service::Service;
