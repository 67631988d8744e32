// SPDX-License-Identifier: GPL-2.0

//! Parses the file given as argument and writes the report that the driver would give.

use std::{
    env,
    error::Error,
    fs,
    io::{
        self,
        Write, //
    },
};
use zerocopy::IntoBytes;

#[path = "../elf_parser.rs"]
mod elf_parser;
#[path = "../elf_report.rs"]
mod elf_report;

use elf_report::{
    Section,
    Segment, //
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: elf_report FILE")?;
    let file = fs::read(path)?;
    // As many as the driver has.
    let mut segments = [Segment::default(); 64];
    let mut sections = [Section::default(); 256];
    let summary = elf_parser::parse(&file, &mut segments, &mut sections)
        .map_err(|_| "no ELF file, or damaged")?;

    let mut out = io::stdout().lock();
    out.write_all(summary.as_bytes())?;
    out.write_all(segments[..summary.segments as usize].as_bytes())?;
    out.write_all(sections[..summary.sections as usize].as_bytes())?;
    Ok(())
}
