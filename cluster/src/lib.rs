//! The cluster as values, and what follows from them. Nothing here does I/O, reads a clock or rolls dice: what
//! a decision needs is passed in, so that the same input gives the same plan on every machine and in every test.

#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

pub mod advice;
pub mod backoff;
mod board;
pub mod chronicle;
pub mod contact;
mod derive;
pub mod desired;
pub mod event;
pub mod fit;
pub mod glob;
pub mod globals;
pub mod ids;
pub mod json;
pub mod keys;
pub mod lease;
pub mod limits;
pub mod loss;
pub mod name;
pub mod patterns;
mod place;
pub mod reason;
pub mod reconcile;
pub mod records;
pub mod rehearse;
pub mod requirements;
mod roster;
pub mod schedule;
pub mod setback;
pub mod snapshot;
pub mod sorted;
pub mod specifiers;
pub mod standing;
pub mod state;
mod text;
pub mod together;
pub mod transfer;
pub mod unit_file;
pub mod validate;

pub use ids::{BootId, Epoch, FleetId, Guard, Hash, IdError, Incarnation, MachineId, Nonce, Session};
pub use name::{NameError, UnitName};
pub use snapshot::Snapshot;
pub use state::TargetState;
