// SPDX-License-Identifier: GPL-2.0

//! A parser for the headers of ELF files that may be hostile.
//!
//! Only `core`, no allocation, no kernel types: the same file is compiled into the driver and into
//! the tests that run on the build machine. All arithmetic on numbers from the file is checked, and
//! every access to it goes through [`Cursor::number`].
//!
//! Layouts: `include/uapi/linux/elf.h`.

use super::elf_report::{
    Section,
    Segment,
    Summary, //
};

/// In `e_phnum`, `e_shstrndx`: look into the first section header.
const PN_XNUM: u32 = 0xffff;
const SHN_XINDEX: u32 = 0xffff;

/// The file is no ELF file, or it is damaged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads the numbers of an ELF file one after the other.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    file: &'a [u8],
    at: usize,
    wide: bool,
    big_endian: bool,
}

impl Cursor<'_> {
    fn number(&mut self, width: usize) -> Result<u64, Malformed> {
        let end = self.at.checked_add(width).ok_or(Malformed)?;
        let bytes = self.file.get(self.at..end).ok_or(Malformed)?;
        let append = |number: u64, &byte: &u8| number << 8 | u64::from(byte);

        self.at = end;
        Ok(if self.big_endian {
            bytes.iter().fold(0, append)
        } else {
            bytes.iter().rev().fold(0, append)
        })
    }

    fn half(&mut self) -> Result<u16, Malformed> {
        self.number(2).map(|number| number as u16)
    }

    fn word(&mut self) -> Result<u32, Malformed> {
        self.number(4).map(|number| number as u32)
    }

    /// Reads a number that is as wide as an address of the file's class.
    fn long(&mut self) -> Result<u64, Malformed> {
        self.number(if self.wide { 8 } else { 4 })
    }

    /// Returns a cursor at a table of `count` entries, all of which are inside the file.
    fn table(&self, at: u64, count: u32, size: usize, stated: u16) -> Result<Self, Malformed> {
        let at = usize::try_from(at).map_err(|_| Malformed)?;
        let length = size.checked_mul(count as usize).ok_or(Malformed)?;
        let end = at.checked_add(length).ok_or(Malformed)?;

        if usize::from(stated) != size || end > self.file.len() {
            return Err(Malformed);
        }
        Ok(Self { at, ..*self })
    }

    fn segment(&mut self) -> Result<Segment, Malformed> {
        let mut segment = Segment {
            r#type: self.word()?,
            ..Segment::default()
        };
        if self.wide {
            segment.flags = self.word()?;
        }
        segment.offset = self.long()?;
        segment.vaddr = self.long()?;
        let _paddr = self.long()?;
        segment.filesz = self.long()?;
        segment.memsz = self.long()?;
        if !self.wide {
            segment.flags = self.word()?;
        }
        let _align = self.long()?;
        Ok(segment)
    }

    /// Returns a section with its `link` and `info`.
    fn section(&mut self) -> Result<(Section, u32, u32), Malformed> {
        let (name, r#type) = (self.word()?, self.word()?);
        let _flags = self.long()?;
        let (addr, offset, size) = (self.long()?, self.long()?, self.long()?);
        let (link, info) = (self.word()?, self.word()?);
        let (_align, _entsize) = (self.long()?, self.long()?);
        Ok((
            Section {
                name,
                r#type,
                addr,
                offset,
                size,
            },
            link,
            info,
        ))
    }
}

/// Parses the headers of `file`. Tables that are longer than `segments` or `sections` are cut.
pub(crate) fn parse(
    file: &[u8],
    segments: &mut [Segment],
    sections: &mut [Section],
) -> Result<Summary, Malformed> {
    let (class, data) = match file {
        [0x7f, b'E', b'L', b'F', class @ 1..=2, data @ 1..=2, 1, ..] => (*class, *data),
        _ => return Err(Malformed),
    };
    let mut header = Cursor {
        file,
        at: 16,
        wide: class == 2,
        big_endian: data == 2,
    };
    let (r#type, machine, _version) = (header.half()?, header.half()?, header.word()?);
    let (entry, phoff, shoff) = (header.long()?, header.long()?, header.long()?);
    let (_flags, _ehsize) = (header.word()?, header.half()?);
    let (phentsize, phnum) = (header.half()?, header.half()?);
    let (shentsize, shnum, shstrndx) = (header.half()?, header.half()?, header.half()?);
    let (phsize, shsize) = if header.wide { (56, 64) } else { (32, 40) };

    // Numbers that do not fit into the ELF header are in the first section header.
    let (mut phnum, mut shnum, mut shstrndx) =
        (u32::from(phnum), u32::from(shnum), u32::from(shstrndx));
    if shoff == 0 {
        (shnum, shstrndx) = (0, 0);
    } else if shnum == 0 || shstrndx == SHN_XINDEX || phnum == PN_XNUM {
        let (first, link, info) = header.table(shoff, 1, shsize, shentsize)?.section()?;
        if shnum == 0 {
            shnum = u32::try_from(first.size).map_err(|_| Malformed)?;
        }
        if shstrndx == SHN_XINDEX {
            shstrndx = link;
        }
        if phnum == PN_XNUM {
            phnum = info;
        }
    }
    if shstrndx != 0 && shstrndx >= shnum {
        return Err(Malformed);
    }

    let mut summary = Summary {
        entry,
        phnum,
        shnum,
        shstrndx,
        r#type,
        machine,
        class,
        data,
        ..Summary::default()
    };
    if phnum != 0 {
        let mut table = header.table(phoff, phnum, phsize, phentsize)?;
        for (slot, _) in segments.iter_mut().zip(0..phnum) {
            *slot = table.segment()?;
            summary.segments += 1;
        }
    }
    if shnum != 0 {
        let mut table = header.table(shoff, shnum, shsize, shentsize)?;
        for (slot, _) in sections.iter_mut().zip(0..shnum) {
            *slot = table.section()?.0;
            summary.sections += 1;
        }
    }
    Ok(summary)
}
