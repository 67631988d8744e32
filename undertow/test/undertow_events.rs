// SPDX-License-Identifier: GPL-2.0

//! Events that come while a compartment runs.
//!
//! `insmod undertow_events.ko test=N [weaken=1]` makes many calls while a timer fires, or NMIs
//! come, and prints one line:
//!
//!     UT-EVENTS name=... calls=... done=... wrong=... ended=... status=... ticks=... nmis=...
//!         nmis_inside=... resumed=... exits=... host_exits=... exact=...
//!
//! What it must say is up to the job that loads the module.

use kernel::{
    prelude::*,
    undertow::selftest::{
        self,
        events::{
            self,
            Storm, //
        },
        Bench, //
    },
    ThisModule, //
};

module! {
    type: Events,
    name: "undertow_events",
    authors: ["Undertow maintainers"],
    description: "Events inside compartments",
    license: "GPL",
    params: {
        test: u32 {
            default: 0,
            description: "0 timer, 1 NMI, 2 interrupts off, 3 deadline, 4 deadline with interrupts off, 5 flags, 6 costs, 7 roam",
        },
        weaken: u32 {
            default: 0,
            description: "1: switch off what is tested",
        },
        calls: u64 {
            default: 2000,
            description: "how many calls to make",
        },
        loops: u64 {
            default: 20_000,
            description: "how long one takes",
        },
        period_us: u64 {
            default: 1000,
            description: "between two events",
        },
    },
}

// Words of the orders: [0] how often to go round, [1] calls that came to their end, or flags,
// [2] calls in which a register had changed.
core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.EVENTS, "ax", @progbits
    .macro UT_FILL reg, n
    movabsq $(0x0101010101010101 * \n), %\reg
    .endm
    .macro UT_CHECK reg, n
    movabsq $(0x0101010101010101 * \n), %rcx
    cmpq    %rcx, %\reg
    jne     9f
    .endm

    .p2align 4
    .globl ut_event_work
    .type ut_event_work, @function
ut_event_work:
    endbr64
    pushq   %rbx
    pushq   %rbp
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    (%rdi), %rcx
    UT_FILL rax, 1
    UT_FILL rbx, 2
    UT_FILL rdx, 3
    UT_FILL rbp, 4
    UT_FILL rsi, 5
    UT_FILL r8, 6
    UT_FILL r9, 7
    UT_FILL r10, 8
    UT_FILL r11, 9
    UT_FILL r12, 10
    UT_FILL r13, 11
    UT_FILL r14, 12
    UT_FILL r15, 13
    stc
    std
1:  decq    %rcx
    jnz     1b
    jnc     9f
    pushfq
    testl   $0x400, (%rsp)
    leaq    8(%rsp), %rsp
    jz      9f
    UT_CHECK rax, 1
    UT_CHECK rbx, 2
    UT_CHECK rdx, 3
    UT_CHECK rbp, 4
    UT_CHECK rsi, 5
    UT_CHECK r8, 6
    UT_CHECK r9, 7
    UT_CHECK r10, 8
    UT_CHECK r11, 9
    UT_CHECK r12, 10
    UT_CHECK r13, 11
    UT_CHECK r14, 12
    UT_CHECK r15, 13
    jmp     8f
9:  incq    16(%rdi)
8:  incq    8(%rdi)
    cld
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbp
    popq    %rbx
    ret
    int3
    .size ut_event_work, . - ut_event_work

    // IF, IOPL 3, NT, AC and CF on; says which of them are left at the end.
    .p2align 4
    .globl ut_event_flags
    .type ut_event_flags, @function
ut_event_flags:
    endbr64
    movq    (%rdi), %rcx
    pushq   $0x47203
    popfq
1:  decq    %rcx
    jnz     1b
    pushfq
    popq    %rax
    movq    %rax, 8(%rdi)
    pushq   $2
    popfq
    ret
    int3
    .size ut_event_flags, . - ut_event_flags
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    fn ut_event_work(orders: *mut u8);
    fn ut_event_flags(orders: *mut u8);
}

