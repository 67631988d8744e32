// SPDX-License-Identifier: GPL-2.0

//! States of a compartment.
//!
//! State and number of calls inside share one 32-bit word, so that a single
//! compare-and-exchange decides between a call that comes in and a kill. The
//! functions are pure; the caller owns the atomic.
//!
//! Invariant `INV-COMP-1`: nobody enters between a kill and the end of a
//! restart, and the count is the number of calls inside.
//!
//! ```text
//!        Seal          Enter           Leave (last)
//!   New ------> Ready --------> Live --------------> Ready
//!    |            |               |  Enter, Leave: count
//!    | Kill       | Kill          | Kill
//!    v            v               v      Leave (last)
//!   Dead <------ Dead           Dying --------------> Dead
//!    | ^
//!    | +---------------------- Kill
//!    +--Restart--> Restarting ------> Ready
//!                             Seal
//! ```

/// State of a compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Being set up: no call may enter.
    New,
    /// Rights are set and text is scanned; nobody is inside.
    Ready,
    /// At least one call is inside.
    Live,
    /// Killed, with calls inside that have not yet come out.
    Dying,
    /// Killed and empty.
    Dead,
    /// Being wiped and given back its rights: no call may enter.
    Restarting,
}

/// What happens to a compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Set-up is complete.
    Seal,
    /// A call wants to enter.
    Enter,
    /// A call that entered is out again, by return or by unwinding.
    Leave,
    /// A violation, a time-out or the owner ends it.
    Kill,
    /// The owner begins to set it up again.
    Restart,
}

/// Why an event is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not sealed yet.
    NotReady,
    /// Killed.
    Dead,
    /// Too many calls inside, or calls still inside.
    Busy,
    /// The event makes no sense in this state: the caller has a bug.
    Misuse,
    /// The word is not one that [`step`] returned.
    Corrupt,
}

/// The word of a compartment that was just created.
pub const INITIAL: u32 = pack(State::New, 0);

/// Most calls inside at once.
pub const CALLS_MAX: u32 = u32::MAX >> STATE_BITS;

const STATE_BITS: u32 = 3;
const STATE_MASK: u32 = (1 << STATE_BITS) - 1;

const fn pack(state: State, calls: u32) -> u32 {
    calls << STATE_BITS | state as u32
}

/// Returns the state and the number of calls inside, `None` for a word that
/// no sequence of events leads to.
pub const fn unpack(word: u32) -> Option<(State, u32)> {
    let calls = word >> STATE_BITS;
    match word & STATE_MASK {
        0 if calls == 0 => Some((State::New, calls)),
        1 if calls == 0 => Some((State::Ready, calls)),
        2 if calls > 0 => Some((State::Live, calls)),
        3 if calls > 0 => Some((State::Dying, calls)),
        4 if calls == 0 => Some((State::Dead, calls)),
        5 if calls == 0 => Some((State::Restarting, calls)),
        _ => None,
    }
}

/// Returns the word after `event`, or why the event is refused.
pub const fn step(word: u32, event: Event) -> Result<u32, Refusal> {
    let Some((state, calls)) = unpack(word) else {
        return Err(Refusal::Corrupt);
    };
    match (event, state) {
        (Event::Seal, State::New | State::Restarting) => Ok(pack(State::Ready, 0)),
        (Event::Seal, State::Ready | State::Live) => Err(Refusal::Misuse),
        (Event::Seal, State::Dying | State::Dead) => Err(Refusal::Dead),

        (Event::Enter, State::New | State::Restarting) => Err(Refusal::NotReady),
        (Event::Enter, State::Ready | State::Live) => {
            if calls == CALLS_MAX {
                return Err(Refusal::Busy);
            }
            Ok(pack(State::Live, calls + 1))
        }
        (Event::Enter, State::Dying | State::Dead) => Err(Refusal::Dead),

        (Event::Leave, State::Live) if calls > 1 => Ok(pack(State::Live, calls - 1)),
        (Event::Leave, State::Live) => Ok(pack(State::Ready, 0)),
        (Event::Leave, State::Dying) if calls > 1 => Ok(pack(State::Dying, calls - 1)),
        (Event::Leave, State::Dying) => Ok(pack(State::Dead, 0)),
        (Event::Leave, State::New | State::Ready | State::Dead | State::Restarting) => {
            Err(Refusal::Misuse)
        }

        // A second kill is legal: two CPUs can fault at the same time.
        (Event::Kill, State::Live | State::Dying) => Ok(pack(State::Dying, calls)),
        (Event::Kill, State::New | State::Ready | State::Dead | State::Restarting) => {
            Ok(pack(State::Dead, 0))
        }

        (Event::Restart, State::Dead) => Ok(pack(State::Restarting, 0)),
        (Event::Restart, State::Dying | State::Restarting) => Err(Refusal::Busy),
        (Event::Restart, State::New | State::Ready | State::Live) => Err(Refusal::Misuse),
    }
}
