// SPDX-License-Identifier: GPL-2.0

//! Requests that nobody in his senses makes.
//!
//! As assembly, so that each is exactly the one that was meant.

use core::ptr::from_ref;
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Relaxed,
        Release, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    undertow::{
        compartment::{
            Call,
            Entry, //
        },
        selftest::{
            events::Storm,
            Bench, //
        },
        Fault,
        Service, //
    },
    workqueue, //
};

use super::{
    offer,
    stacks,
    weakened,
    works,
    ASKER, //
};

// Words of the orders: [0] service, [1] block, [2] bytes, [3] result, [4] 1 when it has come back.
core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.ASKER, "ax", @progbits
    .p2align 4
    .globl ut_service_ask
    .type ut_service_ask, @function
ut_service_ask:
    endbr64
    pushq   %rbx
    movq    %rdi, %rbx
    movq    16(%rbx), %rdx
    movq    8(%rbx), %rsi
    movq    (%rbx), %rdi
    call    undertow_service_call
    movq    %rax, 24(%rbx)
    movq    $1, 32(%rbx)
    popq    %rbx
    ret
    int3
    .size ut_service_ask, . - ut_service_ask

    // Asks so often as word [4] says.
    .p2align 4
    .globl ut_service_repeat
    .type ut_service_repeat, @function
ut_service_repeat:
    endbr64
    pushq   %rbx
    pushq   %r12
    movq    %rdi, %rbx
    movq    32(%rbx), %r12
1:  movq    16(%rbx), %rdx
    movq    8(%rbx), %rsi
    movq    (%rbx), %rdi
    call    undertow_service_call
    orq     %rax, 24(%rbx)
    decq    %r12
    jnz     1b
    popq    %r12
    popq    %rbx
    ret
    int3
    .size ut_service_repeat, . - ut_service_repeat

    // Writes word [1] to address [0].
    .p2align 4
    .globl ut_service_poke
    .type ut_service_poke, @function
ut_service_poke:
    endbr64
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    movq    %rcx, (%rax)
    ret
    int3
    .size ut_service_poke, . - ut_service_poke
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    fn ut_service_ask(orders: *mut u8);
    fn ut_service_repeat(orders: *mut u8);
    fn ut_service_poke(orders: *mut u8);
}

const ORDERS: usize = 5;
/// Words of the block of `add` and of `unlisted`: a tagged result of two, two arguments.
const BLOCK: usize = 4;

fn address(service: &'static Service) -> u64 {
    from_ref(service) as u64
}

/// A call whose arena begins with the orders and a block.
struct Hostile {
    call: Call,
    orders: *mut u64,
}

impl Hostile {
    fn new() -> Result<Self, Fault> {
        let mut call = ASKER.begin()?;
        let orders = call.alloc((ORDERS + BLOCK) * 8, 8)?.cast::<u64>().as_ptr();
        Ok(Self { call, orders })
    }

    fn block(&self) -> u64 {
        self.orders as u64 + 8 * ORDERS as u64
    }

    fn put(&mut self, nr: usize, word: u64) {
        assert!(nr < ORDERS + BLOCK);
        // SAFETY: There is room for so many words, and nothing runs inside now.
        unsafe { self.orders.add(nr).write(word) };
    }

    fn get(&self, nr: usize) -> u64 {
        assert!(nr < ORDERS + BLOCK);
        // SAFETY: As in `put`; any bits are a word.
        unsafe { self.orders.add(nr).read_volatile() }
    }

    fn run(&mut self, entry: Entry) -> Result<(), Fault> {
        // SAFETY: The entries take such orders; what they do with them is what is tested.
        unsafe { self.call.run(entry, self.orders.cast()) }
    }

    fn ask(&mut self, service: u64, block: u64, bytes: u64) -> Result<i64, Fault> {
        for (nr, word) in [service, block, bytes, 1, 0].into_iter().enumerate() {
            self.put(nr, word);
        }
        self.put(ORDERS + 2, 40);
        self.put(ORDERS + 3, 2);
        self.run(ut_service_ask)?;
        Ok(self.get(3) as i64)
    }
}