undertow::compartment! {
    static EVENTS: Compartment = {
        name: c"events",
        stacks: 1,
    };
}

struct Events;

impl Events {
    /// Makes the calls; prints what came of them.
    fn run(
        name: &CStr,
        entry: undertow::compartment::Entry,
        loops: u64,
        mut storm: Storm,
    ) -> Result<u64> {
        let mut call = EVENTS.begin()?;
        let orders = call.alloc(size_of::<[u64; 3]>(), 8)?.cast::<u64>();
        // SAFETY: `alloc` returned room for three words, zeroed.
        unsafe { orders.write(loops) };

        let (_, before) = events::statistics();
        let (exits, own) = selftest::exits()?;
        Bench::new(&call, entry, core::ptr::null()).storm(orders.as_ptr().cast(), &mut storm)?;
        let (exits_after, own_after) = selftest::exits()?;
        let (_, after) = events::statistics();
        // SAFETY: As above; any bits are a word.
        let [done, wrong] = [1, 2].map(|nr| unsafe { orders.add(nr).read_volatile() });
        pr_info!(
            "UT-EVENTS name={} calls={} done={:#x} wrong={} ended={} status={} ticks={} nmis={} \
             nmis_inside={} resumed={} exits={} host_exits={} exact={}\n",
            name,
            storm.calls,
            done,
            wrong,
            storm.ended,
            storm.status,
            storm.ticks,
            storm.nmis,
            storm.nmis_inside,
            after - before,
            exits_after - exits,
            own_after - own,
            u8::from(done + storm.ended == storm.calls)
        );
        Ok(storm.tsc)
    }

    /// The same events during the same number of instructions, in view 0 and inside.
    fn costs(loops: u64, storm: &Storm) -> Result {
        let quiet = Storm {
            period_ns: 0,
            ..*storm
        };
        let plain = |storm: &Storm| Storm { loops, ..*storm };
        let work = |storm: &Storm| *storm;

        for (name, quiet, storm) in [
            (c"plain", plain(&quiet), plain(storm)),
            (c"inside", work(&quiet), work(storm)),
        ] {
            let base = Self::run(c"quiet", ut_event_work, loops, quiet)?;
            let busy = Self::run(name, ut_event_work, loops, storm)?;
            pr_info!("UT-COST event_{} base={} busy={}\n", name, base, busy);
        }
        Ok(())
    }
}

impl kernel::Module for Events {
    fn init(module: &'static ThisModule) -> Result<Self> {
        EVENTS.register(module)?;

        let weaken = module_parameters::weaken.value() != 0;
        let loops = module_parameters::loops.value();
        let storm = Storm {
            calls: module_parameters::calls.value(),
            period_ns: module_parameters::period_us.value() * 1000,
            ..Storm::default()
        };
        let test = module_parameters::test.value();

        // The test that fails with the switch off is the proof that it can fail.
        events::set_resume(!(weaken && matches!(test, 0 | 1 | 2 | 7)));
        events::set_flags(!(weaken && test == 5));
        let max_us = if weaken { 0 } else { 20_000 };
        let result = match test {
            0 => Self::run(c"timer", ut_event_work, loops, storm).map(drop),
            1 => Self::run(c"nmi", ut_event_work, loops, Storm { nmi: true, ..storm }).map(drop),
            2 => {
                let storm = Storm {
                    irqs_off: true,
                    ..storm
                };
                Self::run(c"irqs_off", ut_event_work, loops, storm).map(drop)
            }
            3 | 4 => {
                let storm = Storm {
                    irqs_off: test == 4,
                    max_us,
                    ..storm
                };
                Self::run(c"deadline", ut_event_work, loops, storm).map(drop)
            }
            5 => Self::run(c"flags", ut_event_flags, loops, storm).map(drop),
            6 => Self::costs(loops, &storm),
            7 => Self::run(
                c"roam",
                ut_event_work,
                loops,
                Storm {
                    roam: true,
                    ..storm
                },
            )
            .map(drop),
            _ => Err(EINVAL),
        };
        events::set_resume(true);
        events::set_flags(true);
        result.map(|()| Self)
    }
}
