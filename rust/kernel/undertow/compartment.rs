// SPDX-License-Identifier: GPL-2.0

//! Code that runs in a view of its own.

use crate::{
    prelude::*,
    str::CStr,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release, //
    },
    ThisModule, //
};

pub use super::call::{
    Call,
    Entry, //
};
use super::{
    fault::Fault,
    logic::comp,
    restart,
    service::Service,
    slot::Pool,
    system, //
};

/// What [`compartment!`](super::compartment) says about a compartment.
pub struct Descriptor {
    /// The name in messages and in debugfs.
    pub name: &'static CStr,
    /// Returns the address range of the isolated text, whole pages.
    pub text: fn() -> (usize, usize),
    /// Calls that can be inside at once, 1 to 64.
    pub stacks: usize,
    /// Bytes for the arguments and results of one call, 0 for the default (44 KiB).
    pub heap: usize,
    /// Microseconds that one call may take, services included, 0 for any time. Looked at when an
    /// event comes, and when a service returns.
    pub max_us: u32,
    /// What becomes of the compartment when a call is ended by a fault or its deadline.
    pub on_fault: OnFault,
    /// No other compartment can read its stacks and arenas, and what a call leaves there is wiped
    /// when it is over. Not covered: registers, which an event saves on the caller's stack.
    pub secret: bool,
    /// What it may ask view 0 for.
    pub services: &'static [&'static Service],
}

/// What becomes of a compartment when a call is ended by a fault or its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// Nothing: the next call is made as usual.
    End,
    /// It is killed, until somebody restarts it.
    Kill,
    /// Writes beside its own memory are allowed, counted and said in the log instead, a page at a
    /// time: to learn what existing code needs. Takes the boot parameter `undertow_learn`, without
    /// which, and after the seal, this is [`End`](OnFault::End). The compartment is not isolated.
    Audit,
}

/// What a compartment that names no deadline has: one second.
pub const DEFAULT_MAX_US: u32 = 1_000_000;

/// A part of the kernel that reaches nothing but what it owns or was lent.
///
/// Inside, all memory but protected regions can be read, and nothing can be written but the
/// stacks and arenas of the compartment. Only its own text and a private copy of `core` can be
/// executed.
///
/// # Invariants
///
/// - INV-LIFE-1: `view` changes only while `state` is `New` or `Dead`.
/// - INV-LIFE-2: the number of calls in `state` is the number of live [`Call`]s.
/// - INV-LIFE-3: while `stripped` is not set the view has its rights to execute.
pub struct Compartment {
    desc: &'static Descriptor,
    state: Atomic<u32>,
    view: Atomic<u32>,
    stripped: Atomic<bool>,
    pub(super) pool: Pool,
    calls: Atomic<u64>,
    faults: Atomic<u64>,
    kills: Atomic<u64>,
    restarts: Atomic<u64>,
    served: Atomic<u64>,
    learned: Atomic<u32>,
}

impl Compartment {
    /// Creates a compartment that no call can enter yet. For the expansion of
    /// [`compartment!`](super::compartment).
    pub const fn new(desc: &'static Descriptor) -> Self {
        // INVARIANT: INV-LIFE-1 to INV-LIFE-3: new, without calls and without a view.
        Self {
            desc,
            state: Atomic::new(comp::INITIAL),
            view: Atomic::new(0),
            stripped: Atomic::new(false),
            pool: Pool::new(),
            calls: Atomic::new(0),
            faults: Atomic::new(0),
            kills: Atomic::new(0),
            restarts: Atomic::new(0),
            served: Atomic::new(0),
            learned: Atomic::new(0),
        }
    }

    /// Builds the compartment: scans its text, gives it a view, takes its text from view 0.
    ///
    /// On a system that does not enforce views this succeeds with one line in the log, and calls
    /// run unprotected; with `undertow=require` it fails instead.
    ///
    /// When `module` is unloaded, or its init fails, the compartment is taken down again. Once the
    /// system is sealed a module with a compartment stays.
    ///
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EBUSY` when it is registered already.
    /// - `ENODEV` when protection is required and not to be had.
    /// - `ENOEXEC` when its text holds an instruction that a compartment may not have, even
    ///   hidden inside others; the log says which and where.
    /// - `EPERM` when the system is sealed.
    /// - `ENOSPC` when there is no view left.
    /// - `EINVAL` when the descriptor asks for no stack, or for more than there can be.
    /// - `ENOMEM`, or what the host answers when it refuses.
    pub fn register(&'static self, module: &'static ThisModule) -> Result {
        system::adopt(self, module)
    }

    /// Claims what one call needs. Any context but NMI.
    ///
    /// # Errors
    ///
    /// - [`Fault::Dead`] when the compartment is not registered, or was killed.
    /// - [`Fault::Busy`] when all stacks are in use.
    pub fn begin(&'static self) -> Result<Call, Fault> {
        self.step(comp::Event::Enter)?;
        match self.pool.claim() {
            Some(slot) => {
                self.calls.add(1, Relaxed);
                // INVARIANT: INV-LIFE-2: counted by the step above.
                Ok(Call::new(self, slot))
            }
            None => {
                let _ = self.step(comp::Event::Leave);
                Err(Fault::Busy)
            }
        }
    }

    /// A [`Call`] is over.
    pub(super) fn end(&self) {
        let _ = self.step(comp::Event::Leave);
    }

    /// Ends the compartment: calls inside, on every CPU, end with [`Fault::Dead`], and so does every
    /// later one.
    ///
    /// Takes effect at once and waits for nobody: the view loses its rights to execute. Once the
    /// system is sealed it keeps them, as they could not be given back, and calls inside are ended
    /// by an interrupt. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENODEV` when it was never registered.
    /// - What the host answers. No call begins any more, but one that is inside can run on until
    ///   an event comes.
    pub fn kill(&'static self) -> Result {
        restart::kill(self)
    }

