//! The guards that an agent can be run without, and the words scenarios have for them. What each one is for stands in
//! `registry/README.md`; how it is taken out, in `weakened.rs`, where nothing is shipped.

/// A guard that is taken out of every agent of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Placements are created only where none is: they are put.
    PlacementCreate,
    /// Placements are deleted by the index that was seen: they are deleted, whatever is there.
    PlacementIndex,
    /// Specs are changed and deleted by the index that was seen: they are put and deleted.
    SpecIndex,
    /// The lease is taken only where there is none: it is put.
    LeaseCreate,
    /// The record of a machine is made only where none is: it is put.
    PresenceCreate,
    /// The placement is read before a start: it is said to be still ours.
    ReadBefore,
    /// The placement is read after a start: it is said to be still ours.
    ReadAfter,
    /// The placements of all units are read once in each life of the record: they are said to be still ours.
    ReadOnceALife,
    /// Deadlines count the time in which an agent was stopped: its clock stands still until a few writes are made.
    Clock,
    /// A judge's contact breaks where a beat has no answer: the beat is said to have succeeded.
    Contact,
    /// A verdict of loss needs two looks: the second one is answered with the first.
    SecondLook,
    /// The layout and the index tell a wrong store: both are answered with what is remembered.
    Layout,
    /// What decisions hang on is confirmed by a majority: whatever the member asked holds is told.
    Quorum,
    /// State rows live under a session: there is one session for ever.
    Session,
    /// A record that ends wakes its machine: the wake is swallowed.
    RecordWakes,
    /// A failed beat rebuilds the watches: they stay.
    Pulse,
    /// Derived keys are repaired: an assignment is written only beside its placement.
    Repair,
    /// A write without an answer is unknown: it is said to be done.
    Unknown,
}

impl Guard {
    /// All of them, with their words.
    pub const ALL: [(Self, &'static str); 18] = [
        (Self::PlacementCreate, "placement-create"),
        (Self::PlacementIndex, "placement-index"),
        (Self::SpecIndex, "spec-index"),
        (Self::LeaseCreate, "lease-create"),
        (Self::PresenceCreate, "presence-create"),
        (Self::ReadBefore, "read-before-start"),
        (Self::ReadAfter, "read-after-start"),
        (Self::ReadOnceALife, "read-once-a-life"),
        (Self::Clock, "clock"),
        (Self::Contact, "contact"),
        (Self::SecondLook, "second-look"),
        (Self::Layout, "layout"),
        (Self::Quorum, "quorum"),
        (Self::Session, "session"),
        (Self::RecordWakes, "record-wakes"),
        (Self::Pulse, "pulse"),
        (Self::Repair, "repair"),
        (Self::Unknown, "unknown"),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(guard, _)| *guard == self).map_or("", |(_, word)| word)
    }

    /// The guard of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(guard, _)| *guard)
    }
}
