// SPDX-License-Identifier: GPL-2.0

//! Regions that the kernel may only read: who writes them, and who does not.
//!
//! `insmod undertow_regions.ko [weaken=N] [seal=1]` prints lines `UT-REGIONS NAME ...` with the errno
//! of each try, and whether the bytes are then what was written (`new=1`) or what was there (`new=0`).
//!
//! `weaken`: 1 regions are not locked, 2 no check of the range, 3 nor of the view, 4 a stranger has
//! the right.

use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    undertow::{
        selftest::{
            self,
            events,
            writes, //
        },
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Regions,
    name: "undertow_regions",
    authors: ["Undertow maintainers"],
    description: "Who writes regions that the kernel may only read",
    license: "GPL",
    params: {
        weaken: u32 {
            default: 0,
            description: "1 lock, 2 range check, 3 range check and view, 4 rights of others are off",
        },
        seal: u32 {
            default: 0,
            description: "1: seal the system when the first region is locked, 2: before",
        },
        tries: u64 {
            default: 24,
            description: "writes of which the one with the least exits counts",
        },
    },
}

undertow::compartment! {
    static OWNER: Compartment = {
        name: c"owner",
        stacks: 1,
    };
}

undertow::compartment! {
    static STRANGER: Compartment = {
        name: c"stranger",
        stacks: 1,
    };
}

const OLD: u64 = 0x0dd5_0dd5_0dd5_0dd5;
const READ_WRITE: u8 = 3;

fn store(at: usize, word: u64) -> Result {
    // SAFETY: Not safe at all: a compartment may try.
    unsafe { (at as *mut u64).write_volatile(word) };
    Ok(())
}

#[undertow::isolated(OWNER)]
fn store_as_owner(at: usize, word: u64) -> Result {
    store(at, word)
}

#[undertow::isolated(STRANGER)]
fn store_as_stranger(at: usize, word: u64) -> Result {
    store(at, word)
}

#[undertow::isolated(STRANGER)]
fn load_as_stranger(at: usize) -> Result<u64> {
    // SAFETY: Not safe at all: a compartment may try.
    Ok(unsafe { (at as *const u64).read_volatile() })
}

fn errno(result: Result) -> i32 {
    result.map_or_else(|error| error.to_errno(), |()| 0)
}

/// Returns a word as view 0 sees it.
fn word(at: usize) -> u64 {
    // SAFETY: All that the test asks for is readable in view 0.
    unsafe { (at as *const u64).read_volatile() }
}

/// A region that is full of `OLD`.
fn filled(policy: Policy) -> Result<Region> {
    let mut region = Region::new(2 * PAGE_SIZE, policy)?;
    let bytes = region.bytes_mut().ok_or(EBUSY)?;
    bytes
        .chunks_exact_mut(8)
        .for_each(|word| word.copy_from_slice(&OLD.to_ne_bytes()));
    Ok(region)
}

fn lock(region: &mut Region, name: &'static CStr) -> Result {
    if module_parameters::weaken.value() == 1 {
        return Ok(());
    }
    region.lock(name)
}

/// Says what came of a try to put `new` at `at`.
fn say(name: &CStr, error: i32, at: usize, new: u64) {
    let now = word(at);
    pr_info!(
        "UT-REGIONS {} error={} new={} old={}\n",
        name,
        error,
        u8::from(now == new),
        u8::from(now == OLD)
    );
}

/// What only `Region::write` writes.
fn kept() -> Result<Region> {
    let mut region = filled(Policy::KernelRo)?;
    lock(&mut region, c"kept")?;
    Ok(region)
}

fn by_write(region: &mut Region) -> Result {
    // Across the border of two pages.
    let at = PAGE_SIZE - 4;
    let to = region.as_ptr() as usize + at;
    let new = 0x0123_4567_89ab_cdef_u64;
    let error = errno(region.write(at, &new.to_ne_bytes()));
    say(c"write", error, to, new);

    let mut least = u64::MAX;
    for _ in 0..module_parameters::tries.value() {
        let before = selftest::exits()?;
        let _ = region.write(at, &new.to_ne_bytes());
        let after = selftest::exits()?;
        let again = selftest::exits()?;
        // The question itself is an exit, too.
        let asking = again.0.wrapping_sub(after.0);
        least = least.min(after.0.wrapping_sub(before.0).wrapping_sub(asking));
    }
    pr_info!("UT-REGIONS cost exits={}\n", least);
    Ok(())
}

