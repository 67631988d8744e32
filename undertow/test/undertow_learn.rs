// SPDX-License-Identifier: GPL-2.0

//! A compartment that learns what it needs to write.
//!
//! `insmod undertow_learn.ko` prints one line, errors as errno:
//!
//!     UT-LEARN first=... again=... written=... learned=... exits=... mapped=... region=... common_text=... own_text=... more=...
//!
//! `exits` is what learning one page adds to a call, `mapped` the same for a page that the
//! compartment had read before; `more` are pages learned after the first ones.

use core::{
    ffi::c_int,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    }, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    undertow::{
        selftest,
        Entry,
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Learns,
    name: "undertow_learn",
    authors: ["Undertow maintainers"],
    description: "A compartment that learns what it needs to write",
    license: "GPL",
    params: {
        pages: u64 {
            default: 8,
            description: "how many pages to write to, one call each",
        },
        seal: u32 {
            default: 0,
            description: "1: seal the system first",
        },
        weaken: u32 {
            default: 0,
            description: "1: text can be learned, too; 2: the view is used again",
        },
    },
}

// Words of the orders: [0] where to write, [1] what.
core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.LEARNER, "ax", @progbits
    .p2align 4
    .globl ut_learn_write
    .type ut_learn_write, @function
ut_learn_write:
    endbr64
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    movq    %rcx, (%rax)
    ret
    int3
    .size ut_learn_write, . - ut_learn_write

    .p2align 4
    .globl ut_learn_read
    .type ut_learn_read, @function
ut_learn_read:
    endbr64
    movq    (%rdi), %rax
    movq    (%rax), %rcx
    ret
    int3
    .size ut_learn_read, . - ut_learn_read
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    fn ut_learn_write(orders: *mut u8);
    fn ut_learn_read(orders: *mut u8);
}

undertow::compartment! {
    static LEARNER: Compartment = {
        name: c"learner",
        on_fault: Audit,
    };
}

struct Learns {
    _region: Region,
}

fn write(at: usize, value: u64) -> Result {
    run(ut_learn_write, at, value)
}

fn run(entry: Entry, at: usize, value: u64) -> Result {
    let mut call = LEARNER.begin()?;
    let orders = call.alloc(size_of::<[u64; 2]>(), 8)?.cast::<u64>();
    // SAFETY: `alloc` returned room for two words; the entry takes such orders.
    unsafe {
        orders.write(at as u64);
        orders.add(1).write(value);
        call.run(entry, orders.as_ptr().cast())?;
    }
    Ok(())
}

fn errno(result: Result) -> c_int {
    result.map_or_else(|error| error.to_errno(), |()| 0)
}

/// Returns the exits so far that the host did not cause itself.
fn exits() -> Result<u64> {
    selftest::exits().map(|(all, own)| all.wrapping_sub(own))
}

/// Returns the exits that a call and these questions cause, and how it ended.
fn exits_of(work: impl FnOnce() -> Result) -> Result<(u64, c_int)> {
    let before = exits()?;
    let ended = errno(work());
    // Each CPU has a count of its own: what wraps was on two of them, and is no least value.
    Ok((exits()?.wrapping_sub(before), ended))
}

impl kernel::Module for Learns {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let pages = module_parameters::pages.value() as usize;

        LEARNER.register(module)?;
        let mut region = Region::new(PAGE_SIZE, Policy::KernelRw)?;
        region.lock(c"learner's neighbour")?;

        // Ordinary memory of the kernel, which no compartment may write.
        let words = PAGE_SIZE / size_of::<u64>();
        let mut memory = KVVec::new();
        for _ in 0..(2 * pages + 1) * words {
            memory.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        if module_parameters::seal.value() != 0 {
            selftest::events::seal()?;
        }
        let (mut first, mut again) = (0, 0);
        let (mut least, mut usual) = (u64::MAX, u64::MAX);
        for page in 0..pages {
            let at = memory[page * words..].as_ptr() as usize;
            let (exits, ended) = exits_of(|| write(at, page as u64 + 1))?;
            let (exits_again, ended_again) = exits_of(|| write(at + 8, 7))?;
            first = first.min(ended);
            again = again.min(ended_again);
            // What comes from elsewhere can only add.
            least = least.min(exits);
            usual = usual.min(exits_again);
        }
        // The same for pages that are mapped in the view.
        let mut mapped = u64::MAX;
        for page in pages..2 * pages {
            let at = memory[page * words..].as_ptr() as usize;
            run(ut_learn_read, at, 0)?;
            let (exits, ended) = exits_of(|| write(at, page as u64 + 1))?;
            first = first.min(ended);
            mapped = mapped.min(exits);
        }
        let written = (0..2 * pages)
            .filter(|page| memory[page * words].load(Ordering::Relaxed) == *page as u64 + 1)
            .count();
        let learned = LEARNER.learned();

        // By a name at which nothing but the view protects text; both end with a filling.
        let own_text = (ut_learn_write as *const () as usize | (PAGE_SIZE - 1)) - 7;
        selftest::set_learns_text(module_parameters::weaken.value() == 1);
        selftest::set_reuses_learned(module_parameters::weaken.value() == 2);
        let text = |addr: usize| -> Result<c_int> {
            let alias = selftest::Alias::new(addr)?;
            Ok(errno(write(alias.addr(), 1)))
        };
        pr_info!(
            "UT-LEARN first={} again={} written={} learned={} exits={} mapped={} region={} common_text={} own_text={} more={}\n",
            first,
            again,
            written,
            learned,
            least.saturating_sub(usual),
            mapped.saturating_sub(usual),
            errno(write(region.as_ptr() as usize, 1)),
            text(selftest::common().end - 8)?,
            text(own_text)?,
            LEARNER.learned() - learned
        );
        selftest::set_learns_text(false);
        Ok(Self { _region: region })
    }
}
