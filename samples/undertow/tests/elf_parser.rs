// SPDX-License-Identifier: GPL-2.0

//! The ELF sample's parser against good, cut and hostile files.

use std::{
    env,
    fs,
    mem::size_of, //
};

#[path = "../elf_parser.rs"]
mod elf_parser;
#[path = "../elf_report.rs"]
mod elf_report;

use elf_parser::Malformed;
use elf_report::{
    Section,
    Segment,
    Summary, //
};

const SEGMENTS: usize = 4;
const SECTIONS: usize = 8;

fn parse(file: &[u8]) -> Result<Summary, Malformed> {
    let mut segments = [Segment::default(); SEGMENTS];
    let mut sections = [Section::default(); SECTIONS];
    let summary = elf_parser::parse(file, &mut segments, &mut sections)?;

    assert!(summary.segments as usize <= SEGMENTS);
    assert!(summary.sections as usize <= SECTIONS);
    Ok(summary)
}

/// Builds ELF files field by field, in either class and byte order.
struct Builder {
    file: Vec<u8>,
    wide: bool,
    big_endian: bool,
}

impl Builder {
    fn put(&mut self, width: usize, value: u64) -> &mut Self {
        let bytes = value.to_be_bytes();
        let bytes = &bytes[8 - width..];
        if self.big_endian {
            self.file.extend(bytes);
        } else {
            self.file.extend(bytes.iter().rev());
        }
        self
    }

    fn long(&mut self, value: u64) -> &mut Self {
        self.put(if self.wide { 8 } else { 4 }, value)
    }

    /// An ELF header that promises one segment at `phoff` and `shnum` sections at `shoff`.
    fn header(wide: bool, big_endian: bool, [phoff, shoff]: [u64; 2], nums: [u64; 3]) -> Self {
        let mut new = Self {
            file: vec![
                0x7f,
                b'E',
                b'L',
                b'F',
                1 + u8::from(wide),
                1 + u8::from(big_endian),
                1,
            ],
            wide,
            big_endian,
        };
        let (phentsize, shentsize) = if wide { (56, 64) } else { (32, 40) };
        let [phnum, shnum, shstrndx] = nums;

        new.file.resize(16, 0);
        new.put(2, 2).put(2, 62).put(4, 1);
        new.long(0x1234).long(phoff).long(shoff).put(4, 0).put(2, 0);
        new.put(2, phentsize).put(2, phnum);
        new.put(2, shentsize).put(2, shnum).put(2, shstrndx);
        new
    }

    /// Appends a section header.
    fn section(&mut self, size: u64, link: u64, info: u64) -> &mut Self {
        self.put(4, 7)
            .put(4, 1)
            .long(0)
            .long(0x11)
            .long(0x22)
            .long(size);
        self.put(4, link).put(4, info).long(0).long(0)
    }
}

#[test]
fn layouts_match_the_c_header() {
    assert_eq!(size_of::<Summary>(), 40);
    assert_eq!(size_of::<Segment>(), 40);
    assert_eq!(size_of::<Section>(), 32);
}

