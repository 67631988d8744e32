// SPDX-License-Identifier: GPL-2.0

//! One fault of a campaign, made.

use core::arch::asm;
use kernel::{
    bindings,
    error::code,
    interrupt::local_interrupt_disable,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    undertow::{
        compartment::Entry,
        selftest::{
            self,
            events::Storm,
            Bench, //
        },
        wire::{
            self,
            ByValue,
            Plain,
            Res,
            SliceMut, //
        },
        Compartment,
        Fault,
        Region, //
    },
    workqueue, //
};

use super::{
    entries::*,
    plan::{
        Kind,
        Outcome,
        Step, //
    },
    PAGE, //
};

/// Longer than any call of the load takes, shorter than the limit that the job sets for the host.
const DEADLINE_US: u32 = 60_000;

undertow::compartment! {
    pub(crate) static TARGET: Compartment = {
        name: c"target",
        // Of the load, of a call and of one that its service makes.
        stacks: 5,
        max_us: 60_000,
        on_fault: Kill,
        services: [trouble],
    };
}

undertow::compartment! {
    pub(crate) static PATIENT: Compartment = {
        name: c"patient",
        stacks: 1,
        max_us: 0,
        on_fault: Kill,
    };
}

#[undertow::isolated(TARGET)]
fn out_of_bounds(data: &[u8], at: usize) -> Result<u8> {
    Ok(data[at])
}

#[undertow::isolated(TARGET)]
fn overflow(left: u32, right: u32) -> Result<u32> {
    Ok(left + right)
}

#[undertow::isolated(TARGET)]
fn nothing(value: Option<u32>) -> Result<u32> {
    Ok(value.unwrap())
}

/// Does to the compartment that asks what the variant of the fault says.
#[undertow::service(may_sleep)]
fn trouble(variant: u32) -> Result<u32> {
    match variant {
        0 => TARGET.kill()?,
        1 => fsleep(Delta::from_micros(i64::from(DEADLINE_US) + 10_000)),
        2 => return Ok(run(&TARGET, ut_camp_trap, [1, 0]).map_or(1, |_| 0)),
        _ => {}
    }
    Ok(1)
}

#[undertow::isolated(TARGET)]
fn in_trouble(variant: u32) -> Result<u32> {
    trouble(variant)
}

/// What a wild access may aim at, each in danger.
pub(crate) struct Victims {
    pub(crate) heap: KVec<u64>,
    pub(crate) key: Region,
}

const PATTERN: u64 = 0x5afe_5afe_5afe_5afe;

/// What came of a fault.
pub(crate) struct Seen {
    pub(crate) got: Outcome,
    pub(crate) at: Option<u64>,
}

impl Victims {
    pub(crate) fn new(key: Region) -> Result<Self> {
        let mut heap = KVec::with_capacity(3 * PAGE / 8, GFP_KERNEL)?;
        for _ in 0..heap.capacity() {
            heap.push(PATTERN, GFP_KERNEL)?;
        }
        Ok(Self { heap, key })
    }

    /// Returns whether nobody has written to the heap.
    pub(crate) fn are_whole(&self) -> bool {
        self.heap
            .iter()
            // SAFETY: A reference to a word. Volatile: not by this kernel's rules, but by a
            // compartment that broke them, it may have changed.
            .all(|word| unsafe { core::ptr::from_ref(word).read_volatile() } == PATTERN)
    }

    fn heap_at(&self, dice: u64) -> u64 {
        let first = (self.heap.as_ptr() as u64).next_multiple_of(PAGE as u64);
        first + dice % (PAGE as u64 - 8)
    }

    fn key_at(&self, dice: u64) -> u64 {
        self.key.as_ptr() as u64 + dice % (PAGE as u64 - 8)
    }
}

/// Runs a call to its end; returns its result, word 2.
pub(crate) fn run(
    compartment: &'static Compartment,
    entry: Entry,
    words: [u64; 2],
) -> Result<u64, Fault> {
    let mut call = compartment.begin()?;
    let orders = call.alloc(size_of::<[u64; 4]>(), 8)?.cast::<u64>();
    // SAFETY: `alloc` returned room for four words, zeroed; the entries take such orders.
    unsafe {
        orders.write(words[0]);
        orders.add(1).write(words[1]);
        call.run(entry, orders.as_ptr().cast())?;
        Ok(orders.add(2).read_volatile())
    }
}