/// Asks for something that is no service on the list, one in eight kinds.
pub(crate) fn denied(kind: u64) -> Result<i64, Fault> {
    let mut hostile = Hostile::new()?;
    let block = hostile.block();
    let service = match kind % 8 {
        0 => address(&offer::unlisted::SERVICE),
        1 => 0,
        2 => address(&offer::add::SERVICE) + 8,
        3 => address(&offer::add::SERVICE) - 1,
        4 => address(&offer::add::SERVICE) & 0xffff_ffff,
        // A service of its own making.
        5 => block,
        6 => 1 << 63,
        _ => u64::MAX,
    };
    hostile.ask(service, block, 8 * BLOCK as u64)
}

/// Services that are none, or not this compartment's.
pub(crate) fn requests() -> Result {
    let (mut ended, mut served) = (0, 0);
    // With the list off a wild one would be a wild jump of the kernel.
    let kinds = if weakened(1) { 1 } else { 8 };
    for kind in 0..kinds {
        match denied(kind) {
            Err(Fault::Denied(_)) => ended += 1,
            _ => served += 1,
        }
    }
    pr_info!(
        "UT-SERVICE name=requests tries={} ended={} served={} unlisted={} works={} stacks={}\n",
        kinds,
        ended,
        served,
        offer::was_unlisted(),
        works(),
        stacks()
    );
    Ok(())
}

/// Blocks that are not the call's own.
pub(crate) fn blocks() -> Result {
    const BYTES: u64 = 8 * BLOCK as u64;
    const PATTERN: u64 = 0x5afe_5afe_5afe_5afe;

    let mut victim = KVec::new();
    for _ in 0..64 {
        victim.push(PATTERN, GFP_KERNEL)?;
    }
    let service = address(&offer::add::SERVICE);
    let other = Hostile::new()?;
    let mut hostile = Hostile::new()?;
    // As the default of a compartment is: stack below, eleven pages of arena above.
    let start = (hostile.orders as u64) & !0xfff;
    let end = start + 11 * 4096;
    let bottom = start - 4 * 4096;
    let own = hostile.block();
    let at = victim.as_ptr() as u64;
    let wild = [
        (at, BYTES),
        // The end and the beginning, across; the guard page.
        (end - 8, BYTES),
        (end, BYTES),
        (bottom - 8, BYTES),
        (bottom - BYTES, BYTES),
        // Another call's, of the same compartment.
        (other.block(), BYTES),
        // Address and length wrap.
        (u64::MAX - 7, BYTES),
        (own, u64::MAX - 7),
        (own, 0_u64.wrapping_sub(own) + BYTES),
        (own, 1 << 63),
        // Null, user space, not canonical, text, the service itself.
        (0, BYTES),
        (0x40_0000, BYTES),
        (1 << 62, BYTES),
        (ut_service_ask as *const () as u64, BYTES),
        (service, BYTES),
        // Misaligned, empty, not whole, too long.
        (own + 4, BYTES),
        (own, 0),
        (own, BYTES - 4),
        (start, 8 * 65),
    ];
    // With the bounds off the others would be wild accesses of the kernel.
    let wild = if weakened(2) { &wild[..1] } else { &wild[..] };
    let mut ended = 0;
    for &(addr, bytes) in wild {
        let right = Err(Fault::Violation { addr, gpa: 0 });
        ended += u32::from(hostile.ask(service, addr, bytes) == right);
    }
    // Too short for the arguments is no argument.
    let short = hostile.ask(service, own, BYTES - 8) == Err(Fault::BadReturn);
    // And these are good: the first and the last words of what it has.
    let mut good = 0;
    for addr in [own, end - BYTES, bottom] {
        good += u32::from(hostile.ask(service, addr, BYTES) == Ok(0));
    }
    let sum = {
        let _ = hostile.ask(service, own, BYTES);
        hostile.get(ORDERS + 1)
    };
    let whole = victim
        .iter()
        // SAFETY: A reference to a word. Volatile: not by this kernel's rules, but for a compartment
        // that broke them, it may have changed.
        .all(|word| unsafe { from_ref(word).read_volatile() } == PATTERN);
    drop((hostile, other));
    pr_info!(
        "UT-SERVICE name=blocks tries={} ended={} short={} good={} sum={} intact={} works={} stacks={}\n",
        wild.len(),
        ended,
        u8::from(short),
        good,
        sum,
        u8::from(whole),
        works(),
        stacks()
    );
    Ok(())
}

