// SPDX-License-Identifier: GPL-2.0

//! Compartment states: every transition, every word shape, and a race.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use undertow_logic::comp::{step, unpack, Event, Refusal, State, CALLS_MAX, INITIAL};

const EVENTS: [Event; 5] = [
    Event::Seal,
    Event::Enter,
    Event::Leave,
    Event::Kill,
    Event::Restart,
];

fn word(state: State, calls: u32) -> u32 {
    calls << 3 | state as u32
}

/// The whole table once more, written as data.
#[rustfmt::skip]
#[test]
fn every_transition_is_as_tabled() {
    use State::{Dead, Dying, Live, New, Ready, Restarting};
    type Answer = Result<(State, u32), Refusal>;
    const GONE: Answer = Err(Refusal::Dead);
    const MISUSE: Answer = Err(Refusal::Misuse);
    const BUSY: Answer = Err(Refusal::Busy);
    const EARLY: Answer = Err(Refusal::NotReady);
    const RESET: Answer = Ok((Restarting, 0));
    const MAX: u32 = CALLS_MAX;

    let rows: [((State, u32), [Answer; 5]); 9] = [
        //             Seal            Enter          Leave              Kill              Restart
        ((New, 0),    [Ok((Ready, 0)), EARLY,         MISUSE,            Ok((Dead, 0)),    MISUSE]),
        ((Ready, 0),  [MISUSE,         Ok((Live, 1)), MISUSE,            Ok((Dead, 0)),    MISUSE]),
        ((Live, 1),   [MISUSE,         Ok((Live, 2)), Ok((Ready, 0)),    Ok((Dying, 1)),   MISUSE]),
        ((Live, 7),   [MISUSE,         Ok((Live, 8)), Ok((Live, 6)),     Ok((Dying, 7)),   MISUSE]),
        ((Live, MAX), [MISUSE,         BUSY,          Ok((Live, MAX-1)), Ok((Dying, MAX)), MISUSE]),
        ((Dying, 1),  [GONE,           GONE,          Ok((Dead, 0)),     Ok((Dying, 1)),   BUSY]),
        ((Dying, 7),  [GONE,           GONE,          Ok((Dying, 6)),    Ok((Dying, 7)),   BUSY]),
        ((Dead, 0),   [GONE,           GONE,          MISUSE,            Ok((Dead, 0)),    RESET]),
        ((Restarting, 0),
                      [Ok((Ready, 0)), EARLY,         MISUSE,            Ok((Dead, 0)),    BUSY]),
    ];
    for ((state, calls), answers) in rows {
        for (event, wanted) in EVENTS.into_iter().zip(answers) {
            let wanted = wanted.map(|(state, calls)| word(state, calls));
            assert_eq!(step(word(state, calls), event), wanted, "{state:?}({calls}) {event:?}");
        }
    }
}

#[test]
fn words_that_no_step_returns_are_corrupt() {
    for low in 0..8_u32 {
        for calls in [0, 1, 2, CALLS_MAX] {
            let word = calls << 3 | low;
            let legal =
                matches!((low, calls), (0 | 1 | 4 | 5, 0)) || matches!(low, 2 | 3) && calls > 0;
            assert_eq!(unpack(word).is_some(), legal, "{word:#x}");
            for event in EVENTS {
                assert_eq!(step(word, event) == Err(Refusal::Corrupt), !legal);
            }
        }
    }
}

/// Attacks INV-COMP-1: whatever happens in whatever order, nobody enters
/// between a kill and the end of a restart, and calls are never lost or invented.
#[test]
fn every_sequence_of_seven_events_keeps_count() {
    let mut nr = 0;
    for code in 0..5_u32.pow(7) {
        let (mut word, mut inside) = (INITIAL, 0_u32);
        let (mut killed, mut restarting) = (false, false);
        let mut rest = code;
        for _ in 0..7 {
            let event = EVENTS[(rest % 5) as usize];
            rest /= 5;
            let Ok(next) = step(word, event) else {
                continue;
            };
            match event {
                Event::Enter => {
                    assert!(!killed && !restarting, "entered after a kill");
                    inside += 1;
                }
                Event::Leave => inside -= 1,
                Event::Kill => (killed, restarting) = (true, false),
                Event::Restart => {
                    assert_eq!(inside, 0, "restarted with calls inside");
                    (killed, restarting) = (false, true);
                }
                Event::Seal => restarting = false,
            }
            let (state, calls) = unpack(next).expect("a step returned a corrupt word");
            assert_eq!(calls, inside);
            assert_eq!(killed, matches!(state, State::Dying | State::Dead));
            assert_eq!(restarting, state == State::Restarting);
            word = next;
        }
        nr += 1;
    }
    assert_eq!(nr, 78_125);
}

#[test]
fn calls_and_a_kill_race_on_one_word() {
    let word = AtomicU32::new(step(INITIAL, Event::Seal).unwrap());
    let apply = |event| {
        word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
            step(old, event).ok()
        })
        .is_ok()
    };
    let is_killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_killed.load(Ordering::Acquire) {
                    if apply(Event::Enter) {
                        std::thread::yield_now();
                        assert!(apply(Event::Leave));
                    }
                }
                assert!(!apply(Event::Enter), "entered after the kill");
            });
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(apply(Event::Kill));
        is_killed.store(true, Ordering::Release);
    });
    assert_eq!(unpack(word.into_inner()), Some((State::Dead, 0)));
}

/// Three callers, one killer and one who restarts, on one word: a call that was
/// let in is never in the way of a wipe.
#[test]
fn calls_kills_and_restarts_race_on_one_word() {
    let word = AtomicU32::new(step(INITIAL, Event::Seal).unwrap());
    let apply = |event| {
        word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
            step(old, event).ok()
        })
        .is_ok()
    };
    let (is_wiping, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut restarts = 0;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    if apply(Event::Enter) {
                        assert!(!is_wiping.load(Ordering::Acquire), "inside during a wipe");
                        std::thread::yield_now();
                        assert!(!is_wiping.load(Ordering::Acquire), "inside during a wipe");
                        assert!(apply(Event::Leave));
                    }
                }
            });
        }
        while restarts < 2000 {
            assert!(apply(Event::Kill));
            if apply(Event::Restart) {
                is_wiping.store(true, Ordering::Release);
                std::hint::spin_loop();
                is_wiping.store(false, Ordering::Release);
                assert!(apply(Event::Seal));
                restarts += 1;
            }
        }
        is_over.store(true, Ordering::Release);
    });
    assert!(matches!(
        unpack(word.into_inner()),
        Some((State::Ready | State::Live, _))
    ));
}