fn outcome_of(result: Result<bool, Fault>) -> Seen {
    let mut at = None;
    let got = match result {
        Ok(true) => Outcome::Returned,
        Err(Fault::Violation { addr, .. }) => {
            at = Some(addr);
            Outcome::Violation
        }
        Err(Fault::Exception(vector)) => Outcome::Exception(vector),
        Err(Fault::Panicked) => Outcome::Panicked,
        Err(Fault::Refused(reason)) => Outcome::Refused(reason),
        Err(Fault::TimedOut) => Outcome::TimedOut,
        Err(Fault::Dead) => Outcome::Dead,
        Err(Fault::BadReturn) => Outcome::BadReturn,
        Err(Fault::Denied(_)) => Outcome::Denied,
        _ => Outcome::Other,
    };
    Seen { got, at }
}

/// An access at an address: the fault has to name it.
fn aimed(entry: Entry, at: u64) -> Seen {
    let result = outcome_of(run(&TARGET, entry, [at, PATTERN + 1]).map(|_| true));
    match result.at {
        Some(addr) if addr != at => Seen {
            got: Outcome::Other,
            ..result
        },
        _ => result,
    }
}

/// Not canonical, whatever the number of levels.
fn uncanonical(dice: u64) -> u64 {
    1 << 62 | dice >> 2 & !(1 << 61)
}

/// The hole between user space and the kernel's direct map, which Linux leaves for a hypervisor.
fn hole(dice: u64) -> u64 {
    0xffff_8000_0000_0000 + dice % (1 << 40)
}

/// Where `insmod` may have its text: mapped or not, not for the kernel.
fn user(dice: u64) -> u64 {
    0x40_0000 + dice % (1 << 20)
}

fn null(dice: u64) -> u64 {
    dice % PAGE as u64
}

fn kernel_text(dice: u64) -> u64 {
    bindings::_printk as *const () as u64 + dice % 256
}

