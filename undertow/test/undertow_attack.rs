// SPDX-License-Identifier: GPL-2.0

//! Attacks from inside a compartment, each with the switch of the one defence that stops it.
//!
//! `insmod undertow_attack.ko attack=N weaken=0|1` makes one attack and prints one line:
//!
//!     UT-ATTACK name=... weaken=... stopped=0|1 error=... disclosed=0|1 intact=0|1
//!
//! What it must say is up to the job that loads the module: with the defence on `stopped=1`, with
//! it off `stopped=0`, or the test can't fail.

use kernel::{
    bindings,
    prelude::*,
    undertow::{
        selftest::{
            self,
            Bench,
            What, //
        },
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Attack,
    name: "undertow_attack",
    authors: ["Undertow maintainers"],
    description: "Attacks on Undertow from inside a compartment",
    license: "GPL",
    params: {
        attack: u32 {
            default: 0,
            description: "0 read, 1 write, 2 VMFUNC, 3 scan, 4 timed jump, 5 read in view 0, 6 FPU",
        },
        weaken: u32 {
            default: 0,
            description: "1: switch the defence off that stops this attack",
        },
        tries: u32 {
            default: 4000,
            description: "how often to try the timed attack",
        },
    },
}

// The attackers. They come as assembly because that is what an attacker who found a bug has: the
// choice of every register and of every instruction that passes the scan.
//
// Each gets a pointer to its orders in RDI: words [0] address, [1] value or result, [2] view.
core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.ATTACK, "ax", @progbits
    .p2align 4
    .globl ut_attack_read
    .type ut_attack_read, @function
ut_attack_read:
    endbr64
    movq    (%rdi), %rax
    movq    (%rax), %rax
    movq    %rax, 8(%rdi)
    ret
    int3
    .size ut_attack_read, . - ut_attack_read

    .p2align 4
    .globl ut_attack_write
    .type ut_attack_write, @function
ut_attack_write:
    endbr64
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    movq    %rcx, (%rax)
    ret
    int3
    .size ut_attack_write, . - ut_attack_write

    // Two gaps of three bytes, for the instruction that no compiler and no link tool lets
    // through: the test writes it there.
    .p2align 4
    .globl ut_attack_vmfunc
    .type ut_attack_vmfunc, @function
ut_attack_vmfunc:
    endbr64
    movq    %rdi, %rsi
    xorl    %eax, %eax
    xorl    %ecx, %ecx
    .globl ut_attack_gap_in
ut_attack_gap_in:
    nopl    (%rax)
    movq    (%rsi), %rdx
    movq    (%rdx), %rdx
    movq    %rdx, 8(%rsi)
    xorl    %eax, %eax
    movl    16(%rsi), %ecx
    .globl ut_attack_gap_out
ut_attack_gap_out:
    nopl    (%rax)
    ret
    int3
    .size ut_attack_vmfunc, . - ut_attack_vmfunc

    .p2align 4
    .globl ut_attack_fpu
    .type ut_attack_fpu, @function
ut_attack_fpu:
    endbr64
    movq    %xmm0, %rax
    movq    %rax, 8(%rdi)
    ret
    int3
    .size ut_attack_fpu, . - ut_attack_fpu

    // Words [0] RSP, [1] where to jump, [2] when.
    .p2align 4
    .globl ut_attack_timed
    .type ut_attack_timed, @function
ut_attack_timed:
    endbr64
    movq    (%rdi), %r8
    movq    8(%rdi), %r9
    movq    16(%rdi), %r10
    sti
1:  rdtsc
    shlq    $32, %rdx
    orq     %rdx, %rax
    cmpq    %r10, %rax
    jb      1b
    movq    %r8, %rsp
    xorl    %eax, %eax
    xorl    %ecx, %ecx
    jmp     *%r9
    int3
    .size ut_attack_timed, . - ut_attack_timed
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    fn ut_attack_read(orders: *mut u8);
    fn ut_attack_write(orders: *mut u8);
    fn ut_attack_vmfunc(orders: *mut u8);
    fn ut_attack_fpu(orders: *mut u8);
    fn ut_attack_timed(orders: *mut u8);
    static ut_attack_gap_in: u8;
    static ut_attack_gap_out: u8;
    static __ut_text_start_ATTACK: u8;
    static __ut_text_end_ATTACK: u8;
}

