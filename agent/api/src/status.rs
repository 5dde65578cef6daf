//! The statuses the API answers with (contract §5). Those of HTTP itself are its server's.

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Here it is.
    Ok,
    /// A unit was created, or got another content.
    Created,
    /// Done, and there is nothing to say.
    NoContent,
    /// The request cannot be understood, or not be meant.
    BadRequest,
    /// Not for whoever asks.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is, but not for this method.
    MethodNotAllowed,
    /// What is there stands against it.
    Conflict,
    /// The body is announced as something else than JSON.
    UnsupportedMediaType,
    /// What is stored cannot be read.
    InternalServerError,
    /// Not here.
    NotImplemented,
    /// The store does not answer.
    ServiceUnavailable,
}

impl Status {
    /// The three digits.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::Created => 201,
            Self::NoContent => 204,
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::UnsupportedMediaType => 415,
            Self::InternalServerError => 500,
            Self::NotImplemented => 501,
            Self::ServiceUnavailable => 503,
        }
    }
}
