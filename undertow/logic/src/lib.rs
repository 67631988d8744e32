// SPDX-License-Identifier: GPL-2.0

//! Crate root for cargo.
//!
//! The kernel includes `logic.rs` as a module of its own crate and never sees
//! this file; everything that only works at a crate root stands here.

#![no_std]
#![forbid(unsafe_code)]

#[path = "logic.rs"]
mod logic;

pub use logic::*;
