// SPDX-License-Identifier: GPL-2.0

//! `undertow::compartment!`, `#[undertow::isolated]` and `#[undertow::service]`.
//!
//! `compartment` declares the static that stands for a compartment, `isolated` and `service` split a
//! function into its halves on both sides of the gate, and `shape` decides from the types in the
//! signature how each value crosses. The section and symbol names here are a contract with
//! `scripts/undertow_link`: [`entry_section`], [`service_section`] and [`text_bounds`] are the only
//! places that spell them.

mod compartment;
mod isolated;
mod service;
mod shape;

use std::fmt::Display;

use quote::ToTokens;
use syn::{
    Error,
    Ident, //
};

pub(crate) use self::{
    compartment::compartment,
    isolated::isolated,
    service::service, //
};

/// The section in which the link tool looks for the entries of a compartment.
fn entry_section(compartment: &Ident) -> String {
    format!(".text..undertow.entry.{compartment}")
}

/// The section for services: the link tool does not follow what they refer to.
fn service_section() -> &'static str {
    ".rodata..undertow.service"
}

/// The symbols that the link tool puts around the text of a compartment.
fn text_bounds(compartment: &Ident) -> [String; 2] {
    ["start", "end"].map(|end| format!("__ut_text_{end}_{compartment}"))
}

/// An error at `at` that says what is wrong and what to do instead.
fn refuse(at: impl ToTokens, what: impl Display, help: impl Display) -> Error {
    Error::new_spanned(at, format!("{what}\n  help: {help}"))
}
