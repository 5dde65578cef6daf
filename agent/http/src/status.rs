//! The status codes the API and the store answer with (contract §5) and those of HTTP itself that a server needs.

macro_rules! statuses {
    ($($variant:ident = $code:literal $reason:literal),* $(,)?) => {
        /// The status of a response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Status {
            $(#[doc = concat!("`", $code, " ", $reason, "`.")] $variant),*
        }

        impl Status {
            /// The three digits.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$variant => $code),* }
            }

            /// The words of the status line.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason),* }
            }
        }
    };
}

statuses! {
    Ok = 200 "OK",
    Created = 201 "Created",
    Accepted = 202 "Accepted",
    NoContent = 204 "No Content",
    MovedPermanently = 301 "Moved Permanently",
    NotModified = 304 "Not Modified",
    BadRequest = 400 "Bad Request",
    Unauthorized = 401 "Unauthorized",
    Forbidden = 403 "Forbidden",
    NotFound = 404 "Not Found",
    MethodNotAllowed = 405 "Method Not Allowed",
    RequestTimeout = 408 "Request Timeout",
    Conflict = 409 "Conflict",
    PreconditionFailed = 412 "Precondition Failed",
    ContentTooLarge = 413 "Request Entity Too Large",
    UriTooLong = 414 "Request URI Too Long",
    UnsupportedMediaType = 415 "Unsupported Media Type",
    ExpectationFailed = 417 "Expectation Failed",
    TooManyRequests = 429 "Too Many Requests",
    HeadersTooLarge = 431 "Request Header Fields Too Large",
    InternalServerError = 500 "Internal Server Error",
    NotImplemented = 501 "Not Implemented",
    BadGateway = 502 "Bad Gateway",
    ServiceUnavailable = 503 "Service Unavailable",
    GatewayTimeout = 504 "Gateway Timeout",
    VersionNotSupported = 505 "HTTP Version Not Supported",
}

impl Status {
    /// False for the statuses that end with their headers.
    pub(super) const fn has_body(self) -> bool {
        !matches!(self, Self::NoContent | Self::NotModified)
    }
}
