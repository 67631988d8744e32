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
    prelude::*,
    undertow::{
        selftest,
        Fault,
        Policy,
        Region, //
    },
    ThisModule, //
};

#[path = "attack/crossing.rs"]
mod crossing;
#[path = "attack/entries.rs"]
mod entries;
#[path = "attack/inside.rs"]
mod inside;
#[path = "attack/memory.rs"]
mod memory;
#[path = "attack/state.rs"]
mod state;
#[path = "attack/sweep.rs"]
mod sweep;

module! {
    type: Attack,
    name: "undertow_attack",
    authors: ["Undertow maintainers"],
    description: "Attacks on Undertow from inside a compartment",
    license: "GPL",
    params: {
        attack: u32 {
            default: 0,
            description: "0 read, 1 write, 2 switch, 3 scan, 4 timed jump, 5 read in view 0, 6 FPU, 7 stack, 8 no stack, 9 spin, 10 every byte of the gate, 11 every vector, 12 tables, 13 state at events, 14 way out of #VE, 15 vector 20, 16 #VE page",
        },
        weaken: u32 {
            default: 0,
            description: "1, 2: switch a defence off that stops this attack",
        },
        tries: u32 {
            default: 4000,
            description: "how often to try the timed attack",
        },
        left: u32 {
            default: 1500,
            description: "how much stack the caller of attacks 7 and 8 has left",
        },
    },
}

undertow::compartment! {
    static ATTACK: Compartment = {
        name: c"attack",
        stacks: 1,
        max_us: 0,
    };
}

const SECRET: u64 = 0x0123_4567_89ab_cdef;
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

impl Outcome {
    fn new(name: &'static CStr, error: i32) -> Self {
        Self {
            name,
            error,
            disclosed: false,
            intact: true,
        }
    }
}

/// Makes one call with five words of orders; returns what it came to, and the words afterwards.
fn call(
    entry: undertow::compartment::Entry,
    orders: [u64; 5],
) -> Result<(Result<(), Fault>, [u64; 5])> {
    let mut call = ATTACK.begin()?;
    let memory = call
        .alloc(size_of::<[u64; 5]>(), 8)?
        .cast::<[u64; 5]>()
        .as_ptr();

    // SAFETY: `alloc` returned room for five words.
    unsafe { memory.write(orders) };
    // SAFETY: Every attacker reads and writes its five words, and attacks what the test gave it.
    let result = unsafe { call.run(entry, memory.cast()) };
    // SAFETY: As above; the attacker may have written anything, and any bits are a word.
    Ok((result, unsafe { memory.read_volatile() }))
}

/// The same; returns the error and the second word.
fn run(entry: undertow::compartment::Entry, orders: [u64; 5]) -> Result<(i32, u64)> {
    let (result, words) = call(entry, orders)?;
    let error = result.map_or_else(|fault| Error::from(fault).to_errno(), |()| 0);
    Ok((error, words[1]))
}

impl kernel::Module for Attack {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let attack = module_parameters::attack.value();
        let how = module_parameters::weaken.value();
        let weaken = how != 0;
        let stray = matches!(attack, 2 | 3);

        if stray {
            crossing::put_switches()?;
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
            Outcome::new(
                c"scan",
                registered.err().map_or(0, |error| error.to_errno()),
            )
        } else {
            registered?;
            match attack {
                0 => memory::read_key(&key, weaken)?,
                1 => memory::write_kernel(weaken)?,
                2 => crossing::stray_switch(&key, weaken)?,
                4 => crossing::timed_jump(weaken, module_parameters::tries.value())?,
                5 => memory::read_in_root(weaken)?,
                6 => memory::read_fpu(weaken)?,
                7 => crossing::little_stack(weaken, module_parameters::left.value() as usize)?,
                8 => crossing::no_stack(module_parameters::left.value() as usize)?,
                9 => crossing::spin()?,
                10 => sweep::gate_bytes(how)?,
                11 => sweep::every_vector(weaken)?,
                12 => state::tables(weaken)?,
                13 => state::events(key.as_ptr() as u64, weaken)?,
                14 => inside::forged(&key, weaken)?,
                15 => inside::vector_20(weaken)?,
                16 => inside::page_in_use(&key, weaken)?,
                _ => return Err(EINVAL),
            }
        };
        // SAFETY: The region is readable in view 0 by its policy.
        let untouched = unsafe { key.as_ptr().cast::<u64>().read_volatile() } == SECRET;
        pr_info!(
            "UT-ATTACK name={} weaken={} stopped={} error={} disclosed={} intact={}\n",
            outcome.name,
            how,
            u8::from(outcome.error != 0 && !outcome.disclosed && outcome.intact),
            outcome.error,
            u8::from(outcome.disclosed),
            u8::from(outcome.intact && untouched)
        );
        Ok(Self { _key: key })
    }
}
