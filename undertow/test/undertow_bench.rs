// SPDX-License-Identifier: GPL-2.0

//! The cost table: one line `UT-COST name=value` for each figure, instructions where the TSC
//! counts them.

use kernel::{
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
    type: Costs,
    name: "undertow_bench",
    authors: ["Undertow maintainers"],
    description: "What crossings and violations cost",
    license: "GPL",
    params: {
        crossings: u64 {
            default: 1_000_000,
            description: "crossings in which VM exits are counted, a multiple of 1000",
        },
    },
}

core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.BENCH, "ax", @progbits
    .p2align 4
    .globl ut_bench_null
    .type ut_bench_null, @function
ut_bench_null:
    endbr64
    ret
    int3
    .size ut_bench_null, . - ut_bench_null
    .popsection
    "#
);

extern "C" {
    fn ut_bench_null(nothing: *mut u8);
}

undertow::compartment! {
    static BENCH: Compartment = {
        name: c"bench",
        stacks: 1,
    };
}

const PAGE: usize = 4096;
const READ: u8 = 1;
const READ_EXECUTE: u8 = 5;

struct Costs {
    _vault: Region,
}

impl kernel::Module for Costs {
    fn init(module: &'static ThisModule) -> Result<Self> {
        BENCH.register(module)?;
        let view = BENCH.view().ok_or(ENODEV)?;
        let call = BENCH.begin()?;

        let mut vault = Region::new(PAGE, Policy::KernelRw)?;
        vault.give_to(&BENCH)?;
        vault.lock(c"bench vault")?;

        let mut bench = Bench::new(&call, ut_bench_null, vault.as_ptr());
        let costs = [
            (c"call", What::Call),
            (c"crossing", What::Crossing),
            (c"hypercall_switch", What::Switch),
            (c"ve_round_trip", What::Ve),
        ];
        // The gate that is not in use has its pages restricted as the other one's are.
        let gate = selftest::switch_gate();
        selftest::set_rights(view, gate + PAGE, PAGE, READ_EXECUTE)?;
        selftest::set_rights(1, gate + 2 * PAGE, PAGE, READ_EXECUTE)?;
        for (name, what) in costs {
            let ticks = bench.run(what);
            pr_info!("UT-COST {}={}.{:02}\n", name, ticks / 100, ticks % 100);
        }

        let floor = selftest::floor();
        for number in [0, 1, view] {
            selftest::set_rights(number, floor, PAGE, READ_EXECUTE)?;
        }
        let ticks = bench.run(What::Floor);
        for number in [1, view] {
            selftest::set_rights(number, floor, PAGE, READ)?;
        }
        pr_info!("UT-COST floor={}.{:02}\n", ticks / 100, ticks % 100);

        let crossings = module_parameters::crossings.value();
        let (exits, failed) = bench.exits(What::Crossing, crossings);
        pr_info!("UT-COST crossings={}\n", crossings);
        pr_info!("UT-COST crossings_failed={}\n", failed);
        pr_info!("UT-COST crossing_exits={}\n", exits);
        pr_info!(
            "UT-COST exits_per_million={}\n",
            exits * 1_000_000 / crossings.max(1)
        );
        Ok(Self { _vault: vault })
    }
}