undertow::compartment! {
    static ATTACK: Compartment = {
        name: c"attack",
        stacks: 1,
    };
}

const SECRET: u64 = 0x0123_4567_89ab_cdef;
const VMFUNC: [u8; 3] = [0x0f, 0x01, 0xd4];
const READ: u8 = 1;
const READ_WRITE: u8 = 3;
const READ_EXECUTE: u8 = 5;
const PAGE: usize = 4096;

struct Attack {
    _key: Region,
}

struct Outcome {
    name: &'static CStr,
    error: i32,
    disclosed: bool,
    intact: bool,
}

/// The text of the compartment, whole pages.
fn text() -> (usize, usize) {
    (
        (&raw const __ut_text_start_ATTACK) as usize,
        (&raw const __ut_text_end_ATTACK) as usize,
    )
}

/// Makes one call with three words of orders; returns the error and the second word afterwards.
fn run(entry: undertow::compartment::Entry, orders: [u64; 3]) -> Result<(i32, u64)> {
    let mut call = ATTACK.begin()?;
    let memory = call.alloc(size_of::<[u64; 3]>(), 8)?.cast::<u64>().as_ptr();

    for (index, word) in orders.into_iter().enumerate() {
        // SAFETY: `alloc` returned room for three words.
        unsafe { memory.add(index).write(word) };
    }
    // SAFETY: Every attacker reads and writes its three words, and attacks what the test gave it.
    let error = unsafe { call.run(entry, memory.cast()) }
        .map_or_else(|fault| Error::from(fault).to_errno(), |()| 0);
    // SAFETY: As above; the attacker may have written anything, and any bits are a word.
    Ok((error, unsafe { memory.add(1).read_volatile() }))
}

fn read_key(key: &Region, weaken: bool) -> Result<Outcome> {
    if weaken {
        let view = ATTACK.view().ok_or(ENODEV)?;
        selftest::set_rights(view, key.as_ptr() as usize, PAGE, READ)?;
    }
    let (error, got) = run(ut_attack_read, [key.as_ptr() as u64, 0, 0])?;
    Ok(Outcome {
        name: c"read",
        error,
        disclosed: got == SECRET,
        intact: true,
    })
}

fn write_kernel(weaken: bool) -> Result<Outcome> {
    let page = KBox::new([SECRET; 2 * PAGE / 8], GFP_KERNEL)?;
    let target = (page.as_ptr() as usize).next_multiple_of(PAGE);

    if weaken {
        let view = ATTACK.view().ok_or(ENODEV)?;
        selftest::set_rights(view, target, 8, READ_WRITE)?;
    }
    let (error, _) = run(ut_attack_write, [target as u64, !SECRET, 0])?;
    // SAFETY: Within `page`, aligned to a page.
    let now = unsafe { (target as *const u64).read_volatile() };
    if weaken {
        selftest::set_rights(ATTACK.view().ok_or(ENODEV)?, target, 8, READ)?;
    }
    Ok(Outcome {
        name: c"write",
        error,
        disclosed: false,
        intact: now == SECRET,
    })
}

fn stray_vmfunc(key: &Region, weaken: bool) -> Result<Outcome> {
    let (start, end) = text();
    if weaken {
        selftest::set_rights(0, start, end - start, READ_EXECUTE)?;
    }
    let view = ATTACK.view().ok_or(ENODEV)?.into();
    let (error, got) = run(ut_attack_vmfunc, [key.as_ptr() as u64, 0, view])?;
    Ok(Outcome {
        name: c"vmfunc",
        error,
        disclosed: got == SECRET,
        intact: true,
    })
}

fn timed_jump(weaken: bool, tries: u32) -> Result<Outcome> {
    /// The last three bytes of G1.
    const EXIT: usize = 2 * PAGE - 3;

    selftest::set_gate_priority(if weaken { 1 } else { 15 });
    let mut call = ATTACK.begin()?;
    let memory = call
        .alloc(size_of::<bindings::undertow_timed>(), 8)?
        .cast::<bindings::undertow_timed>();
    // SAFETY: `alloc` returned room for it, zeroed, and nobody else has the address yet.
    let orders = unsafe { &mut *memory.as_ptr() };
    orders.target = (selftest::gate() + EXIT) as u64;

    let result = Bench::new(&call, ut_attack_timed, core::ptr::null()).timed(orders, tries);
    selftest::set_gate_priority(15);
    let (hits, ended) = result?;
    pr_info!("UT-TIMED tries={} hits={} ended={}\n", tries, hits, ended);
    Ok(Outcome {
        name: c"timed",
        error: if ended == tries { EFAULT.to_errno() } else { 0 },
        disclosed: false,
        intact: hits == 0,
    })
}