fn in_root(region: &Region) {
    let to = region.as_ptr() as usize + 64;
    // SAFETY: It is our region.
    let result = unsafe { writes::write_in_root(to as *const u8, &1_u64.to_ne_bytes()) };
    say(c"root", errno(result), to, 1);
}

fn by_others(region: &Region) -> Result {
    let (at, stranger) = (region.as_ptr() as usize, STRANGER.view());
    if let (4, Some(view)) = (module_parameters::weaken.value(), stranger) {
        selftest::set_rights(view, at, PAGE_SIZE, READ_WRITE)?;
    }
    let result = load_as_stranger(at + 128);
    let read = result == Ok(OLD);
    let error = errno(result.map(|_| ()));
    pr_info!("UT-REGIONS load error={} read={}\n", error, u8::from(read));
    let error = errno(store_as_stranger(at + 128, 2));
    say(c"store", error, at + 128, 2);
    Ok(())
}

/// A driver that writes past the end of its region: at something else of the kernel.
fn beside(region: &mut Region) -> Result {
    let weaken = module_parameters::weaken.value();
    let victim = filled(Policy::KernelRw)?;
    let at = victim.as_ptr() as usize;
    if weaken == 3 {
        selftest::set_rights(writes::view()?, at, PAGE_SIZE, READ_WRITE)?;
    }
    writes::set_range_check(weaken < 2);
    let offset = at.wrapping_sub(region.as_ptr() as usize);
    let error = errno(region.write(offset, &3_u64.to_ne_bytes()));
    writes::set_range_check(true);
    say(c"beside", error, at, 3);

    let end = region.len();
    let refused = [
        region.write(end, &[0]),
        region.write(end - 1, &[0, 0]),
        region.write(usize::MAX, &[0]),
    ];
    let errors = refused.map(errno);
    pr_info!(
        "UT-REGIONS range end={} across={} far={} empty={}\n",
        errors[0],
        errors[1],
        errors[2],
        errno(region.write(end, &[]))
    );
    if weaken == 3 {
        // As it was: the frame goes back to the allocator.
        selftest::set_rights(writes::view()?, at, PAGE_SIZE, 1)?;
    }
    Ok(())
}

/// The bytes to write come from where no compartment can read.
fn from_secret(region: &mut Region) -> Result {
    let mut secret = filled(Policy::KernelRw)?;
    secret.lock(c"secret")?;
    let to = region.as_ptr() as usize + 256;
    // SAFETY: A `KernelRw` region is readable in view 0.
    let bytes = unsafe { core::slice::from_raw_parts(secret.as_ptr(), 8) };
    let error = errno(region.write(256, bytes));
    pr_info!(
        "UT-REGIONS secret error={} old={}\n",
        error,
        u8::from(word(to) == OLD)
    );
    Ok(())
}

/// What one compartment of the driver writes.
fn owned() -> Result {
    let mut region = filled(Policy::KernelRo)?;
    region.written_by(&OWNER)?;
    lock(&mut region, c"owned")?;
    let at = region.as_ptr() as usize;
    say(c"owner", errno(store_as_owner(at, 4)), at, 4);
    say(c"not_owner", errno(store_as_stranger(at + 8, 5)), at + 8, 5);
    say(
        c"not_kernel",
        errno(region.write(16, &6_u64.to_ne_bytes())),
        at + 16,
        6,
    );
    in_root(&region);
    Ok(())
}

struct Regions;

impl kernel::Module for Regions {
    fn init(module: &'static ThisModule) -> Result<Self> {
        OWNER.register(module)?;
        STRANGER.register(module)?;
        let seal = module_parameters::seal.value();
        if seal == 2 {
            events::seal()?;
        }
        let mut region = kept()?;
        if seal == 1 {
            events::seal()?;
        }
        by_write(&mut region)?;
        in_root(&region);
        if seal != 0 {
            return Ok(Self);
        }
        by_others(&region)?;
        beside(&mut region)?;
        from_secret(&mut region)?;
        owned()?;
        let bytes = region.bytes().ok_or(EINVAL)?;
        pr_info!(
            "UT-REGIONS seen={}\n",
            u8::from(bytes.starts_with(&OLD.to_ne_bytes()))
        );
        Ok(Self)
    }
}
