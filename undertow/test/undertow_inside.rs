// SPDX-License-Identifier: GPL-2.0

//! Violations inside a compartment: who hears of them, at what price, and what comes of it.
//!
//! `insmod undertow_inside.ko` prints lines `UT-INSIDE NAME error=... at=... exits=...`: the errno of
//! a call, whether the fault names the address that was touched, and the VM exits that it added to a
//! call, at the least of many tries. What they must be the job knows.

use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    undertow::{
        selftest::{
            self,
            inside, //
        },
        Entry,
        Fault,
        Policy,
        Region, //
    },
    ThisModule, //
};

#[path = "inside/entries.rs"]
mod entries;

use entries::*;

module! {
    type: Inside,
    name: "undertow_inside",
    authors: ["Undertow maintainers"],
    description: "Violations inside a compartment",
    license: "GPL",
    params: {
        tries: u64 {
            default: 24,
            description: "calls for each figure",
        },
        rounds: u64 {
            default: 24,
            description: "how often to borrow a large region under fire",
        },
    },
}

undertow::compartment! {
    static INSIDE: Compartment = {
        name: c"inside",
        stacks: 2,
        max_us: 0,
    };
}

const SECRET: u64 = 0x0123_4567_89ab_cdef;

struct Inside;

/// What a call came to.
struct Came {
    result: Result<(), Fault>,
    words: [u64; 4],
    exits: u64,
}

impl Came {
    fn error(&self) -> i32 {
        self.result
            .map_or_else(|fault| Error::from(fault).to_errno(), |()| 0)
    }

    /// Returns whether it was a violation at this address, and its frame's.
    fn names(&self, addr: u64) -> bool {
        if addr == 0 {
            return false;
        }
        let frame = selftest::frame_at(addr as usize) * PAGE_SIZE as u64;
        let gpa_wanted = frame + addr % PAGE_SIZE as u64;
        matches!(self.result, Err(Fault::Violation { addr: at, gpa }) if at == addr && gpa == gpa_wanted)
    }
}

/// Returns the exits so far that the host did not cause itself. They are two questions: asked
/// again when the host came in between.
fn exits() -> Result<u64> {
    loop {
        let (_, before) = selftest::exits()?;
        let (all, own) = selftest::exits()?;
        if own == before {
            return Ok(all.wrapping_sub(own));
        }
    }
}

fn call(entry: Entry, orders: [u64; 4]) -> Result<Came> {
    let mut call = INSIDE.begin()?;
    let memory = call
        .alloc(size_of::<[u64; 4]>(), 8)?
        .cast::<[u64; 4]>()
        .as_ptr();
    // SAFETY: `alloc` returned room for four words.
    unsafe { memory.write(orders) };
    let before = exits()?;
    // SAFETY: Each entry takes four words of orders, and touches what the test has given it.
    let result = unsafe { call.run(entry, memory.cast()) };
    let exits = exits()?.wrapping_sub(before);
    // SAFETY: As above; any bits are words.
    let words = unsafe { memory.read_volatile() };
    Ok(Came {
        result,
        words,
        exits,
    })
}

/// Makes a call again and again; returns the last one, with the least exits of all.
fn least(tries: u64, mut attempt: impl FnMut() -> Result<Came>) -> Result<Came> {
    let mut came = attempt()?;
    for _ in 1..tries {
        let again = attempt()?;
        came = Came {
            exits: came.exits.min(again.exits),
            ..again
        };
    }
    Ok(came)
}

/// What a call that does nothing costs, with the two questions around it.
struct Usual(u64);

impl Usual {
    fn say(&self, name: &CStr, came: &Came, addr: u64) {
        pr_info!(
            "UT-INSIDE {} error={} at={} exits={}\n",
            name,
            came.error(),
            u8::from(came.names(addr)),
            came.exits.saturating_sub(self.0)
        );
    }
}

fn denials(usual: &Usual, key: &Region, ro: &Region, vault: &Region) -> Result {
    let tries = module_parameters::tries.value();
    let at = |region: &Region| region.as_ptr() as u64 + 0x138;

    for (name, entry, region) in [
        (c"read_key", ut_inside_read as Entry, key),
        (c"write_key", ut_inside_write, key),
        (c"read_ro", ut_inside_read, ro),
        (c"write_vault", ut_inside_write, vault),
        (c"run_key", ut_inside_run, key),
    ] {
        let came = least(tries, || call(entry, [at(region), 0, 0, 0]))?;
        usual.say(name, &came, at(region));
    }
    // The way by the host says the same.
    let view = INSIDE.view().ok_or(ENODEV)?;
    selftest::set_rights(view, key.as_ptr() as usize, 1, 0)?;
    let came = least(tries, || call(ut_inside_read, [at(key), 0, 0, 0]))?;
    usual.say(c"by_host", &came, at(key));
    Ok(())
}

