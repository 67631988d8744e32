// SPDX-License-Identifier: GPL-2.0

//! The interval map against one entry per frame.

mod common;

use std::collections::BTreeMap;

use common::{iterations, Rng};
use proptest::prelude::*;
use undertow_logic::addr::{Gfn, GfnRange, GFN_LIMIT};
use undertow_logic::map::{Change, IntervalMap, MapFull};

const FRAMES: u64 = 48;
const DEFAULT: u8 = 0;

type Model = BTreeMap<u64, u8>;

fn model_set(model: &mut Model, range: GfnRange, value: u8) {
    for gfn in range.start()..range.end() {
        model.insert(gfn, value);
    }
}

fn model_get(model: &Model, gfn: u64) -> u8 {
    model.get(&gfn).copied().unwrap_or(DEFAULT)
}

fn gfn(number: u64) -> Gfn {
    Gfn::new(number).unwrap()
}

/// Attacks INV-MAP-1 and INV-MAP-2: runs sorted, apart or different, and never
/// of the default value; contents as in the model.
fn check<const N: usize>(map: &IntervalMap<u8, N>, model: &Model) {
    for pair in map.runs().windows(2) {
        let (a, b) = (pair[0], pair[1]);
        assert!(a.range.end() <= b.range.start(), "overlap");
        assert!(
            a.range.end() < b.range.start() || a.value != b.value,
            "unmerged"
        );
    }
    assert!(map.runs().iter().all(|run| run.value != DEFAULT));
    for number in 0..FRAMES + 8 {
        assert_eq!(
            map.get(gfn(number)),
            model_get(model, number),
            "frame {number}"
        );
    }
}

/// Number of runs that the model's contents need.
fn nr_runs(model: &Model) -> usize {
    let mut nr = 0;
    let mut last = DEFAULT;
    for number in 0..FRAMES + 8 {
        let value = model_get(model, number);
        if value != last && value != DEFAULT {
            nr += 1;
        }
        last = value;
    }
    nr
}

fn operation() -> impl Strategy<Value = (GfnRange, u8)> {
    (0..FRAMES, 1..12_u64, 0..4_u8).prop_map(|(start, nr, value)| {
        let nr = nr.min(FRAMES - start);
        (GfnRange::new(start, nr).unwrap(), value)
    })
}

proptest! {
    #[test]
    fn a_map_is_its_model(operations in prop::collection::vec(operation(), 0..40)) {
        let (mut map, mut model) = (IntervalMap::<u8, 64>::new(DEFAULT), Model::new());
        for (range, value) in operations {
            prop_assert_eq!(map.set(range, value), Ok(()));
            prop_assert!(map.is_all(range, value));
            model_set(&mut model, range, value);
            check(&map, &model);
            prop_assert_eq!(map.runs().len(), nr_runs(&model));
        }
    }

    /// A small map refuses exactly what does not fit, and is then unchanged.
    #[test]
    fn a_full_map_stays_as_it_was(operations in prop::collection::vec(operation(), 0..60)) {
        let (mut map, mut model) = (IntervalMap::<u8, 4>::new(DEFAULT), Model::new());
        for (range, value) in operations {
            let mut wanted = model.clone();
            model_set(&mut wanted, range, value);
            match map.set(range, value) {
                Ok(()) => {
                    prop_assert!(nr_runs(&wanted) <= 4);
                    model = wanted;
                }
                Err(MapFull) => prop_assert!(nr_runs(&wanted) > 4),
            }
            check(&map, &model);
        }
    }

    /// Applied to the old map, the changes make the new one; they are sorted,
    /// apart, and none is empty of meaning.
    #[test]
    fn a_diff_is_what_changed(
        old in prop::collection::vec(operation(), 0..20),
        new in prop::collection::vec(operation(), 0..20),
    ) {
        let mut a = IntervalMap::<u8, 64>::new(DEFAULT);
        let mut b = IntervalMap::<u8, 48>::new(DEFAULT);
        let mut model = Model::new();
        for (range, value) in old {
            a.set(range, value).unwrap();
        }
        for (range, value) in new {
            b.set(range, value).unwrap();
            model_set(&mut model, range, value);
        }
        let changes: Vec<Change<u8>> = a.diff(&b).collect();
        for pair in changes.windows(2) {
            prop_assert!(pair[0].range.end() <= pair[1].range.start());
        }
        let mut patched = a.clone();
        for change in &changes {
            prop_assert_ne!(change.old, change.new);
            prop_assert!(a.is_all(change.range, change.old));
            patched.set(change.range, change.new).unwrap();
        }
        check(&patched, &model);
        prop_assert_eq!(patched.diff(&b).count(), 0);
        let back: Vec<_> = b.diff(&a).map(|c| (c.range, c.new, c.old)).collect();
        let forth: Vec<_> = changes.iter().map(|c| (c.range, c.old, c.new)).collect();
        prop_assert_eq!(back, forth);
    }

    #[test]
    fn segments_cover_the_range_without_gaps(
        operations in prop::collection::vec(operation(), 0..20),
        (range, _) in operation(),
    ) {
        let mut map = IntervalMap::<u8, 64>::new(DEFAULT);
        for (range, value) in operations {
            map.set(range, value).unwrap();
        }
        let mut next = range.start();
        for segment in map.segments(range) {
            prop_assert_eq!(segment.range.start(), next);
            prop_assert!(map.is_all(segment.range, segment.value));
            next = segment.range.end();
        }
        prop_assert_eq!(next, range.end());
    }
}

#[test]
fn the_whole_address_space_is_one_run() {
    let mut map = IntervalMap::<u8, 3>::new(DEFAULT);
    map.set(GfnRange::ALL, 1).unwrap();
    assert_eq!(map.runs().len(), 1);
    map.set(GfnRange::new(GFN_LIMIT - 1, 1).unwrap(), 2)
        .unwrap();
    map.set(GfnRange::new(0, 1).unwrap(), DEFAULT).unwrap();
    assert_eq!((map.get(gfn(0)), map.get(gfn(1))), (DEFAULT, 1));
    assert_eq!(map.get(gfn(GFN_LIMIT - 1)), 2);
    let other = IntervalMap::<u8, 0>::new(9);
    let changes: Vec<_> = map.diff(&other).map(|c| (c.old, c.new)).collect();
    assert_eq!(changes, [(DEFAULT, 9), (1, 9), (2, 9)]);
}

#[test]
fn a_map_without_room_holds_the_default() {
    let mut map = IntervalMap::<u8, 0>::new(5);
    let range = GfnRange::new(3, 4).unwrap();
    assert_eq!(map.set(range, 5), Ok(()));
    assert_eq!(map.set(range, 6), Err(MapFull));
    assert_eq!(map.get(gfn(3)), 5);
}

/// Long mode: many operations on one map, in the same order every time.
#[test]
fn a_long_life_leaves_no_trace() {
    let mut rng = Rng::new(0x5eed_0002);
    let (mut map, mut model) = (IntervalMap::<u8, 64>::new(DEFAULT), Model::new());
    for _ in 0..iterations(5_000) {
        let start = rng.below(FRAMES);
        let nr = 1 + rng.below(FRAMES - start);
        let (range, value) = (GfnRange::new(start, nr).unwrap(), rng.below(4) as u8);
        map.set(range, value).unwrap();
        model_set(&mut model, range, value);
        check(&map, &model);
    }
}
