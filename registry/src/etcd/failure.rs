//! How one attempt at one endpoint can fail, and how far it got: that decides whether another endpoint may be asked.

use core::fmt;
use std::io;

use crate::store::StoreErrorKind;

/// How far a failed attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of the request left this process.
    NotSent,
    /// The connection broke after that: what etcd did is not known.
    Broken,
    /// There was no answer in time: what etcd did, or will do, is not known.
    TimedOut,
    /// Something answered, but not so that it helps.
    Answered,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: StoreErrorKind,
    pub(super) stage: Stage,
    pub(super) cause: String,
}

impl Failure {
    pub(super) fn new(kind: StoreErrorKind, stage: Stage, cause: String) -> Self {
        Self { kind, stage, cause }
    }

    pub(super) fn answered(kind: StoreErrorKind, cause: String) -> Self {
        Self { kind, stage: Stage::Answered, cause }
    }

    /// Adds what happened at the next endpoint: its text to the others', the rest in their place.
    pub(super) fn add(&mut self, endpoint: &str, next: &Self) {
        if !self.cause.is_empty() {
            self.cause.push_str("; ");
        }
        self.cause.push_str(endpoint);
        self.cause.push_str(": ");
        self.cause.push_str(&next.cause);
        (self.kind, self.stage) = (next.kind, next.stage);
    }

    /// What went wrong before or while an answer's header was read.
    pub(super) fn of_request(error: ureq::Error) -> Self {
        use StoreErrorKind::{BadAnswer, Unreachable};
        match error {
            ureq::Error::Other(other) => match other.downcast::<NotSent>() {
                Ok(not_sent) => Self::new(Unreachable, Stage::NotSent, not_sent.0),
                Err(other) => Self::new(Unreachable, Stage::Broken, other.to_string()),
            },
            ureq::Error::Timeout(_) => {
                Self::new(Unreachable, Stage::TimedOut, "no answer in time".to_owned())
            }
            // etcd says nothing to a client that speaks plain text to a port with TLS.
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let cause = "the connection was closed without an answer (a port for https:// does that)";
                Self::new(Unreachable, Stage::Broken, cause.to_owned())
            }
            ureq::Error::Io(error) => Self::of_io(&error),
            ureq::Error::LargeResponseHeader(..) => {
                Self::answered(BadAnswer, "an answer with too large a header".to_owned())
            }
            ureq::Error::BodyExceedsLimit(limit) => {
                Self::answered(BadAnswer, format!("an answer of more than {limit} bytes"))
            }
            error @ (ureq::Error::Http(_) | ureq::Error::BadUri(_)) => {
                Self::answered(BadAnswer, format!("not a request: {error}"))
            }
            error => Self::answered(BadAnswer, format!("not an answer of etcd: {error}")),
        }
    }

    fn of_io(error: &io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(cause) = super::tls::refusal(error) {
            return Self::answered(StoreErrorKind::Forbidden, cause);
        }
        Self::new(StoreErrorKind::Unreachable, Stage::Broken, in_words(error))
    }

    /// What went wrong while a body was read; `cut` is its kind where the connection just ended.
    pub(super) fn of_body(error: io::Error, cut: StoreErrorKind) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let cause = format!("the answer was cut short: {}", in_words(&error));
            return Self::new(cut, Stage::Broken, cause);
        }
        let mut failure = Self::of_request(ureq::Error::from(error));
        failure.cause = match failure.stage {
            Stage::Broken => {
                failure.kind = cut;
                format!("the answer was cut short: {}", failure.cause)
            }
            Stage::TimedOut => "the answer did not end in time".to_owned(),
            _ => failure.cause,
        };
        failure
    }
}

/// An error that is certain to have come before any byte of the request; it travels through ureq.
#[derive(Debug)]
pub(super) struct NotSent(String);

impl NotSent {
    pub(super) fn error(cause: String) -> ureq::Error {
        ureq::Error::Other(Box::new(Self(cause)))
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for NotSent {}

/// An error of the system in lower case and without its number, as errors are printed here.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
        _ if error.raw_os_error().is_some() => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text);
            let mut letters = text.chars();
            letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
        }
        _ => error.to_string(),
    }
}
