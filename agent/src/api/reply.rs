//! What the blocking half of a route hands back: an answer that may cross threads, and what was changed on the way.

use serde::Serialize;

use crate::http::{Response, Status};

use super::failure::Failure;
use super::list::List;
use super::wire;

/// An answer.
pub(super) enum Reply {
    /// A status alone.
    Empty(Status),
    /// JSON text.
    Json(Status, String),
    /// A list, still to be encoded.
    List(List),
}

/// An answer to an order, and the order as an operator is told of it.
pub(super) struct Done {
    pub(super) reply: Reply,
    pub(super) deed: String,
}

impl Reply {
    pub(super) fn object(status: Status, object: &impl Serialize) -> Result<Self, Failure> {
        let text = wire::encode(object).map_err(|error| {
            Failure::new(Status::InternalServerError, format!("encode the answer: {error}"))
        })?;
        Ok(Self::Json(status, text))
    }

    pub(super) fn into_response(self) -> Response {
        match self {
            Self::Empty(status) => Response::empty(status),
            Self::Json(status, text) => Response::json(status, text),
            Self::List(list) => list.into_response(),
        }
    }
}

impl Done {
    pub(super) fn new(status: Status, deed: String) -> Self {
        Self { reply: Reply::Empty(status), deed }
    }
}
