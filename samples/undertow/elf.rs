// SPDX-License-Identifier: GPL-2.0

//! A driver that has ELF files parsed inside a compartment.
//!
//! Write an ELF file to `/dev/undertow_elf` with one `write()`, then read back what the parser
//! found, laid out as in `elf_report.h`. The file is untrusted and the parser is code that could
//! be wrong about it: it runs isolated, so what a crafted file can achieve is an error here.

use kernel::{
    fs::{
        File,
        Kiocb, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

mod elf_parser;
mod elf_report;

use elf_report::{
    Section,
    Segment,
    Summary, //
};

/// The longest file that is accepted, in bytes.
const MAX_FILE: usize = 4 << 20;

/// How many segments and sections are reported.
const MAX_SEGMENTS: usize = 64;
const MAX_SECTIONS: usize = 256;

module! {
    type: ElfModule,
    name: "undertow_elf",
    authors: ["Undertow maintainers"],
    description: "ELF parser in a compartment",
    license: "GPL",
}

undertow::compartment! {
    /// Where the files are parsed.
    static ELF: Compartment = { name: c"elf", stacks: 2, heap: 0 };
}

/// Parses untrusted bytes. Everything in here, and all that it calls, runs inside.
#[undertow::isolated(ELF)]
fn parse(file: &[u8], segments: &mut [Segment], sections: &mut [Section]) -> Result<Summary> {
    elf_parser::parse(file, segments, sections).map_err(|_| ENOEXEC)
}

/// Returns the report on `file`: the summary, then the segments, then the sections.
fn report(file: &[u8]) -> Result<KVec<u8>> {
    let mut segments = KVec::from_elem(Segment::default(), MAX_SEGMENTS, GFP_KERNEL)?;
    let mut sections = KVec::from_elem(Section::default(), MAX_SECTIONS, GFP_KERNEL)?;
    let summary = parse(file, &mut segments, &mut sections)?;

    // The compartment chose these numbers; they may be anything.
    let segments = segments.get(..summary.segments as usize).ok_or(EPROTO)?;
    let sections = sections.get(..summary.sections as usize).ok_or(EPROTO)?;

    let mut report = KVec::new();
    report.extend_from_slice(summary.as_bytes(), GFP_KERNEL)?;
    report.extend_from_slice(segments.as_bytes(), GFP_KERNEL)?;
    report.extend_from_slice(sections.as_bytes(), GFP_KERNEL)?;
    Ok(report)
}

#[pin_data]
struct ElfModule {
    #[pin]
    device: MiscDeviceRegistration<ElfDevice>,
}

impl kernel::InPlaceModule for ElfModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _: { ELF.register(module)? },
            device <- MiscDeviceRegistration::register(MiscDeviceOptions {
                name: c"undertow_elf",
            }),
        })
    }
}

/// An open file: the report on what was last written to it.
#[pin_data]
struct ElfDevice {
    #[pin]
    report: Mutex<KVec<u8>>,
}

#[vtable]
impl MiscDevice for ElfDevice {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _device: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        KBox::pin_init(
            pin_init!(Self {
                report <- new_mutex!(KVec::new()),
            }),
            GFP_KERNEL,
        )
    }

    fn write_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        if iov.len() > MAX_FILE {
            return Err(EFBIG);
        }
        let mut file = KVVec::new();
        let length = iov.copy_from_iter_vec(&mut file, GFP_KERNEL)?;

        let me = kiocb.file();
        let mut last = me.report.lock();
        // A file that cannot be parsed leaves no report, rather than that of another file.
        *last = KVec::new();
        *last = report(&file)?;
        *kiocb.ki_pos_mut() = 0;
        Ok(length)
    }

    fn read_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let me = kiocb.file();
        let report = me.report.lock();

        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), &report)
    }
}
