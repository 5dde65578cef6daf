//! The ways a request can fail, each with its status and the message the client sees (contract §5). How an error
//! looks on the wire is up to whoever serves it.

use cluster::UnitName;
use cluster::validate::ValidateError;
use registry::store::StoreError;
use registry::units::UnitError;

use super::status::Status;
use super::wire;

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: Status,
    /// What the client is told.
    pub message: String,
}

impl Failure {
    /// A failure with a status and its message.
    #[must_use]
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Status::BadRequest, message)
    }

    pub(super) fn no_unit() -> Self {
        Self::new(Status::NotFound, "unit does not exist")
    }

    pub(super) fn no_machine() -> Self {
        Self::new(Status::NotFound, "machine does not exist")
    }

    /// What is stored under the name cannot be read; it can still be destroyed.
    pub(super) fn unreadable(unit: &UnitName, cause: &str) -> Self {
        UnitError::Unreadable(unit.clone(), cause.to_owned()).into()
    }

    /// The body that goes with it: `{"error":{"code":…,"message":…}}` (contract §5).
    #[must_use]
    pub fn body(&self) -> String {
        wire::error(self.status.code(), &self.message)
    }

    /// True if nobody knows whether what was asked for has happened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.code() >= 500
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Status::ServiceUnavailable, error.to_string())
    }
}

impl From<UnitError> for Failure {
    fn from(error: UnitError) -> Self {
        let status = match &error {
            UnitError::Store(_) => Status::ServiceUnavailable,
            UnitError::TooLarge(_) => Status::BadRequest,
            UnitError::Contended(_) => Status::Conflict,
            UnitError::Unreadable(..) => Status::InternalServerError,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ValidateError> for Failure {
    fn from(error: ValidateError) -> Self {
        Self::bad_request(error.to_string())
    }
}