fn restarts(usual: &Usual, key: &Region) -> Result {
    let at = key.as_ptr() as u64;
    INSIDE.kill()?;
    let dead = call(ut_inside_read, [at, 0, 0, 0]);
    INSIDE.restart()?;
    let tries = module_parameters::tries.value();
    let works = least(tries, || call(ut_inside_nothing, [0; 4]))?;
    usual.say(c"restarted", &works, 0);
    let came = least(tries, || call(ut_inside_read, [at, 0, 0, 0]))?;
    usual.say(c"read_after_restart", &came, at);
    pr_info!(
        "UT-INSIDE dead error={}\n",
        dead.map_or_else(|error| error.to_errno(), |came| came.error())
    );
    Ok(())
}

/// A region of `pages` pages, lent to the compartment.
fn lent(pages: usize) -> Result<Region> {
    let mut region = Region::new(pages * PAGE_SIZE, Policy::KernelRw)?;
    region.lend_to(&INSIDE)?;
    region.lock(c"inside loan")?;
    Ok(region)
}

fn loans(usual: &Usual) -> Result {
    const PAGES: usize = 16;
    let loan = lent(PAGES)?;
    let page = |nr: usize| loan.as_ptr() as u64 + (nr * PAGE_SIZE) as u64 + 8;

    let mut first = Came {
        result: Ok(()),
        words: [0; 4],
        exits: u64::MAX,
    };
    let (mut whole, mut again) = (0, u64::MAX);
    for nr in 0..PAGES {
        // Every register and flag is as it was before the first touch.
        let came = call(ut_inside_regs, [page(nr), 0, SECRET, 0])?;
        whole += came.words[1];
        first = Came {
            exits: first.exits.min(came.exits),
            ..came
        };
        again = again.min(call(ut_inside_read, [page(nr), 0, 0, 0])?.exits);
    }
    // SAFETY: Lent memory is readable in view 0; `nr` is a page of it.
    let written = (0..PAGES)
        .filter(|&nr| unsafe { (page(nr) as *const u64).read_volatile() } == SECRET)
        .count();
    usual.say(c"first_touch", &first, 0);
    pr_info!(
        "UT-INSIDE loan pages={} whole={} written={} again={}\n",
        PAGES,
        whole,
        written,
        again.saturating_sub(usual.0)
    );

    // The same when events come between the #VE and the end of its way out.
    let lost = lent(1)?;
    let before = inside::lost();
    inside::lose(5);
    let came = call(ut_inside_regs, [lost.as_ptr() as u64 + 8, 0, SECRET, 0])?;
    pr_info!(
        "UT-INSIDE lost times={} whole={} error={}\n",
        inside::lost() - before,
        came.words[1],
        came.error()
    );

    let diverted = lent(1)?;
    inside::divert(1);
    let came = call(ut_inside_regs, [diverted.as_ptr() as u64 + 8, 0, SECRET, 0])?;
    inside::divert(0);
    pr_info!(
        "UT-INSIDE diverted whole={} error={}\n",
        came.words[1],
        came.error()
    );

    // It can be written, not run; and what was given back is out of reach.
    let tries = module_parameters::tries.value();
    let came = least(tries, || call(ut_inside_run, [page(0), 0, 0, 0]))?;
    usual.say(c"run_loan", &came, page(0));
    let (view, at) = (INSIDE.view().ok_or(ENODEV)?, page(1));
    let mine = selftest::rights(view, at as usize)?;
    drop(loan);
    let ordinary = selftest::rights(view, at as usize)?;
    pr_info!("UT-INSIDE given_back lent={} then={}\n", mine, ordinary);
    Ok(())
}

