//! What an operator is told, as one closed list: each event's name, number and weight. `docs/events.md` says of each when
//! it comes and what to do; a test compares the two. Words and fields are the agent's.

use core::fmt;

/// What every event's message ID begins with (`journalctl MESSAGE_ID=…`): thirty digits, and two more of its number.
const MESSAGE_ID_STEM: &str = "7b1d2c8f40a94e6f9d35c1a6e87f02";

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Somebody should know.
    Warning,
    /// What is done, and why.
    Plain,
    /// For someone looking for an error.
    Detail,
}

macro_rules! events {
    ($($(#[$doc:meta])* $number:literal $variant:ident $name:literal $weight:ident;)*) => {
        /// Something that was decided or noticed. Names and numbers are stable: one that has gone is not used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Event { $($(#[$doc])* $variant,)* }

        impl Event {
            /// Every event there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name: `SKIFF_EVENT` in the journal, and the label of its counter.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn weight(self) -> Weight {
                match self { $(Self::$variant => Weight::$weight,)* }
            }
        }
    };
}

events! {
    /// The leader gave a unit a machine.
    1 UnitPlaced "unit-placed" Plain;
    /// The leader took a unit's placement from a machine that was judged lost.
    2 UnitTaken "unit-taken" Plain;
    /// The leader told a machine anew what it is to hold.
    3 UnitAssigned "unit-assigned" Plain;
    /// The leader asked a machine to give a unit back.
    4 UnitRevoked "unit-revoked" Plain;
    /// The leader removed an assignment that no placement backs.
    5 AssignmentRemoved "assignment-removed" Detail;
    /// The leader published a global unit.
    6 GlobalPublished "global-published" Plain;
    /// The leader withdrew a global unit.
    7 GlobalWithdrawn "global-withdrawn" Plain;
    /// The leader removed the rows of a machine's life that is over.
    8 RowsSwept "rows-swept" Plain;
    /// A unit that should be on a machine is on none.
    9 UnitPending "unit-pending" Plain;
    /// A machine gives no sign of life and is not judged yet.
    10 MachineMissing "machine-missing" Warning;
    /// A machine was judged lost.
    11 MachineLost "machine-lost" Warning;
    /// Most machines vanished at once: nothing moves.
    12 BrakeOn "brake-on" Warning;
    /// The brake is off again.
    13 BrakeOff "brake-off" Plain;
    /// A decision was not written, since the world had moved on.
    14 DecisionOvertaken "decision-overtaken" Detail;
    /// The leader holds nothing against a unit any more.
    15 SetbackRemoved "setback-removed" Detail;
    /// The leader noted for later ones which placements are no longer new.
    16 PlacementsSettled "placements-settled" Detail;
    /// This machine leads from now on.
    20 LeadTaken "lead-taken" Plain;
    /// This machine does not lead any more.
    21 LeadLost "lead-lost" Plain;
    /// This machine gave the lead away.
    22 LeadGiven "lead-given" Plain;
    /// A unit's file is put in place.
    30 UnitLoad "unit-load" Plain;
    /// systemd is asked to start a unit.
    31 UnitStart "unit-start" Plain;
    /// systemd is asked to stop a unit.
    32 UnitStop "unit-stop" Plain;
    /// Everything of a unit is taken off this machine.
    33 UnitUnload "unit-unload" Plain;
    /// This machine gave a unit's placement back.
    34 UnitGivenBack "unit-given-back" Plain;
    /// A step failed for a unit, which waits before the next try.
    35 UnitBackedOff "unit-backed-off" Warning;
    /// A unit was placed elsewhere while it started here: it is stopped at once.
    36 UnitMisplaced "unit-misplaced" Warning;
    /// The machine is a member of its fleet, and the store answers.
    40 MachineRegistered "machine-registered" Plain;
    /// The machine is not a member yet.
    41 MachineWaiting "machine-waiting" Warning;
    /// The store does not answer; units keep running.
    42 MachineCut "machine-cut" Warning;
    /// The store is not this machine's: nothing moves.
    43 MachineFrozen "machine-frozen" Warning;
    /// Another live machine uses this machine's ID.
    44 MachineDuplicate "machine-duplicate" Warning;
    /// The machine begins to leave the fleet.
    45 MachineLeaving "machine-leaving" Plain;
    /// The machine has left the fleet.
    46 MachineLeft "machine-left" Plain;
    /// This machine's record is gone from the registry.
    47 RecordGone "record-gone" Warning;
    /// This machine founds the store's fleet.
    48 FleetFounded "fleet-founded" Plain;
    /// An operator let a registry be taken over.
    49 RegistryAdopted "registry-adopted" Plain;
    /// A unit of this machine was written into an adopted registry.
    50 UnitBroughtIn "unit-brought-in" Plain;
    /// Something was changed through the API.
    60 OrderDone "order-done" Plain;
    /// Something asked for through the API failed, and may have changed something.
    61 OrderFailed "order-failed" Warning;
    /// Something asked for through the API was refused; nothing was changed.
    62 OrderRefused "order-refused" Plain;
    /// Somebody without the right to it asked for something through the API; nothing was changed.
    63 OrderDenied "order-denied" Warning;
    /// The agent started.
    70 AgentStarted "agent-started" Plain;
    /// Lines of the log were lost, since nobody took them.
    71 LinesLost "lines-lost" Warning;
}

impl Event {
    /// Its message ID: the same 128 bits for every message of this kind.
    #[must_use]
    pub const fn message_id(self) -> MessageId {
        MessageId(self.number())
    }

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A message ID, written as 32 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId(u8);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MESSAGE_ID_STEM}{:02x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;

    #[test]
    fn names_and_numbers_are_each_used_once_and_ids_are_128_bits() {
        let names: BTreeSet<_> = Event::ALL.iter().map(|event| event.name()).collect();
        let ids: BTreeSet<_> = Event::ALL.iter().map(|event| event.message_id().to_string()).collect();
        assert_eq!((names.len(), ids.len()), (Event::ALL.len(), Event::ALL.len()));
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert!(Event::ALL.iter().enumerate().all(|(place, event)| event.place() == place));
    }
}
