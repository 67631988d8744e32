// SPDX-License-Identifier: GPL-2.0

//! The plan of the fault-injection campaign: what it injects is what it says.

#[path = "../../test/campaign/plan.rs"]
mod plan;

use plan::{
    median_and_worst,
    step,
    Kind,
    Outcome, //
};
use proptest::prelude::*;
use std::collections::HashSet;

const KINDS: usize = Kind::ALL.len();

proptest! {
    #[test]
    fn each_round_has_each_kind_once(seed: u64, round in 0_u64..1 << 40) {
        let first = round * KINDS as u64;
        let kinds: HashSet<_> = (first..first + KINDS as u64)
            .map(|number| step(seed, number).kind as u32)
            .collect();
        prop_assert_eq!(kinds.len(), KINDS);
    }

    #[test]
    fn as_many_rounds_as_variants_have_them_all(seed: u64, round in 0_u64..1 << 40) {
        let mut seen = HashSet::new();
        let most = Kind::ALL.iter().map(|kind| kind.variants().len()).max().unwrap() as u64;
        let first = round * KINDS as u64;
        for number in first..first + most * KINDS as u64 {
            let step = step(seed, number);
            seen.insert((step.kind as u32, step.variant));
        }
        let all: usize = Kind::ALL.iter().map(|kind| kind.variants().len()).sum();
        prop_assert_eq!(seen.len(), all);
    }

    #[test]
    fn a_seed_is_all_that_it_takes(seed: u64, number in 0_u64..1 << 48) {
        prop_assert_eq!(step(seed, number), step(seed, number));
        prop_assert_ne!(step(seed, number).dice, step(seed, number + 1).dice);
    }

    #[test]
    fn wanted_is_what_the_variant_says(seed: u64, number in 0_u64..1 << 48) {
        let step = step(seed, number);
        prop_assert_eq!(step.wanted, step.kind.variants()[step.variant]);
        prop_assert_ne!(step.wanted, Outcome::Other);
    }

    #[test]
    fn half_is_not_above_the_median(mut costs in proptest::collection::vec(any::<u64>(), 1..99)) {
        let (median, worst) = median_and_worst(&mut costs);
        prop_assert_eq!(worst, costs.iter().copied().max().unwrap());
        prop_assert!(costs.iter().filter(|&&cost| cost <= median).count() * 2 >= costs.len());
        prop_assert!(costs.iter().filter(|&&cost| cost >= median).count() * 2 >= costs.len());
    }
}

#[test]
fn seeds_differ() {
    let plan = |seed| {
        (0..100)
            .map(|number| step(seed, number))
            .collect::<Vec<_>>()
    };
    assert_ne!(plan(1), plan(2));
}

#[test]
fn at_least_ten_kinds_have_a_fault() {
    let faulty = Kind::ALL.iter().filter(|kind| {
        kind.variants()
            .iter()
            .any(|&outcome| outcome != Outcome::Returned)
    });
    assert!(faulty.count() >= 10);
}

#[test]
fn names_are_names_of_one_kind() {
    let names: HashSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), KINDS);
}

#[test]
fn nothing_costs_nothing() {
    assert_eq!(median_and_worst(&mut []), (0, 0));
    assert_eq!(median_and_worst(&mut [7]), (7, 7));
    assert!(!Kind::kills(Outcome::Returned) && Kind::kills(Outcome::TimedOut));
}
