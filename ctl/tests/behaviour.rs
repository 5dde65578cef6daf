//! What ctl does beyond fleet's captured session: where it departs from fleet on purpose, and when things go wrong.

#[cfg(test)]
#[cfg(feature = "real-etcd")]
mod conductor;
#[cfg(test)]
mod double;
#[cfg(test)]
mod run;
#[cfg(test)]
#[cfg(feature = "real-etcd")]
mod served;
#[cfg(test)]
mod stand_in;

#[cfg(test)]
#[path = "behaviour/answers.rs"]
mod answers;
#[cfg(test)]
#[path = "behaviour/completion.rs"]
mod completion;
#[cfg(test)]
#[path = "behaviour/dry_run.rs"]
mod dry_run;
#[cfg(test)]
#[cfg(feature = "real-etcd")]
#[path = "behaviour/events.rs"]
mod events;
#[cfg(test)]
#[path = "behaviour/exit_codes.rs"]
mod exit_codes;
#[cfg(test)]
#[path = "behaviour/explain.rs"]
mod explain;
#[cfg(test)]
#[path = "behaviour/fd_forward.rs"]
mod fd_forward;
#[cfg(test)]
#[path = "behaviour/listings.rs"]
mod listings;
#[cfg(test)]
#[path = "behaviour/orders.rs"]
mod orders;
#[cfg(test)]
#[path = "behaviour/patterns.rs"]
mod patterns;
#[cfg(test)]
#[cfg(feature = "real-etcd")]
#[path = "behaviour/registry.rs"]
mod registry;
#[cfg(test)]
#[path = "behaviour/remote.rs"]
mod remote;
#[cfg(test)]
#[path = "behaviour/ssh_words.rs"]
mod ssh_words;
#[cfg(test)]
#[cfg(feature = "tls")]
#[path = "behaviour/tls.rs"]
mod tls;
#[cfg(test)]
#[cfg(all(feature = "tls", feature = "real-etcd"))]
#[path = "behaviour/trust.rs"]
mod trust;
#[cfg(test)]
#[path = "behaviour/tunnel.rs"]
mod tunnel;
#[cfg(test)]
#[path = "behaviour/typos.rs"]
mod typos;
#[cfg(test)]
#[path = "behaviour/verify.rs"]
mod verify;
#[cfg(test)]
#[path = "behaviour/wait.rs"]
mod wait;
#[cfg(test)]
#[cfg(feature = "real-etcd")]
#[path = "behaviour/waiting.rs"]
mod waiting;
#[cfg(test)]
#[cfg(feature = "real-etcd")]
#[path = "behaviour/watch.rs"]
mod watch;
