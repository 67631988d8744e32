// SPDX-License-Identifier: GPL-2.0

//! Compartments with a secret: what others see of their memory, during a call and after it.
//!
//! `insmod undertow_secret.ko` prints a line `UT-SECRET NAME sum=... spy=... read=... left=...` for a
//! compartment that is `secret` and for one that is not: what it made of its key, the errno of
//! another compartment that reads the stack of a call, whether it got what was there, and how many
//! words of the key are left there when a call is over.

use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    undertow::{
        selftest::secrets,
        Compartment,
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Secrets,
    name: "undertow_secret",
    authors: ["Undertow maintainers"],
    description: "Compartments with a secret",
    license: "GPL",
}

undertow::compartment! {
    static VAULT: Compartment = {
        name: c"sealed",
        stacks: 1,
        heap: 4096,
        max_us: 0,
        secret: true,
    };
}

undertow::compartment! {
    static OPEN: Compartment = {
        name: c"open",
        stacks: 1,
        heap: 4096,
        max_us: 0,
    };
}

undertow::compartment! {
    static SPY: Compartment = {
        name: c"spy",
        stacks: 1,
    };
}

const WORDS: usize = 8;
const KEY: u64 = 0x5ea1_ed0f_dead_10cc;

/// Takes the key from its region to the stack, as any use of it does.
fn copied(at: usize) -> u64 {
    // SAFETY: The caller holds the region that the address is from, and its lock.
    let key = unsafe { (at as *const [u64; WORDS]).read_volatile() };
    core::hint::black_box(&key)
        .iter()
        .fold(0, |sum, word| sum ^ word.rotate_left(7))
}

#[undertow::isolated(VAULT)]
fn use_in_vault(at: usize) -> Result<u64> {
    Ok(copied(at))
}

#[undertow::isolated(OPEN)]
fn use_in_open(at: usize) -> Result<u64> {
    Ok(copied(at))
}

#[undertow::isolated(SPY)]
fn spy(at: usize) -> Result<u64> {
    // SAFETY: Not safe at all: a compartment may try.
    Ok(unsafe { (at as *const u64).read_volatile() })
}

fn show(name: &CStr, owner: &'static Compartment, make: fn(usize) -> Result<u64>) -> Result {
    let mut region = Region::new(PAGE_SIZE, Policy::KernelRw)?;
    let bytes = region.bytes_mut().ok_or(EBUSY)?;
    bytes
        .chunks_exact_mut(8)
        .take(WORDS)
        .for_each(|word| word.copy_from_slice(&KEY.to_ne_bytes()));
    region.give_to(owner)?;
    region.lock(owner.name())?;
    let at = region.as_ptr() as usize;

    // The compartment can read it: its words cancel each other out.
    let sum = make(at)?;
    let left = secrets::words(owner, KEY).ok_or(ENODEV)?;

    // While a call has the stack: a word that view 0 put there stands for one of the call.
    let call = owner.begin()?;
    let stack = secrets::stack_word(&call);
    // SAFETY: The word is the call's, and the call does not run.
    unsafe { (stack as *mut u64).write_volatile(KEY) };
    let seen = spy(stack);
    drop(call);

    pr_info!(
        "UT-SECRET {} sum={} spy={} read={} left={}\n",
        name,
        sum,
        seen.map_or_else(|error| error.to_errno(), |_| 0),
        u8::from(seen == Ok(KEY)),
        left
    );
    Ok(())
}

struct Secrets;

impl kernel::Module for Secrets {
    fn init(module: &'static ThisModule) -> Result<Self> {
        for compartment in [&VAULT, &OPEN, &SPY] {
            compartment.register(module)?;
        }
        show(c"secret", &VAULT, use_in_vault)?;
        show(c"not_secret", &OPEN, use_in_open)?;
        Ok(Self)
    }
}
