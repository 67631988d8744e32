// SPDX-License-Identifier: GPL-2.0

//! Isolation of parts of the kernel from the rest of it.
//!
//! A driver declares a [`Compartment`] and marks functions with
//! [`#[undertow::isolated(NAME)]`](isolated). They then run in an EPT view in which nothing can be
//! written but their own stack and what they were lent, protected [`Region`]s can't even be read,
//! and nothing outside can be executed. A fault inside ends the call with an error; the kernel
//! goes on.
//!
//! Views are enforced by the host. Without a host that cooperates everything here works and
//! protects nothing, which the log says in one line; with the boot parameter `undertow=require`
//! it fails instead. [`is_enforced`] tells.
//!
//! Not claimed: protection against side channels, against memory access by devices and the host,
//! and of a compartment against the kernel.
//!
//! Layers, each using the ones below it only: [`wire`] and the macros; [`compartment`], [`region`];
//! `service`, `status`, `walk`, `stop`, `learn`, `lend`, `stray`, `system`, `text`, `report`; `host`,
//! `table`, `slot`; [`logic`].
//!
//! Documentation: `Documentation/undertow/`.

#[path = "../../undertow/logic/src/logic.rs"]
pub mod logic;

pub mod compartment;
pub mod fault;
pub mod region;
pub mod wire;

mod call;
mod entry;
mod host;
mod learn;
mod lend;
mod report;
mod restart;
mod service;
mod slot;
mod start;
mod status;
mod stop;
mod stray;
mod system;
mod table;
mod text;
mod walk;

#[cfg(CONFIG_UNDERTOW_SELFTEST)]
pub mod selftest;

pub use self::{
    compartment::{
        Call,
        Compartment,
        Descriptor,
        Entry,
        OnFault,
        DEFAULT_MAX_US, //
    },
    fault::Fault,
    region::{
        Policy,
        Region, //
    },
    service::Service, //
};
pub use macros::{
    undertow_compartment as compartment,
    undertow_isolated as isolated,
    undertow_service as service, //
};

/// Returns whether views are enforced on this system.
pub fn is_enforced() -> bool {
    system::is_live()
}
