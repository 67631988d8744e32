// SPDX-License-Identifier: GPL-2.0

//! Pure logic of Undertow.
//!
//! What is decided here needs neither the kernel nor `unsafe`: the same files
//! are a module of the kernel crate and a cargo crate, so that every rule can
//! be tested on any machine. Nothing here allocates, locks or does I/O.
//!
//! Arrows point down only:
//!
//! - [`report`]: one readable line for a violation;
//! - [`resume`]: how a compartment goes on after an event;
//! - [`inside`]: what a #VE inside a compartment was;
//! - [`verdict`]: what to do about a violation;
//! - [`walk`]: whether what is in force is sound;
//! - [`layout`]: who owns which frame, and the changes that make the views so;
//! - [`class`]: the rights of each class of page in each view;
//! - [`service`]: what a compartment may ask view 0 for;
//! - [`scan`], [`comp`], [`slots`], [`map`]: text scanner, compartment states,
//!   stack slots, interval map;
//! - [`abi`]: bytes that guest and host share;
//! - [`access`], [`addr`]: rights, frames, views.
//!
//! Invariants have ids (`INV-VIEW-1`); `INVARIANTS.md` beside this directory
//! lists them with the test that attacks each.

pub mod abi;
pub mod access;
pub mod addr;
pub mod class;
pub mod comp;
pub mod inside;
pub mod layout;
pub mod map;
pub mod names;
pub mod report;
pub mod resume;
pub mod scan;
pub mod service;
pub mod slots;
pub mod verdict;
pub mod walk;
