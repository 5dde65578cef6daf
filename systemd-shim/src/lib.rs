//! Everything Skiff asks of systemd: its command line for verbs and states, its files for units and for
//! noticing changes, its environment variables for readiness and sockets. No D-Bus, no shell, no decisions: what
//! a unit should be, and what a change means, is for `agent` and `cluster`.
//!
//! Calls block, each for a bounded time; the agent runs them on its thread pool. [`Changes`] is a descriptor to
//! wait on.

mod activation;
#[cfg(any(target_env = "musl", test))]
mod c_heap;
mod cgroup;
mod changes;
mod deadline;
mod error;
mod failure;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod group_watch;
pub mod heap;
pub mod identity;
mod journal;
mod journal_socket;
mod notify;
mod one_line;
mod process;
pub mod program_pages;
mod refusals;
mod scope;
pub mod stack;
mod states;
mod sweep;
mod systemctl;
mod unit_dir;
mod unit_links;

pub use activation::{ActivationError, Listener, Passed, hand_on_listeners, take_listeners};
pub use changes::{Changes, Drained};
pub use error::{BatchError, FileCause, FileError, Refusal, SystemdError};
pub use failure::{Exit, Failure};
pub use journal_socket::{JournalEntry, JournalSocket, send_on_stderr};
pub use notify::Notify;
pub use process::{Output, Run};
pub use scope::{Paths, Scope, Timeouts};
pub use states::UnitStatus;
pub use sweep::{Disagreement, Sign, Sweep};
pub use systemctl::Systemd;
pub use unit_dir::{UnitDir, Written};
pub use unit_links::UnitLinks;
