// SPDX-License-Identifier: GPL-2.0

//! Tests on objects that the compiler makes here, and on those of a kernel build.
//!
//! `UNDERTOW_KERNEL_BUILD=<directory>` names a built kernel; the tests that want one say that they
//! are skipped without it.

mod cases;
mod cli;
mod common;
mod copies;
mod demangle;
mod fixture;
mod formats;
mod fuzz;
mod linked;
mod memory;
mod rules;
