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
        Policy,
        Region, //
    },
    ThisModule, //
};

#[path = "attack/crossing.rs"]
mod crossing;
#[path = "attack/entries.rs"]
mod entries;
#[path = "attack/memory.rs"]
mod memory;

module! {
    type: Attack,
    name: "undertow_attack",
    authors: ["Undertow maintainers"],
    description: "Attacks on Undertow from inside a compartment",
    license: "GPL",
    params: {
        attack: u32 {
            default: 0,
            description: "0 read, 1 write, 2 switch, 3 scan, 4 timed jump, 5 read in view 0, 6 FPU, 7 stack, 8 no stack, 9 spin",
        },
        weaken: u32 {
            default: 0,
            description: "1: switch the defence off that stops this attack",
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

/// Makes one call with five words of orders; returns the error and the second word afterwards.
fn run(entry: undertow::compartment::Entry, orders: [u64; 5]) -> Result<(i32, u64)> {
    let mut call = ATTACK.begin()?;
    let memory = call.alloc(size_of::<[u64; 5]>(), 8)?.cast::<u64>().as_ptr();

    for (index, word) in orders.into_iter().enumerate() {
        // SAFETY: `alloc` returned room for five words.
        unsafe { memory.add(index).write(word) };
    }
    // SAFETY: Every attacker reads and writes its five words, and attacks what the test gave it.
    let error = unsafe { call.run(entry, memory.cast()) }
        .map_or_else(|fault| Error::from(fault).to_errno(), |()| 0);
    // SAFETY: As above; the attacker may have written anything, and any bits are a word.
    Ok((error, unsafe { memory.add(1).read_volatile() }))
}

impl kernel::Module for Attack {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let attack = module_parameters::attack.value();
        let weaken = module_parameters::weaken.value() != 0;
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
