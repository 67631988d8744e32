// SPDX-License-Identifier: GPL-2.0

//! What a campaign injects, in which order, and what it must come to.
//!
//! Pure, so that it can be tested on the build machine (`undertow/logic/tests/campaign.rs`). The
//! order depends on the seed alone.

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    WildRead,
    WildWrite,
    WildJump,
    StackOverflow,
    Endless,
    EndlessIrqsOff,
    Panic,
    Exception,
    Forbidden,
    BadReturn,
    Corrupted,
    KilledOutside,
    Storm,
    ForgedState,
    InService,
}

impl Kind {
    pub(crate) const ALL: [Kind; 15] = [
        Kind::WildRead,
        Kind::WildWrite,
        Kind::WildJump,
        Kind::StackOverflow,
        Kind::Endless,
        Kind::EndlessIrqsOff,
        Kind::Panic,
        Kind::Exception,
        Kind::Forbidden,
        Kind::BadReturn,
        Kind::Corrupted,
        Kind::KilledOutside,
        Kind::Storm,
        Kind::ForgedState,
        Kind::InService,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::WildRead => "wild_read",
            Kind::WildWrite => "wild_write",
            Kind::WildJump => "wild_jump",
            Kind::StackOverflow => "stack_overflow",
            Kind::Endless => "endless",
            Kind::EndlessIrqsOff => "endless_irqs_off",
            Kind::Panic => "panic",
            Kind::Exception => "exception",
            Kind::Forbidden => "forbidden",
            Kind::BadReturn => "bad_return",
            Kind::Corrupted => "corrupted",
            Kind::KilledOutside => "killed_outside",
            Kind::Storm => "storm",
            Kind::ForgedState => "forged_state",
            Kind::InService => "in_service",
        }
    }

    /// Returns what each variant must come to; the module knows what a variant does.
    pub(crate) const fn variants(self) -> &'static [Outcome] {
        use Outcome::{
            BadReturn,
            Dead,
            Denied,
            Exception,
            Panicked,
            Refused,
            Returned,
            TimedOut,
            Violation, //
        };

        match self {
            // Null, protected region, hole, user space, not canonical.
            Kind::WildRead => &[Violation, Violation, Violation, Violation, Exception(13)],
            // Null, heap, region, kernel text, own text, IDT, caller's stack, guard page, per-CPU
            // data, not canonical.
            Kind::WildWrite => &[
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Exception(13),
            ],
            // Null, kernel text, heap, G0, G2, G3, own arena, user space, not canonical.
            Kind::WildJump => &[
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Violation,
                Exception(13),
            ],
            // By a word at a time, and by a frame at a time.
            Kind::StackOverflow => &[Violation, Violation],
            Kind::Endless => &[TimedOut],
            // Ended by the deadline, by the host; both once more with IF cleared inside, too.
            Kind::EndlessIrqsOff => &[TimedOut, TimedOut, TimedOut, TimedOut],
            // An index out of bounds, an overflow, `unwrap` on nothing.
            Kind::Panic => &[Panicked, Panicked, Panicked],
            // Divide error, UD2, INT3, INT 0x80, FPU, stack, segment, TF, ICEBP.
            Kind::Exception => &[
                Exception(0),
                Panicked,
                Exception(3),
                Exception(0x80),
                Exception(7),
                Exception(12),
                Exception(13),
                Exception(1),
                Exception(1),
            ],
            // HLT, IN, OUT, RDPMC, RDMSR, SGDT, STR; switches of the view to view 0, to the transit
            // view, to one that there is not, to one that there can't be.
            Kind::Forbidden => &[
                Refused(12),
                Refused(30),
                Refused(30),
                Refused(15),
                Refused(31),
                Refused(46),
                Refused(47),
                Violation,
                Violation,
                Refused(59),
                Refused(59),
            ],
            // Nothing, a wrong tag, a `bool` that is none, an errno that is none; and one that is
            // right, or the others would show nothing.
            Kind::BadReturn => &[BadReturn, BadReturn, BadReturn, BadReturn, Returned],
            // The whole arena, with the mark of a finished call and without; address and length of
            // a buffer that comes back.
            Kind::Corrupted => &[BadReturn, BadReturn, Returned],
            // By another thread, while the call is inside.
            Kind::KilledOutside => &[Dead],
            // Timer, NMI.
            Kind::Storm => &[Returned, Returned],
            // Flags, stack pointer, GS, FS.
            Kind::ForgedState => &[Returned, Returned, Panicked, Returned],
            // Killed while its service runs; that service late; a fault of a call that the service
            // makes; something that is no service; an argument that is not its own; none of it.
            Kind::InService => &[Dead, TimedOut, Dead, Denied, Violation, Returned],
        }
    }

    /// Returns whether the compartment is dead afterwards by itself.
    pub(crate) const fn kills(outcome: Outcome) -> bool {
        !matches!(outcome, Outcome::Returned | Outcome::BadReturn)
    }
}

/// What a call comes to, as far as it can be known ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Returned,
    Violation,
    Exception(u8),
    Panicked,
    Refused(u32),
    TimedOut,
    Dead,
    BadReturn,
    Denied,
    /// Never what is wanted.
    Other,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) variant: usize,
    pub(crate) wanted: Outcome,
    /// For addresses, offsets, lengths.
    pub(crate) dice: u64,
}

/// Steele, Lea, Flood: SplitMix64. Every input has an output of its own.
const fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Returns the fault with this number.
///
/// Faults come in rounds in which each kind has its turn once, in an order of the round's own; in
/// rounds one after the other, all variants of a kind have theirs.
pub(crate) fn step(seed: u64, number: u64) -> Step {
    let kinds = Kind::ALL.len() as u64;
    let (round, turn) = (number / kinds, (number % kinds) as usize);
    let mut order = Kind::ALL;

    for last in (1..order.len()).rev() {
        let dice = mix(seed ^ mix(round << 8 | last as u64));
        order.swap(last, (dice % (last as u64 + 1)) as usize);
    }
    let kind = order[turn];
    let variants = kind.variants();
    let first = mix(seed ^ kind as u64);
    let variant = (first.wrapping_add(round) % variants.len() as u64) as usize;
    Step {
        kind,
        variant,
        wanted: variants[variant],
        dice: mix(mix(seed).wrapping_add(number)),
    }
}

/// Sorts; returns the median and the largest, 0 of nothing.
pub(crate) fn median_and_worst(costs: &mut [u64]) -> (u64, u64) {
    costs.sort_unstable();
    let costs = &*costs;
    costs
        .last()
        .map_or((0, 0), |&worst| (costs[costs.len() / 2], worst))
}
