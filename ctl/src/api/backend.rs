//! The two ways to the cluster, with the same questions and the same answers: an agent's API, and the registry itself.

use std::fmt;

use super::connection::{Answer, Connection};
use super::direct::Direct;
use super::error::ApiError;

/// A way to the cluster.
pub(crate) enum Backend {
    /// By an agent.
    Agent(Connection),
    /// By etcd.
    Registry(Box<Direct>),
}

impl Backend {
    /// Sends one request below the API's prefix and gets the whole answer. A refusal is an answer.
    pub(super) fn send(
        &self,
        operation: &str,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Answer, ApiError> {
        match self {
            Self::Agent(connection) => connection.send(operation, method, path, body),
            Self::Registry(direct) => Ok(direct.send(method, path, body)),
        }
    }

    /// An answer that was read and makes no sense.
    pub(super) fn bad_answer(&self, operation: &str, cause: &impl fmt::Display) -> ApiError {
        match self {
            Self::Agent(connection) => connection.bad_answer(operation, cause),
            Self::Registry(direct) => ApiError::BadAnswer {
                operation: operation.to_owned(),
                endpoint: direct.endpoint(),
                cause: cause.to_string(),
            },
        }
    }
}
