// SPDX-License-Identifier: GPL-2.0

//! Attacks from inside a compartment on the way back in after an event.
//!
//! `insmod undertow_resume.ko attack=N weaken=0|1` makes one kind of attack many times and prints
//! one line:
//!
//!     UT-RESUME name=... weaken=... tries=... ended=... reached=... through=... status=...
//!         disclosed=0|1 intact=0|1 alive=0|1
//!
//! `reached`: how often code of the attacker's ran after the jump; `through`: and came out without
//! an error. What the line must say is up to
//! the job that loads the module.

use core::ptr::NonNull;
use kernel::{
    prelude::*,
    undertow::{
        compartment::{
            Call,
            Entry, //
        },
        selftest::{
            self,
            events::{
                self,
                Storm, //
            },
            Bench, //
        },
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Resume,
    name: "undertow_resume",
    authors: ["Undertow maintainers"],
    description: "Attacks on Undertow's way back into a compartment",
    license: "GPL",
    params: {
        attack: u32 {
            default: 0,
            description: "0 every byte, 1 frames, 2 stacks, 3 loop in the tail, 4 forged record",
        },
        weaken: u32 {
            default: 0,
            description: "1: switch the defence off that stops this attack",
        },
    },
}

// The attackers. Words of the orders: [0] stack pointer, [1] where to jump, [2] what was read,
// [3] address of the key, [4] the way out of the gate, [5] 1 when code ran after the jump,
// [6] how often to go round before.
core::arch::global_asm!(
    r#"
    .macro UT_RESUME_TEXT name
    .pushsection .text..undertow.entry.\name, "ax", @progbits
    .p2align 4
    .globl ut_resume_jump_\name
    .type ut_resume_jump_\name, @function
ut_resume_jump_\name:
    endbr64
    movq    48(%rdi), %rcx
    testq   %rcx, %rcx
    jz      2f
1:  decq    %rcx
    jnz     1b
2:  movq    (%rdi), %rdx
    movq    8(%rdi), %rax
    xorl    %esi, %esi
    movq    %rdx, %rsp
    jmp     *%rax
    int3
    .size ut_resume_jump_\name, . - ut_resume_jump_\name

    .p2align 4
    .globl ut_resume_read_\name
    .type ut_resume_read_\name, @function
ut_resume_read_\name:
    endbr64
    movq    $1, 40(%rdi)
    movq    24(%rdi), %rax
    movq    (%rax), %rax
    movq    %rax, 16(%rdi)
    jmp     *32(%rdi)
    int3
    .size ut_resume_read_\name, . - ut_resume_read_\name

    // The same without a trace in memory that it may not write.
    .p2align 4
    .globl ut_resume_give_\name
    .type ut_resume_give_\name, @function
ut_resume_give_\name:
    endbr64
    movq    24(%rdi), %rax
    movq    (%rax), %rax
    jmp     *32(%rdi)
    int3
    .size ut_resume_give_\name, . - ut_resume_give_\name

    .p2align 4
    .globl ut_resume_null_\name
    .type ut_resume_null_\name, @function
ut_resume_null_\name:
    endbr64
    ret
    int3
    .size ut_resume_null_\name, . - ut_resume_null_\name
    .popsection
    .endm
    UT_RESUME_TEXT INTRUDER
    UT_RESUME_TEXT OWNER
    "#,
    options(att_syntax)
);

extern "C" {
    fn ut_resume_jump_INTRUDER(orders: *mut u8);
    fn ut_resume_read_INTRUDER(orders: *mut u8);
    fn ut_resume_null_INTRUDER(orders: *mut u8);
    fn ut_resume_give_OWNER(orders: *mut u8);
}

undertow::compartment! {
    static INTRUDER: Compartment = {
        name: c"intruder",
        stacks: 1,
        max_us: 40_000,
    };
}

undertow::compartment! {
    static OWNER: Compartment = {
        name: c"owner",
        stacks: 1,
    };
}

const SECRET: u64 = 0x0123_4567_89ab_cdef;
const PAGE: usize = 4096;
const READ: u8 = 1;
/// Bytes from the way out of the gate to the end of G1.
const EXIT: usize = 22;
const KERNEL_CS: u64 = 0x10;
const KERNEL_SS: u64 = 0x18;

/// What the restore tail reads; the attacker's version of it.
#[allow(dead_code, reason = "read inside only")]
#[repr(C)]
#[derive(Clone, Copy)]
struct Frame {
    regs: [u64; 16],
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// Everything an attacker has: orders, a forged frame, and room for a stack.
#[allow(dead_code, reason = "read inside only")]
#[repr(C)]
struct Memory {
    orders: [u64; 8],
    frame: Frame,
    stack: [u64; 32],
}

fn address(entry: Entry) -> u64 {
    entry as usize as u64
}

#[derive(Default)]
struct Outcome {
    tries: u64,
    ended: u64,
    reached: u64,
    through: u64,
    status: i64,
    disclosed: bool,
    intact: bool,
}

struct Resume {
    _key: Region,
}

/// One call that attacks.
struct Attack {
    call: Call,
    memory: NonNull<Memory>,
}

impl Attack {
    fn new(key: u64) -> Result<Self> {
        let mut call = INTRUDER.begin()?;
        let memory = call.alloc(size_of::<Memory>(), 16)?.cast::<Memory>();
        let base = memory.as_ptr() as u64;
        let stack = base + core::mem::offset_of!(Memory, stack) as u64 + 8 * 32;
        let mut regs = [0; 16];
        regs[2] = base + core::mem::offset_of!(Memory, frame) as u64;
        regs[7] = base;
        let new = Memory {
            orders: [
                0,
                0,
                0,
                key,
                (selftest::gate() + 2 * PAGE - EXIT) as u64,
                0,
                0,
                0,
            ],
            frame: Frame {
                regs,
                rip: address(ut_resume_read_INTRUDER),
                cs: KERNEL_CS,
                rflags: 2,
                rsp: stack,
                ss: KERNEL_SS,
            },
            stack: [0; 32],
        };
        // SAFETY: `alloc` returned room for it.
        unsafe { memory.write(new) };
        Ok(Self { call, memory })
    }

    fn frame(&mut self) -> &mut Frame {
        // SAFETY: Valid for as long as the call, and nothing runs inside now.
        unsafe { &mut self.memory.as_mut().frame }
    }

    fn order(&mut self, nr: usize, word: u64) {
        // SAFETY: As in `frame`.
        unsafe { self.memory.as_mut().orders[nr] = word };
    }

    fn word(&self, nr: usize) -> u64 {
        // SAFETY: Valid for as long as the call; the attacker may have written anything, and any
        // bits are a word.
        unsafe { (&raw const (*self.memory.as_ptr()).orders[nr]).read_volatile() }
    }

    /// Jumps; adds what came of it.
    fn run(&mut self, rsp: u64, target: u64, outcome: &mut Outcome) {
        self.order(0, rsp);
        self.order(1, target);
        // SAFETY: The entry attacks what the test gave it.
        let result = unsafe {
            self.call
                .run(ut_resume_jump_INTRUDER, self.memory.as_ptr().cast())
        };
        self.note(
            result.map_or_else(|it| Error::from(it).to_errno().into(), |()| 0),
            outcome,
        );
    }

    /// The same while a timer fires.
    fn run_under_fire(&mut self, target: u64, outcome: &mut Outcome) -> Result {
        let rsp = self.memory.as_ptr() as u64 + core::mem::offset_of!(Memory, frame) as u64;
        let mut storm = Storm {
            calls: 1,
            period_ns: 300_000,
            max_us: 40_000,
            ..Storm::default()
        };
        self.order(0, rsp);
        self.order(1, target);
        Bench::new(&self.call, ut_resume_jump_INTRUDER, core::ptr::null())
            .storm(self.memory.as_ptr().cast(), &mut storm)?;
        self.note(storm.status, outcome);
        outcome.disclosed |= storm.value == SECRET;
        Ok(())
    }

    fn note(&mut self, status: i64, outcome: &mut Outcome) {
        outcome.tries += 1;
        outcome.ended += u64::from(status != 0);
        outcome.status = status;
        let reached = self.word(5) != 0;
        outcome.reached += u64::from(reached);
        outcome.through += u64::from(reached && status == 0);
        outcome.disclosed |= self.word(2) == SECRET;
    }
}

/// Returns how many words of the frame are behind whoever enters the tail `offset` bytes in: three
/// bytes to load RSP, eight pops of one byte, eight of two.
fn words_behind(offset: u64) -> u64 {
    match offset {
        0..3 => 0,
        3..11 => offset - 3,
        _ => 8 + (offset - 11) / 2,
    }
}

/// Enters the landing and the tail at every byte, with the rest of a frame on the stack.
fn every_byte(key: u64, weaken: bool) -> Result<Outcome> {
    let gate = events::gate()?;
    let mut outcome = Outcome::default();

    if weaken {
        let view = INTRUDER.view().ok_or(ENODEV)?;
        selftest::set_rights(view, key as usize, PAGE, READ)?;
    }
    for target in (gate.base + PAGE) as u64..gate.tail_end as u64 {
        let behind = words_behind(target.saturating_sub(gate.tail as u64));
        let mut attack = Attack::new(key)?;
        let frame = core::ptr::from_mut(attack.frame()) as u64;
        attack.run(frame + 8 * behind, target, &mut outcome);
    }
    outcome.intact = true;
    Ok(outcome)
}

/// Loads every selector, flag and address that there is to gain something from.
fn frames(key: u64) -> Result<Outcome> {
    let gate = events::gate()?;
    let page = |nr: usize| (gate.base + nr * PAGE) as u64;
    let mut outcome = Outcome::default();
    let mut attempt = |change: &dyn Fn(&mut Frame)| -> Result {
        let mut attack = Attack::new(key)?;
        let frame = attack.frame();
        change(frame);
        let rsp = core::ptr::from_mut(frame) as u64;
        attack.run(rsp, gate.tail as u64, &mut outcome);
        Ok(())
    };

    // 64-bit and 32-bit code of user mode, 32-bit code of the kernel, TSS, nothing, out of range.
    for cs in [0x33, 0x23, 0x08, 0x40, 0, 3, 0xfffb] {
        for ss in [KERNEL_SS, 0x2b, 0] {
            attempt(&|frame: &mut Frame| (frame.cs, frame.ss) = (cs, ss))?;
        }
    }
    // TF, IF, IOPL, NT, RF, VM, AC, VIF, VIP.
    for bit in [8, 9, 12, 13, 14, 16, 17, 18, 19, 20] {
        attempt(&|frame: &mut Frame| frame.rflags |= 1 << bit)?;
    }
    // The other pages of the gate, the kernel, user space, nowhere.
    for rip in [
        page(0),
        page(1) - 3,
        page(2),
        page(3),
        gate.fault_entry as u64,
        gate.enter as u64,
        0x40_0000,
        1 << 47,
        1 << 63,
    ] {
        attempt(&|frame: &mut Frame| frame.rip = rip)?;
    }
    outcome.intact = true;
    Ok(outcome)
}

/// Points RSP where the attacker may not write, or not even read.
fn stacks(key: u64) -> Result<Outcome> {
    let gate = events::gate()?;
    let mut outcome = Outcome::default();
    let page = KBox::new([SECRET; 2 * PAGE / 8], GFP_KERNEL)?;
    let victim = (page.as_ptr() as u64).next_multiple_of(PAGE as u64);

    for target in gate.tail as u64..gate.tail_end as u64 {
        for rsp in [victim, victim + 8, key, key + PAGE as u64 - 8, 0, 1 << 63] {
            Attack::new(key)?.run(rsp, target, &mut outcome);
        }
    }
    outcome.intact = page.iter().all(|&word| word == SECRET);
    Ok(outcome)
}

/// Goes round in the tail until an event comes there.
fn tail_loop(key: u64, weaken: bool, with_context: bool) -> Result<Outcome> {
    let gate = events::gate()?;
    let mut outcome = Outcome::default();

    events::set_tail(!weaken);
    for _ in 0..8 {
        let mut attack = Attack::new(key)?;
        attack.frame().rip = gate.tail as u64;
        // Long enough for an event before, which leaves a context to go back to.
        attack.order(6, if with_context { 100_000 } else { 0 });
        attack.run_under_fire(gate.tail as u64, &mut outcome)?;
    }
    events::set_tail(true);
    outcome.intact = true;
    Ok(outcome)
}

/// The record of an event speaks of another compartment, and of its code that reads its key.
fn forged_record(key: &Region, weaken: bool) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut attack = Attack::new(key.as_ptr() as u64)?;
    let owner = OWNER.view().ok_or(ENODEV)?;

    attack.order(6, 200_000);
    events::set_forgery(owner, address(ut_resume_give_OWNER), !weaken);
    let result = attack.run_under_fire(address(ut_resume_read_INTRUDER), &mut outcome);
    events::set_forgery(0, 0, true);
    result?;
    outcome.intact = true;
    Ok(outcome)
}

impl kernel::Module for Resume {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let attack = module_parameters::attack.value();
        let weaken = module_parameters::weaken.value() != 0;

        INTRUDER.register(module)?;
        OWNER.register(module)?;
        let mut key = Region::new(PAGE, Policy::KernelRw)?;
        key.bytes_mut()
            .ok_or(EBUSY)?
            .chunks_exact_mut(8)
            .for_each(|word| word.copy_from_slice(&SECRET.to_le_bytes()));
        if attack == 4 {
            key.give_to(&OWNER)?;
        }
        key.lock(c"key")?;

        let address = key.as_ptr() as u64;
        let (name, outcome) = match attack {
            0 => (c"every_byte", every_byte(address, weaken)?),
            1 => (c"frames", frames(address)?),
            2 => (c"stacks", stacks(address)?),
            3 => (c"loop", tail_loop(address, weaken, false)?),
            4 => (c"record", forged_record(&key, weaken)?),
            5 => (c"replay", tail_loop(address, weaken, true)?),
            _ => return Err(EINVAL),
        };
        let null: Entry = ut_resume_null_INTRUDER;
        // SAFETY: It does nothing.
        let alive = unsafe { INTRUDER.begin()?.run(null, core::ptr::null_mut()) }.is_ok();
        pr_info!(
            "UT-RESUME name={} weaken={} tries={} ended={} reached={} through={} status={} \
             disclosed={} intact={} alive={}\n",
            name,
            u8::from(weaken),
            outcome.tries,
            outcome.ended,
            outcome.reached,
            outcome.through,
            outcome.status,
            u8::from(outcome.disclosed),
            u8::from(outcome.intact),
            u8::from(alive)
        );
        Ok(Self { _key: key })
    }
}