fn idt() -> u64 {
    let mut idtr = [0_u8; 10];
    // SAFETY: Stores ten bytes.
    unsafe { asm!("sidt [{}]", in(reg) idtr.as_mut_ptr()) };
    idtr[2..]
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// Per-CPU data of some CPU: this one's until the call is made.
fn per_cpu() -> u64 {
    let base: u64;
    // SAFETY: Reads GS base; the kernel needs FSGSBASE for views.
    unsafe { asm!("rdgsbase {}", out(reg) base) };
    base + 8 * 1024
}

fn fs_base() -> u64 {
    let base: u64;
    // SAFETY: As above.
    unsafe { asm!("rdfsbase {}", out(reg) base) };
    base
}

fn read(variant: usize, dice: u64, victims: &Victims) -> Seen {
    let at = match variant {
        0 => null(dice),
        1 => victims.key_at(dice),
        2 => hole(dice),
        3 => user(dice),
        _ => uncanonical(dice),
    };
    aimed(ut_camp_read, at)
}

fn write(variant: usize, dice: u64, victims: &Victims) -> Result<Seen> {
    let here = 0_u64;
    let at = match variant {
        0 => null(dice),
        1 => victims.heap_at(dice),
        2 => victims.key_at(dice),
        3 => kernel_text(dice),
        4 => ut_camp_read as *const () as u64,
        5 => idt() + dice % 256,
        6 => &raw const here as u64,
        7 => {
            // The guard page below the stack of the first call: that is the lowest one.
            let call = TARGET.begin()?;
            let guard = selftest::leaks::guard_page(&TARGET) as u64;
            drop(call);
            guard + dice % (PAGE as u64 - 8)
        }
        8 => per_cpu(),
        _ => uncanonical(dice),
    };
    Ok(aimed(ut_camp_write, at))
}

fn jump(variant: usize, dice: u64, victims: &Victims) -> Seen {
    let gate = |page: u64| selftest::gate() as u64 + page * PAGE as u64 + dice % PAGE as u64;
    let at = match variant {
        0 => null(dice),
        1 => kernel_text(dice),
        2 => victims.heap_at(dice),
        3 => gate(0),
        4 => gate(2),
        5 => gate(3),
        6 => selftest::leaks::guard_page(&TARGET) as u64 + PAGE as u64 + dice % (4 * PAGE as u64),
        7 => user(dice),
        _ => uncanonical(dice),
    };
    aimed(ut_camp_jump, at)
}

fn stack_overflow(variant: usize, dice: u64) -> Seen {
    let stride = match variant {
        0 => 8,
        // A frame that can't step over the guard page.
        _ => 8 + dice % 511 * 8,
    };
    outcome_of(run(&TARGET, ut_camp_overflow, [stride, 0]).map(|_| true))
}

fn endless(variant: usize, irqs_off: bool) -> Seen {
    let (compartment, entry): (&'static Compartment, Entry) = match variant {
        0 => (&TARGET, ut_camp_spin_TARGET),
        1 => (&PATIENT, ut_camp_spin_PATIENT),
        2 => (&TARGET, ut_camp_spin_cli_TARGET),
        _ => (&PATIENT, ut_camp_spin_cli_PATIENT),
    };
    let guard = irqs_off.then(local_interrupt_disable);
    let result = run(compartment, entry, [0; 2]);
    drop(guard);
    outcome_of(result.map(|_| true))
}

fn panic(variant: usize, dice: u64) -> Seen {
    let result = match variant {
        0 => out_of_bounds(&[1, 2, 3], 3 + (dice >> 8) as usize).map(|_| ()),
        1 => overflow(u32::MAX, 1 + (dice as u32 >> 1)).map(|_| ()),
        _ => nothing(None).map(|_| ()),
    };
    let got = match result {
        Ok(()) => Outcome::Returned,
        Err(error) if error == code::ENOTRECOVERABLE => Outcome::Panicked,
        Err(error) if error == code::ESHUTDOWN => Outcome::Dead,
        Err(_) => Outcome::Other,
    };
    Seen { got, at: None }
}

/// Where the stubs of forbidden instructions begin in `ut_camp_trap`.
const FIRST_FORBIDDEN: usize = 9;
/// As many there are.
const FORBIDDEN: usize = 7;

fn trap(place: usize) -> Seen {
    outcome_of(run(&TARGET, ut_camp_trap, [place as u64, 0]).map(|_| true))
}

fn forbidden(variant: usize, dice: u64) -> Seen {
    if variant < FORBIDDEN {
        return trap(FIRST_FORBIDDEN + variant);
    }
    let view = match variant - FORBIDDEN {
        0 => 0,
        1 => 1,
        2 => 63 + dice % 400,
        _ => 512 + dice % (1 << 31),
    };
    let result = outcome_of(run(&TARGET, ut_camp_switch, [0, view]).map(|_| true));
    Seen { at: None, ..result }
}

const DONE: u64 = 0x444f_4e45;
const PRESENT: u64 = 1;
const ABSENT: u64 = 2;

fn bad_return(variant: usize, dice: u64) -> Seen {
    let tagged = |tag: u64, errno: u64| tag | errno << 32;
    let finished = |payload: u64| payload | DONE << 32;
    let [head, tail] = match variant {
        0 => [0, 0],
        1 => [tagged(3 + (dice >> 33), 0), finished(1)],
        2 => [tagged(PRESENT, 0), finished(2 + dice % 254)],
        3 => [tagged(ABSENT, dice >> 33), finished(0)],
        _ => [tagged(PRESENT, 0), finished(dice & 1)],
    };
    type Args = (ByValue<Plain<[u64; 4]>>,);
    // SAFETY: Does worse than pass its argument on, as only a compartment can: what it leaves is
    // what `call` judges.
    let result = unsafe {
        wire::call::<Args, Res<Plain<bool>>>(&TARGET, ut_camp_result_block, ([head, tail, 0, 0],))
    };
    outcome_of(result.map(|value| value == Ok(dice & 1 == 1)))
}

fn corrupted(variant: usize, dice: u64) -> Seen {
    const MARGIN: usize = 64;
    let entry: Entry = match variant {
        0 => ut_camp_scribble_done_block,
        1 => ut_camp_scribble_block,
        _ => ut_camp_misdirect_block,
    };
    let mut buffer = [0xc3_u8; 4 * MARGIN];
    let length = (dice % (2 * MARGIN as u64 + 1)) as usize;
    // SAFETY: As in `bad_return`.
    let result = unsafe {
        wire::call::<(SliceMut<u8>,), Res<Plain<bool>>>(
            &TARGET,
            entry,
            (&mut buffer[MARGIN..MARGIN + length],),
        )
    };
    // What was not lent, or not given back, is as it was.
    let whole = buffer.iter().all(|&byte| byte == 0xc3);
    match outcome_of(result.map(|value| value == Ok(true))) {
        _ if !whole => Seen {
            got: Outcome::Other,
            at: None,
        },
        result => result,
    }
}

static HOSTAGE: Atomic<u32> = Atomic::new(0);
static HOSTAGE_GOT: Atomic<u32> = Atomic::new(0);

const IS_ABOUT_TO: u32 = 1;
const IS_BACK: u32 = 2;

/// Another thread's call, killed while it is inside.
fn killed_outside() -> Result<Seen> {
    HOSTAGE.store(0, Relaxed);
    workqueue::system_unbound().try_spawn(GFP_KERNEL, || {
        HOSTAGE.store(IS_ABOUT_TO, Release);
        let result = run(&TARGET, ut_camp_spin_TARGET, [0; 2]);
        HOSTAGE_GOT.store(u32::from(matches!(result, Err(Fault::Dead))), Relaxed);
        HOSTAGE.store(IS_BACK, Release);
    })?;
    while HOSTAGE.load(Acquire) == 0 {
        fsleep(Delta::from_micros(200));
    }
    fsleep(Delta::from_millis(1));
    let early = HOSTAGE.load(Acquire) == IS_BACK;
    TARGET.kill()?;
    while HOSTAGE.load(Acquire) != IS_BACK {
        fsleep(Delta::from_micros(200));
    }
    Ok(Seen {
        got: if !early && HOSTAGE_GOT.load(Relaxed) == 1 {
            Outcome::Dead
        } else {
            Outcome::Other
        },
        at: None,
    })
}

/// Calls under fire; none may notice.
fn storm(variant: usize, dice: u64) -> Result<Seen> {
    let mut call = TARGET.begin()?;
    let orders = call.alloc(size_of::<[u64; 4]>(), 8)?.cast::<u64>();
    // SAFETY: As in `run`.
    unsafe { orders.write(30_000) };
    let mut storm = Storm {
        calls: 8,
        // Not so near to what an event costs on the emulated CPU that no call gets anywhere: then
        // the deadline ends it, rightly.
        period_ns: 500_000 + dice % 500_000,
        nmi: variant == 1 && kernel::cpu::nr_cpu_ids() > 1,
        max_us: DEADLINE_US,
        ..Storm::default()
    };
    Bench::new(&call, ut_camp_work_TARGET, core::ptr::null())
        .storm(orders.as_ptr().cast(), &mut storm)?;
    Ok(Seen {
        got: if storm.ended == 0 && storm.ticks > 0 {
            Outcome::Returned
        } else {
            Outcome::Other
        },
        at: None,
    })
}

fn forged_state(variant: usize, dice: u64) -> Seen {
    /// Bytes from the way out of the gate to the end of G1.
    const EXIT: usize = 22;

    let exit = (selftest::gate() + 2 * PAGE - EXIT) as u64;
    let before = fs_base();
    let result = match variant {
        0 => run(&TARGET, ut_camp_flags, [0; 2]),
        1 => run(&TARGET, ut_camp_leave, [exit, dice]),
        2 => run(&TARGET, ut_camp_gs, [0; 2]),
        _ => run(&TARGET, ut_camp_fs, [0; 2]),
    };
    let flags: u64;
    // SAFETY: Reads the flags.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags) };
    /// IF and the bits that must be clear: TF, DF, IOPL, NT, AC.
    const MASK: u64 = 0x4_7700;
    const IF: u64 = 0x200;
    let sane = flags & MASK == IF && fs_base() == before;
    outcome_of(result.map(|value| value == 1 && sane))
}

fn in_service(variant: usize, dice: u64, victims: &Victims) -> Seen {
    let service = core::ptr::from_ref(&trouble::SERVICE) as u64;
    let result = match variant {
        3 => return outcome_of(run(&TARGET, ut_camp_ask, [dice, 0]).map(|_| true)),
        4 => {
            let at = victims.heap_at(dice) & !7;
            return match outcome_of(run(&TARGET, ut_camp_ask, [service, at]).map(|_| true)) {
                Seen { at: Some(addr), .. } if addr != at => Seen {
                    got: Outcome::Other,
                    at: Some(addr),
                },
                seen => seen,
            };
        }
        _ => in_trouble(variant as u32),
    };
    let got = match result {
        Ok(1) => Outcome::Returned,
        Err(error) if error == code::ETIMEDOUT => Outcome::TimedOut,
        Err(error) if error == code::ESHUTDOWN => Outcome::Dead,
        _ => Outcome::Other,
    };
    Seen { got, at: None }
}

/// Returns the compartment that a fault is made in.
pub(crate) fn compartment_of(step: &Step) -> &'static Compartment {
    match step.kind {
        Kind::EndlessIrqsOff if step.variant % 2 == 1 => &PATIENT,
        _ => &TARGET,
    }
}

/// Makes the fault, and returns what came of it.
pub(crate) fn inject(step: &Step, victims: &Victims) -> Result<Seen> {
    let Step {
        kind,
        variant,
        dice,
        ..
    } = *step;
    let result = match kind {
        Kind::WildRead => read(variant, dice, victims),
        Kind::WildWrite => write(variant, dice, victims)?,
        Kind::WildJump => jump(variant, dice, victims),
        Kind::StackOverflow => stack_overflow(variant, dice),
        Kind::Endless => endless(0, false),
        Kind::EndlessIrqsOff => endless(variant, true),
        Kind::Panic => panic(variant, dice),
        Kind::Exception => trap(variant),
        Kind::Forbidden => forbidden(variant, dice),
        Kind::BadReturn => bad_return(variant, dice),
        Kind::Corrupted => corrupted(variant, dice),
        Kind::KilledOutside => killed_outside()?,
        Kind::Storm => storm(variant, dice)?,
        Kind::ForgedState => forged_state(variant, dice),
        Kind::InService => in_service(variant, dice, victims),
    };
    Ok(result)
}