/// The vector registers still hold what the last user of the FPU had in them.
fn read_fpu(weaken: bool) -> Result<Outcome> {
    selftest::set_fpu(weaken);
    let result = run(ut_attack_fpu, [0; 3]);
    selftest::set_fpu(false);
    let (error, _) = result?;
    Ok(Outcome {
        name: c"fpu",
        error,
        disclosed: error == 0,
        intact: true,
    })
}

/// Ordinary kernel code reads what belongs to the compartment alone: #VE, no VM exit, `EFAULT`.
fn read_in_root(weaken: bool) -> Result<Outcome> {
    const TIMES: u64 = 10_000;

    let mut vault = Region::new(PAGE, Policy::KernelRw)?;
    vault.give_to(&ATTACK)?;
    if !weaken {
        vault.lock(c"vault")?;
    }
    let call = ATTACK.begin()?;
    let mut bench = Bench::new(&call, ut_attack_read, vault.as_ptr());
    let (before, _) = selftest::exits()?;
    // Mapping the page ahead is a hint to the host: the first access of all may exit.
    bench.run(What::Ve);
    let (exits, let_through) = bench.exits(What::Ve, TIMES);
    let (after, _) = selftest::exits()?;
    pr_info!(
        "UT-VE accesses={} let_through={} exits_caused={} exits_before={} exits_after={}\n",
        TIMES,
        let_through,
        exits,
        before,
        after
    );
    Ok(Outcome {
        name: c"root",
        error: if let_through == 0 && exits == 0 {
            EFAULT.to_errno()
        } else {
            0
        },
        disclosed: let_through != 0,
        intact: true,
    })
}

impl kernel::Module for Attack {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let attack = module_parameters::attack.value();
        let weaken = module_parameters::weaken.value() != 0;
        let stray = matches!(attack, 2 | 3);

        if stray {
            selftest::poke((&raw const ut_attack_gap_in) as usize, &VMFUNC)?;
            selftest::poke((&raw const ut_attack_gap_out) as usize, &VMFUNC)?;
            // Attack 2 shows what is left when the scan has missed something.
            selftest::set_scan(attack == 3 && !weaken);
        }
        let registered = ATTACK.register(module);
        selftest::set_scan(true);

        let mut key = Region::new(PAGE, Policy::KernelRw)?;
        key.bytes_mut()
            .ok_or(EBUSY)?
            .chunks_exact_mut(8)
            .for_each(|word| word.copy_from_slice(&SECRET.to_le_bytes()));
        key.lock(c"key")?;

        let outcome = if attack == 3 {
            Outcome {
                name: c"scan",
                error: registered.err().map_or(0, |error| error.to_errno()),
                disclosed: false,
                intact: true,
            }
        } else {
            registered?;
            match attack {
                0 => read_key(&key, weaken)?,
                1 => write_kernel(weaken)?,
                2 => stray_vmfunc(&key, weaken)?,
                4 => timed_jump(weaken, module_parameters::tries.value())?,
                5 => read_in_root(weaken)?,
                6 => read_fpu(weaken)?,
                _ => return Err(EINVAL),
            }
        };
        // SAFETY: The region is readable in view 0 by its policy.
        let untouched = unsafe { key.as_ptr().cast::<u64>().read_volatile() } == SECRET;
        pr_info!(
            "UT-ATTACK name={} weaken={} stopped={} error={} disclosed={} intact={}\n",
            outcome.name,
            u8::from(weaken),
            u8::from(outcome.error != 0 && !outcome.disclosed && outcome.intact),
            outcome.error,
            u8::from(outcome.disclosed),
            u8::from(outcome.intact && untouched)
        );
        Ok(Self { _key: key })
    }
}
