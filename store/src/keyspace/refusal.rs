//! Why a request is refused: etcd's error codes, their words and what goes with them.

/// etcd's error codes, as far as a single machine can give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is no such key.
    KeyNotFound,
    /// A guard did not hold.
    TestFailed,
    /// A directory, where a key is needed.
    NotFile,
    /// A key, where a directory is needed.
    NotDir,
    /// The key is there already.
    NodeExist,
    /// The root cannot be written.
    RootReadOnly,
    /// The directory has something in it.
    DirNotEmpty,
    /// `prevValue=` without a value.
    PrevValueRequired,
    /// A TTL that is no number.
    TtlNotANumber,
    /// An index that is no number.
    IndexNotANumber,
    /// A flag that is neither true nor false, or one that does not belong here.
    InvalidField,
    /// The query or the body cannot be read.
    InvalidForm,
    /// A refresh brings no value.
    RefreshValue,
    /// A refresh needs a TTL.
    RefreshTtlRequired,
    /// The store itself failed; the request may or may not have been carried out.
    Internal,
    /// The events asked for are no longer kept.
    EventsCleared,
}

impl Code {
    /// The number clients know it by.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::KeyNotFound => 100,
            Self::TestFailed => 101,
            Self::NotFile => 102,
            Self::NotDir => 104,
            Self::NodeExist => 105,
            Self::RootReadOnly => 107,
            Self::DirNotEmpty => 108,
            Self::PrevValueRequired => 201,
            Self::TtlNotANumber => 202,
            Self::IndexNotANumber => 203,
            Self::InvalidField => 209,
            Self::InvalidForm => 210,
            Self::RefreshValue => 211,
            Self::RefreshTtlRequired => 212,
            Self::Internal => 300,
            Self::EventsCleared => 401,
        }
    }

    /// The words that go with the number; clients compare them.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::KeyNotFound => "Key not found",
            Self::TestFailed => "Compare failed",
            Self::NotFile => "Not a file",
            Self::NotDir => "Not a directory",
            Self::NodeExist => "Key already exists",
            Self::RootReadOnly => "Root is read only",
            Self::DirNotEmpty => "Directory not empty",
            Self::PrevValueRequired => "PrevValue is Required in POST form",
            Self::TtlNotANumber => "The given TTL in POST form is not a number",
            Self::IndexNotANumber => "The given index in POST form is not a number",
            Self::InvalidField => "Invalid field",
            Self::InvalidForm => "Invalid POST form",
            Self::RefreshValue => "Value provided on refresh",
            Self::RefreshTtlRequired => "A TTL must be provided on refresh",
            Self::Internal => "Raft Internal Error",
            Self::EventsCleared => "The event in requested index is outdated and cleared",
        }
    }
}

/// A request that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// What it is about: a key, the guard that did not hold, the field.
    pub cause: String,
    /// The store's index at that moment; 0 if the request was not even understood.
    pub index: u64,
}

impl Refusal {
    /// A request that cannot be understood.
    #[must_use]
    pub fn of_request(code: Code, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), index: 0 }
    }
}
