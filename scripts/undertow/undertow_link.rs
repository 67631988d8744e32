// SPDX-License-Identifier: GPL-2.0

//! Separates the text of isolated functions from the rest of a Rust object.
//!
//! A compartment of Undertow runs in a view of memory in which only its own text is executable.
//! That text is chosen here: starting at the entry functions that `#[undertow::isolated]` leaves in
//! `.text..undertow.entry.<NAME>`, everything that they reach is copied into one page-aligned
//! section, and a reference to anything that is not available inside is an error of the build.
//!
//! Nothing at run time relies on this tool for safety: the host enforces the rights. What it adds
//! is that a mistake is found by the build, with the call path that leads to it.

mod assemble;
mod class;
mod cli;
mod closure;
mod common;
mod demangle;
mod elf;
mod error;
mod graph;
mod isolate;
mod linked;
mod names;
mod read;
mod scan;
mod write;

/// The part of the kernel's own logic that must give the same answer here.
#[allow(dead_code, unreachable_pub, unused_imports)]
#[path = "../../undertow/logic/src"]
mod logic {
    pub(crate) mod scan;
}

#[cfg(test)]
mod tests;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os().skip(1))
}