/// Requests under fire: each is served once, whatever comes in between.
pub(crate) fn storm() -> Result {
    const CALLS: u64 = 20;
    const REQUESTS: u64 = 2000;

    let mut hostile = Hostile::new()?;
    let block = hostile.block();
    let orders = [address(&offer::tally::SERVICE), block, 16, 0, REQUESTS];
    for (nr, word) in orders.into_iter().enumerate() {
        hostile.put(nr, word);
    }
    let before = offer::tallied();
    let mut storm = Storm {
        calls: CALLS,
        period_ns: 150_000,
        nmi: kernel::cpu::nr_cpu_ids() > 1,
        ..Storm::default()
    };
    Bench::new(&hostile.call, ut_service_repeat, core::ptr::null())
        .storm(hostile.orders.cast(), &mut storm)?;
    let served = offer::tallied() - before;
    let errors = hostile.get(3);
    drop(hostile);
    pr_info!(
        "UT-SERVICE name=storm served={} ended={} errors={} ticks={} nmis={} inside={} works={} stacks={}\n",
        served,
        storm.ended,
        errors,
        storm.ticks,
        storm.nmis,
        storm.nmis_inside,
        works(),
        stacks()
    );
    Ok(())
}

/// The block changes while the service looks at it, by another call of the compartment.
pub(crate) fn changed() -> Result {
    const BEFORE: u64 = 0x1111;
    const AFTER: u64 = 0x2222;

    // [0..3] the result, a tagged pair; [3] the length, [4] the word.
    let mut call = ASKER.begin()?;
    let words = call.alloc((ORDERS + 8) * 8, 8)?.cast::<u64>().as_ptr();
    let block = words as u64 + 8 * ORDERS as u64;
    let word = block + 8 * 4;
    let orders = [
        address(&offer::tear::SERVICE),
        block,
        8 * 5,
        1,
        0,
        0,
        0,
        0,
        1,
        BEFORE,
    ];
    for (nr, order) in orders.into_iter().enumerate() {
        // SAFETY: There is room for 13 words.
        unsafe { words.add(nr).write(order) };
    }
    offer::stage().store(0, Relaxed);
    workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
        while offer::stage().load(Acquire) != 1 {
            fsleep(Delta::from_millis(1));
        }
        let poked = Hostile::new().and_then(|mut it| {
            it.put(0, word);
            it.put(1, AFTER);
            it.run(ut_service_poke)
        });
        if poked.is_err() {
            pr_err!("nobody has changed the block: {:?}\n", poked);
        }
        offer::stage().store(2, Release);
    })?;
    // SAFETY: The entry takes such orders.
    let result = unsafe { call.run(ut_service_ask, words.cast()) };
    // SAFETY: As above; any bits are a word.
    let read = |nr: usize| unsafe { words.add(nr).read_volatile() };
    let (seen, then, now) = (read(ORDERS + 1), read(ORDERS + 2), read(ORDERS + 4));
    drop(call);
    pr_info!(
        "UT-SERVICE name=changed error={} before={:#x} after={:#x} now={:#x} works={} stacks={}\n",
        result.map_or_else(|fault| Error::from(fault).to_errno(), |()| 0),
        seen,
        then,
        now,
        works(),
        stacks()
    );
    Ok(())
}
