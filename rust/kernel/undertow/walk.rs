// SPDX-License-Identifier: GPL-2.0

//! Looks at the rights on all memory in all views, as the host has them, for what no layout would
//! give: text of one view that one can write.

use crate::{
    bindings,
    prelude::*,
    seq_file::SeqFile,
    seq_print, //
};

use super::{
    host,
    logic::{
        access::{
            Access,
            Rights, //
        },
        addr::ViewId,
        walk::{
            Finding,
            Frame, //
        }, //
    },
    system::{
        self,
        State, //
    },
    table::MAX_VIEWS, //
};

/// Frames of the largest page that the host tells about.
const GIB: u64 = 1 << 18;

/// Findings that are printed one by one; all are counted.
const MAX_LINES: u64 = 64;

/// What a walk counts in one view.
#[derive(Clone, Copy, Default)]
struct Tally {
    executes: u64,
    writes: u64,
    remapped: u64,
}

/// The host's answer about one frame in one view.
#[derive(Clone, Copy)]
struct Answer(u64);

impl Answer {
    fn access(self) -> Result<Access> {
        Access::from_bits((self.0 & 7) as u8).ok_or(EPROTO)
    }

    fn is_remapped(self) -> bool {
        self.0 & u64::from(bindings::KVM_VIEWS_POLICY_REMAPPED) != 0
    }

    /// Returns how many frames from `gfn` on have the same rights at least.
    fn run(self, gfn: u64) -> u64 {
        let level = (self.0 >> 8 & 0xff).clamp(1, 3);
        let frames = 1 << (9 * (level - 1));
        frames - gfn % frames
    }
}

/// Prints what each view can execute and write, and each frame where that does not go together.
///
/// May sleep; nobody registers meanwhile. Some thousand hypercalls a view.
///
/// # Errors
///
/// - `ENODEV`: nothing is enforced.
/// - What the host answers.
pub(super) fn show(m: &SeqFile) -> Result {
    if !system::is_live() {
        return Err(ENODEV);
    }
    system::inspect(|state| walk(m, state))
}

fn walk(m: &SeqFile, state: &State) -> Result {
    // SAFETY: Grows when memory is added, a word.
    let end = unsafe { (&raw const bindings::max_pfn).read_volatile() };
    let end = (end as u64).next_multiple_of(GIB);
    let mut views = KVec::new();
    for number in (0..MAX_VIEWS as u16).filter(|number| state.has_view(*number)) {
        let id = ViewId::new(number).map_err(|_| EINVAL)?;
        views.push((id, Tally::default()), GFP_KERNEL)?;
    }

    let (mut findings, mut lines) = (0, 0);
    let mut gfn = 0;
    while gfn < end {
        let mut frame = Frame::default();
        let mut step = end - gfn;
        let mut answers = [Access::None; MAX_VIEWS];
        for (nr, (view, tally)) in views.iter_mut().enumerate() {
            let answer = Answer(host::policy(*view, gfn).map_err(host::errno)?);
            step = step.min(answer.run(gfn));
            // Not the frame of this number, and not counted in its name.
            if answer.is_remapped() {
                tally.remapped += 1;
                continue;
            }
            answers[nr] = answer.access()?;
            frame.see(*view, answers[nr]);
        }
        for ((_, tally), access) in views.iter_mut().zip(answers) {
            tally.executes += step * u64::from(access.allows(Rights::X));
            tally.writes += step * u64::from(access.allows(Rights::W));
        }
        if let Some(Finding { executes, writes }) = frame.finding() {
            findings += step;
            lines += 1;
            if lines <= MAX_LINES {
                seq_print!(
                    m,
                    "finding: gfn {:#x}, {} frames: view {} executes, view {} writes\n",
                    gfn,
                    step,
                    executes.number(),
                    writes.number()
                );
            }
        }
        gfn += step;
    }
    for (view, tally) in &views {
        seq_print!(
            m,
            "view {}: {} frames executable, {} writable, {} remapped\n",
            view.number(),
            tally.executes,
            tally.writes,
            tally.remapped
        );
    }
    seq_print!(m, "frames: {}\nfindings: {}\n", end, findings);
    Ok(())
}