    /// Makes a killed compartment work again: waits until every [`Call`] is dropped, wipes what the
    /// compartment could write, and gives it back the right to execute, if it was taken.
    ///
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EPERM` when it was killed before the system was sealed: rights can't be given any more.
    /// - `EBUSY` when it is not dead.
    /// - `EDEADLK` in a service of the compartment, where views are enforced: it would wait for
    ///   itself.
    /// - `ENODEV` when it was never registered.
    /// - What the host answers; the compartment is dead as before.
    pub fn restart(&'static self) -> Result {
        restart::restart(self)
    }

    /// Takes the compartment out of use for good; calls get [`Fault::Dead`] from now on.
    ///
    /// Returns whether no call is left inside.
    pub(super) fn retire(&self) -> bool {
        let _ = self.step(comp::Event::Kill);
        self.state() == Some(comp::State::Dead)
    }

    /// Returns the state, `None` if it is corrupt.
    pub(super) fn state(&self) -> Option<comp::State> {
        comp::unpack(self.state.load(Acquire)).map(|(state, _)| state)
    }

    /// Returns whether calls inside must not go on.
    pub(super) fn is_dead(&self) -> bool {
        !matches!(self.state(), Some(comp::State::Ready | comp::State::Live))
    }

    pub(super) fn step(&self, event: comp::Event) -> Result<(), Fault> {
        let mut word = self.state.load(Relaxed);
        loop {
            let next = match comp::step(word, event) {
                Ok(next) => next,
                Err(comp::Refusal::Busy) => return Err(Fault::Busy),
                Err(_) => return Err(Fault::Dead),
            };
            match self.state.cmpxchg(word, next, Full) {
                Ok(_) => {
                    self.count(word, event);
                    return Ok(());
                }
                Err(now) => word = now,
            }
        }
    }

    /// Counts what an event did to a word that it was applied to.
    fn count(&self, word: u32, event: comp::Event) {
        use comp::State::{
            Dead,
            Dying,
            Restarting, //
        };

        let was = comp::unpack(word).map(|(state, _)| state);
        match event {
            comp::Event::Kill if !matches!(was, Some(Dying | Dead)) => self.kills.add(1, Relaxed),
            comp::Event::Seal if was == Some(Restarting) => self.restarts.add(1, Relaxed),
            _ => {}
        }
    }

    /// Returns what the compartment is called.
    pub fn name(&self) -> &'static CStr {
        self.desc.name
    }

    /// Returns the view that it runs in, `None` when it runs unprotected.
    pub fn view(&self) -> Option<u16> {
        match self.view.load(Acquire) {
            0 => None,
            view => Some(view as u16),
        }
    }

    /// Returns the calls begun and the calls that a fault ended, since registration.
    pub fn statistics(&self) -> (u64, u64) {
        (self.calls.load(Relaxed), self.faults.load(Relaxed))
    }

    /// Returns how often it was killed and restarted.
    pub fn lives(&self) -> (u64, u64) {
        (self.kills.load(Relaxed), self.restarts.load(Relaxed))
    }

    /// Returns how many services it was given.
    pub fn served(&self) -> u64 {
        self.served.load(Relaxed)
    }

    pub(super) fn count_service(&self) {
        self.served.add(1, Relaxed);
    }

    /// Returns how many pages the compartment learned to write; see [`OnFault::Audit`].
    pub fn learned(&self) -> u32 {
        self.learned.load(Relaxed)
    }

    /// Returns how many there were before this one.
    pub(super) fn count_learned(&self) -> u32 {
        self.learned.fetch_add(1, Relaxed)
    }

    /// The page counted last was not learned after all.
    pub(super) fn uncount_learned(&self) {
        self.learned.fetch_sub(1, Relaxed);
    }

    pub(super) fn descriptor(&self) -> &'static Descriptor {
        self.desc
    }

    /// INV-LIFE-1: for [`system::adopt`] and the taking down only.
    pub(super) fn set_view(&self, view: u16) {
        self.view.store(view.into(), Release);
    }

    /// Returns whether the view may have lost rights to execute.
    pub(super) fn is_stripped(&self) -> bool {
        self.stripped.load(Acquire)
    }

    /// INV-LIFE-3: for `restart`, before rights are taken and after they were given.
    pub(super) fn set_stripped(&self, stripped: bool) {
        self.stripped.store(stripped, Release);
    }

    pub(super) fn count_fault(&self) {
        self.faults.add(1, Relaxed);
    }
}