/// Stacks on which #VE can't be delivered, or the stub can't save anything.
fn stacks(usual: &Usual, key: &Region) -> Result {
    let tries = module_parameters::tries.value();
    let at = key.as_ptr() as u64 + 0x10;
    let kernel = KBox::new([0_u64; 64], GFP_KERNEL)?;
    let kernel_sp = kernel.as_ptr() as u64 + 256;

    for (name, sp) in [
        (c"stack_kernel", kernel_sp),
        (c"stack_key", key.as_ptr() as u64 + 1024),
        (c"stack_null", 0),
        (c"stack_noncanonical", 1 << 63),
    ] {
        let came = least(tries, || call(ut_inside_read_on, [at, sp, 0, 0]))?;
        usual.say(name, &came, at);
    }
    // As deep as the CPU's frame fits and the stub's registers don't: the guard page.
    let came = least(tries, || {
        call(ut_inside_read_deep, [at, 4 * 4096 - 64, 0, 0])
    })?;
    usual.say(c"stack_end", &came, at);
    pr_info!(
        "UT-INSIDE stack_end violation={}\n",
        u8::from(matches!(came.result, Err(Fault::Violation { .. })))
    );

    // What may be had is given on such a stack, too.
    let loan = lent(tries as usize)?;
    let at = loan.as_ptr() as u64;
    let mut pages = (0..tries).map(|nr| at + nr * PAGE_SIZE as u64);
    let came = least(tries, || {
        call(
            ut_inside_touch_on,
            [pages.next().ok_or(EINVAL)?, kernel_sp, 0, 0],
        )
    })?;
    usual.say(c"loan_on_kernel_stack", &came, 0);
    pr_info!(
        "UT-INSIDE untouched kernel={} loan={}\n",
        u8::from(kernel.iter().all(|&word| word == 0)),
        // SAFETY: Lent memory is readable in view 0.
        unsafe { (at as *const u64).read_volatile() }
    );
    Ok(())
}

/// Every other event: an exit each, and the call ends as it always did.
fn events(usual: &Usual) -> Result {
    let tries = module_parameters::tries.value();
    for (nr, name) in [
        c"int3",
        c"ud2",
        c"divide",
        c"null",
        c"noncanonical",
        c"int80",
        c"int13",
        c"in",
        c"hlt",
    ]
    .into_iter()
    .enumerate()
    {
        let came = least(tries, || call(ut_inside_event, [nr as u64, 0, 0, 0]))?;
        pr_info!(
            "UT-INSIDE event_{} error={} exits={} fault={:?}\n",
            name,
            came.error(),
            came.exits.saturating_sub(usual.0),
            came.result
        );
    }
    Ok(())
}

/// Borrows page after page while interrupts and NMIs come.
fn storm() -> Result {
    const PAGES: usize = 512;
    let (mut done, mut faults) = (0, 0);
    let before = inside::lost();

    for _ in 0..module_parameters::rounds.value() {
        let loan = lent(PAGES)?;
        let mut call = INSIDE.begin()?;
        let orders = call.alloc(size_of::<[u64; 4]>(), 8)?.cast::<[u64; 4]>();
        // SAFETY: `alloc` returned room for four words.
        unsafe { orders.write([loan.as_ptr() as u64, PAGES as u64, SECRET, 0]) };
        let mut storm = selftest::events::Storm {
            calls: 1,
            period_ns: 100_000,
            nmi: kernel::cpu::nr_cpu_ids() > 1,
            ..Default::default()
        };
        selftest::Bench::new(&call, ut_inside_sweep, core::ptr::null())
            .storm(orders.as_ptr().cast(), &mut storm)?;
        faults += storm.ended;
        let words = loan.as_ptr().cast::<u64>();
        // SAFETY: Lent memory is readable in view 0.
        done += (0..PAGES)
            .filter(|nr| unsafe { words.add(nr * PAGE_SIZE / 8).read_volatile() } == SECRET)
            .count();
    }
    pr_info!(
        "UT-INSIDE storm pages={} done={} ended={} lost={}\n",
        module_parameters::rounds.value() as usize * PAGES,
        done,
        faults,
        inside::lost() - before
    );
    Ok(())
}

impl kernel::Module for Inside {
    fn init(module: &'static ThisModule) -> Result<Self> {
        INSIDE.register(module)?;
        let view = INSIDE.view().ok_or(ENODEV)?;
        let mut key = Region::new(PAGE_SIZE, Policy::KernelRw)?;
        key.lock(c"inside key")?;
        let mut ro = Region::new(PAGE_SIZE, Policy::KernelRo)?;
        ro.lock(c"inside ro")?;
        let mut vault = Region::new(PAGE_SIZE, Policy::KernelRw)?;
        vault.give_to(&INSIDE)?;
        vault.lock(c"inside vault")?;

        pr_info!(
            "UT-INSIDE view takes_ve={}\n",
            u8::from(inside::takes_ve(view))
        );
        let tries = module_parameters::tries.value();
        let usual = Usual(least(tries, || call(ut_inside_nothing, [0; 4]))?.exits);
        denials(&usual, &key, &ro, &vault)?;
        restarts(&usual, &ro)?;
        loans(&usual)?;
        stacks(&usual, &ro)?;
        events(&usual)?;
        storm()?;
        // It is readable in the compartment, so that the call must say so.
        let came = least(tries, || {
            call(ut_inside_read, [vault.as_ptr() as u64, 0, 0, 0])
        })?;
        usual.say(c"read_vault", &came, 0);
        Ok(Self)
    }
}
