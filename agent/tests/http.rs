//! The API's server over real sockets: raw bytes where the form matters, curl where a client's view does
//! (feature `real-curl`). Every wait
//! has a deadline and names what was seen last.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod http {
    //! The cases by subject, and the server they all run against.
    mod bounds;
    #[cfg(feature = "real-curl")]
    mod clients;
    mod exchange;
    mod folder;
    mod garbage;
    mod listening;
    mod server;
    mod stopping;
}