#[test]
fn reads_both_classes_and_byte_orders() {
    for (wide, big_endian) in [(false, false), (false, true), (true, false), (true, true)] {
        let end = if wide { 64 } else { 52 };
        let mut elf = Builder::header(wide, big_endian, [0, end], [0, 2, 1]);
        elf.section(3, 0, 0).section(0x33, 0, 0);

        let mut sections = [Section::default(); 2];
        let summary = elf_parser::parse(&elf.file, &mut [], &mut sections).unwrap();

        assert_eq!(
            (summary.entry, summary.r#type, summary.machine),
            (0x1234, 2, 62)
        );
        assert_eq!(
            (summary.shnum, summary.sections, summary.shstrndx),
            (2, 2, 1)
        );
        let expected = Section {
            name: 7,
            r#type: 1,
            addr: 0x11,
            offset: 0x22,
            size: 0x33,
        };
        assert_eq!(sections[1], expected);
    }
}

#[test]
fn reads_counts_from_the_first_section() {
    let mut elf = Builder::header(true, false, [64, 64], [0xffff, 0, 0xffff]);
    // 70,000 sections of 64 bytes leave room for as many segments.
    elf.section(70_000, 69_999, 66_000);
    elf.file.resize(64 + 64 * 70_000, 0);

    let summary = parse(&elf.file).unwrap();

    assert_eq!(
        (summary.shnum, summary.phnum, summary.shstrndx),
        (70_000, 66_000, 69_999)
    );
    assert_eq!(
        (summary.segments as usize, summary.sections as usize),
        (SEGMENTS, SECTIONS)
    );
}

#[test]
fn refuses_tables_outside_the_file() {
    // (phoff, shoff), (phnum, shnum, shstrndx) of a file that ends after its header.
    let hostile: [([u64; 2], [u64; 3]); 8] = [
        ([64, 0], [1, 0, 0]),
        ([u64::MAX, 0], [1, 0, 0]),
        ([u64::MAX - 55, 0], [1, 0, 0]),
        ([0, 64], [0, 1, 0]),
        ([0, u64::MAX], [0, 1, 0]),
        ([0, 64], [0, 0, 0]),
        ([0, 1], [0, 0xfffe, 0]),
        ([8, 0], [2, 0, 0]),
    ];
    for (offsets, nums) in hostile {
        let elf = Builder::header(true, false, offsets, nums);
        assert_eq!(parse(&elf.file), Err(Malformed), "{offsets:x?} {nums:?}");
    }
}

#[test]
fn refuses_a_huge_count_in_the_first_section() {
    for size in [u64::from(u32::MAX), 1 << 32, u64::MAX] {
        let mut elf = Builder::header(true, false, [0, 64], [0, 0, 0]);
        elf.section(size, 0, 0);
        assert_eq!(parse(&elf.file), Err(Malformed), "{size:#x}");
    }
}

#[test]
fn refuses_a_name_section_that_does_not_exist() {
    let mut elf = Builder::header(true, false, [0, 64], [0, 1, 1]);
    elf.section(0, 0, 0);
    assert_eq!(parse(&elf.file), Err(Malformed));
}

#[test]
fn refuses_other_files() {
    let good = Builder::header(true, false, [0, 0], [0, 0, 0]).file;
    assert!(parse(&good).is_ok());
    for (at, bad) in [
        (0, 0x7e),
        (3, b'f'),
        (4, 0),
        (4, 3),
        (5, 0),
        (5, 3),
        (6, 0),
        (6, 2),
    ] {
        let mut file = good.clone();
        file[at] = bad;
        assert_eq!(parse(&file), Err(Malformed), "byte {at} = {bad}");
    }
    // An entry size that is not the one of the class, of a table that is not empty.
    let mut elf = Builder::header(true, false, [0, 0], [1, 0, 0]);
    assert!(parse(&elf.file).is_ok());
    elf.file[54] = 57;
    assert_eq!(parse(&elf.file), Err(Malformed));
}

#[test]
fn survives_every_truncation_of_a_real_file() {
    let file = fs::read(env::current_exe().unwrap()).unwrap();
    let whole = parse(&file).unwrap();
    assert!(whole.phnum > 0 && whole.shnum > 0);

    // The sections come last, so that each byte missing at the end is one of a section header.
    for length in (0..4096).chain(file.len() - 4096..file.len()) {
        assert_eq!(parse(&file[..length]), Err(Malformed), "{length} bytes");
    }
}

#[test]
fn survives_random_damage() {
    let mut elf = Builder::header(true, false, [64, 176], [2, 3, 2]);
    elf.file.resize(176, 0xa5);
    elf.section(0, 0, 0).section(1, 2, 3).section(4, 5, 6);
    assert!(parse(&elf.file).is_ok());

    let (mut random, mut parsed, mut refused) = (0x2545_f491_4f6c_dd1d_u64, 0, 0);
    for _ in 0..1_000_000 {
        let mut file = elf.file.clone();
        for _ in 0..4 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            file[(random >> 8) as usize % 64] = random as u8;
        }
        match parse(&file) {
            Ok(_) => parsed += 1,
            Err(Malformed) => refused += 1,
        }
    }
    // Both must happen often, or the damage says nothing.
    assert!(
        parsed > 10_000 && refused > 10_000,
        "{parsed} parsed, {refused} refused"
    );
}
