//! The bounds a server works within, as one value, so that tests can make them small. Their real sizes are in
//! `cluster::limits`.

use std::time::Duration;

use cluster::limits;

/// Bounds of a server. Past one, the client gets the status named here and `{"error":…}` as body.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections served at a time; a further one gets 503. An eighth of them is for Unix sockets alone, where there are any.
    pub connections: usize,
    /// Connections told 503 at a time; further ones stay in the kernel's queue.
    pub refusals: usize,
    /// Request line and headers, in bytes; 431.
    pub head_bytes: usize,
    /// Whether the target is taken apart into path and query. If not, both stay empty, and a handler that has rules of its
    /// own for what a path may hold reads [`Request::target`](crate::Request::target).
    pub splits_targets: bool,
    /// Path and query, in bytes; 414.
    pub target_bytes: usize,
    /// Parts of the path; 404.
    pub path_segments: usize,
    /// Parameters of the query; 400.
    pub query_pairs: usize,
    /// One body, in bytes; 413.
    pub body_bytes: usize,
    /// All bodies held at a time, in bytes; 503.
    pub bodies_bytes: usize,
    /// From the first byte of a head to its last; 408.
    pub head_time: Duration,
    /// For a body; 408.
    pub body_time: Duration,
    /// Between two requests; the connection is closed.
    pub idle_time: Duration,
    /// For the client to accept one buffer of a response; the connection is closed.
    pub write_time: Duration,
    /// For running requests once the server is told to stop; then they are dropped.
    pub drain_time: Duration,
    /// For unread bytes of a client whose connection is being closed; then it is closed hard.
    pub linger_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: limits::API_CONNECTIONS_MAX,
            refusals: limits::API_REFUSALS_MAX,
            head_bytes: limits::API_HEAD_MAX_BYTES,
            splits_targets: true,
            target_bytes: limits::API_TARGET_MAX_BYTES,
            path_segments: limits::API_PATH_SEGMENTS_MAX,
            query_pairs: limits::API_QUERY_PAIRS_MAX,
            body_bytes: limits::API_BODY_MAX_BYTES,
            bodies_bytes: limits::API_BODIES_MAX_BYTES,
            head_time: Duration::from_secs(limits::API_HEAD_SECONDS),
            body_time: Duration::from_secs(limits::API_BODY_SECONDS),
            idle_time: Duration::from_secs(limits::API_IDLE_SECONDS),
            write_time: Duration::from_secs(limits::API_WRITE_SECONDS),
            drain_time: Duration::from_secs(limits::API_DRAIN_SECONDS),
            linger_time: Duration::from_secs(limits::API_LINGER_SECONDS),
        }
    }
}
