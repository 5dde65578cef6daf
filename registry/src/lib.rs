//! The cluster as etcd holds it. `store` is the border to whatever keeps the keys; `etcd` keeps them in etcd's v2 API.

#![forbid(unsafe_code)]

pub mod decisions;
pub mod etcd;
pub mod events;
pub mod reads;
pub mod room;
pub mod settle;
pub mod store;
pub mod transfer;
pub mod units;
