//! What comes of a call: an answer that may cross threads, and what was changed on the way. How it travels is up to
//! whoever asked.

use std::iter;

use serde::Serialize;

use super::failure::Failure;
use super::list::List;
use super::status::Status;
use super::wire;

/// An answer.
pub enum Reply {
    /// A status alone.
    Empty(Status),
    /// JSON text.
    Json(Status, String),
    /// A list, still to be encoded.
    List(List),
}

/// An answer, and for an order what was done, as an operator is told of it.
pub struct Done {
    /// The answer.
    pub reply: Reply,
    /// The order with its subject: `create unit web.service, launched`; `None` for a question.
    pub deed: Option<String>,
}

impl Reply {
    pub(super) fn object(status: Status, object: &impl Serialize) -> Result<Self, Failure> {
        let text = wire::encode(object).map_err(|error| {
            Failure::new(Status::InternalServerError, format!("encode the answer: {error}"))
        })?;
        Ok(Self::Json(status, text))
    }

    /// A line of words as an answer: `{"message":…}`.
    ///
    /// # Errors
    /// It is larger than an object of the API may be.
    pub fn said(message: String) -> Result<Self, Failure> {
        Self::object(Status::Ok, &wire::Said { message })
    }

    /// The status it goes with.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Empty(status) | Self::Json(status, _) => *status,
            Self::List(_) => Status::Ok,
        }
    }

    /// The whole body as pieces of JSON text, made as they are asked for; none where there is no body.
    #[must_use]
    pub fn pieces(self) -> Box<dyn Iterator<Item = String> + Send> {
        match self {
            Self::Empty(_) => Box::new(iter::empty()),
            Self::Json(_, text) => Box::new(iter::once(text)),
            Self::List(list) => list.pieces(),
        }
    }
}

impl Done {
    pub(super) fn new(status: Status, deed: String) -> Self {
        Self { reply: Reply::Empty(status), deed: Some(deed) }
    }
}

impl From<Reply> for Done {
    fn from(reply: Reply) -> Self {
        Self { reply, deed: None }
    }
}
