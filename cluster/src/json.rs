//! The one JSON codec of the workspace: whole documents in, typed values out, and back. What a document means is
//! its type's business; cutting a long etcd answer into documents is the registry's.
//!
//! The decoder underneath accepts some texts that are not JSON, knows no limit of depth, does not join surrogate
//! pairs and panics on map keys that are no field names. So every document first passes `syntax`, which is
//! strict, and then reaches the decoder through `shape` and `entries`, which read any key as a string and keep the
//! message and the path of what did not fit.

mod entries;
mod shape;
mod syntax;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::JSON_DEPTH_MAX;

/// First size of the buffer a value is encoded into, enough for a state of the API; it doubles as needed.
const FIRST_BUFFER_BYTES: usize = 512;

/// Why a document could not be decoded, or a value not encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The text is not JSON.
    Syntax {
        /// Where, in bytes from the start.
        offset_bytes: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// More than [`JSON_DEPTH_MAX`] arrays and objects inside each other.
    TooDeep {
        /// Where the one too many begins, in bytes from the start.
        offset_bytes: usize,
    },
    /// The text is JSON, but not of the type asked for.
    Shape {
        /// Where, as in `units[3].name`; empty for the whole document.
        path: String,
        /// What is wrong there.
        what: String,
    },
    /// The encoded value would be larger than its caller allows.
    TooLarge {
        /// The caller's limit.
        max_bytes: usize,
    },
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset_bytes, what } => write!(f, "not JSON at byte {offset_bytes}: {what}"),
            Self::TooDeep { offset_bytes } => {
                write!(f, "JSON nested more than {JSON_DEPTH_MAX} levels deep at byte {offset_bytes}")
            }
            Self::Shape { path, what } if path.is_empty() => write!(f, "unexpected JSON: {what}"),
            Self::Shape { path, what } => write!(f, "unexpected JSON at {path}: {what}"),
            Self::TooLarge { max_bytes } => write!(f, "JSON larger than {max_bytes} bytes"),
        }
    }
}

impl core::error::Error for JsonError {}

/// Decodes one whole document. Unknown fields are skipped; the decoder needs to be told every type, so `T` may hold
/// structs, unit enums, `String`, `heapless::String`, `Vec`, `Option`, numbers, `bool` and maps with string keys,
/// but nothing untagged or flattened.
///
/// # Errors
/// The text is not UTF-8, not JSON, nested too deep, followed by something else, or not of type `T`.
pub fn decode<T: DeserializeOwned>(document: &[u8]) -> Result<T, JsonError> {
    let text = core::str::from_utf8(document)
        .map_err(|e| JsonError::Syntax { offset_bytes: e.valid_up_to(), what: "not UTF-8" })?;
    let survey = syntax::survey(text)?;
    let mut scratch = vec![0_u8; survey.longest_escaped_bytes];
    if survey.has_surrogates {
        shape::read(syntax::join_surrogates(text)?.as_bytes(), &mut scratch)
    } else {
        shape::read(document, &mut scratch)
    }
}

/// Encodes one value. Map keys have to be strings. Keep `char` and tuple variants out of `T`: the encoder
/// underneath has none, and that is a matter of the type, never of the value.
///
/// # Errors
/// The text would be larger than `max_bytes`, or `T` holds something that has no JSON form.
pub fn encode<T: Serialize>(value: &T, max_bytes: usize) -> Result<String, JsonError> {
    let mut capacity_bytes = FIRST_BUFFER_BYTES.min(max_bytes);
    loop {
        let mut buffer = vec![0_u8; capacity_bytes];
        if let Ok(length) = serde_json_core::to_slice(value, &mut buffer) {
            buffer.truncate(length);
            return checked(buffer);
        }
        if capacity_bytes >= max_bytes {
            return Err(JsonError::TooLarge { max_bytes });
        }
        capacity_bytes = capacity_bytes.saturating_mul(2).min(max_bytes);
    }
}

/// The encoder writes a number as an object's key and bytes as they are; neither may leave this module.
fn checked(buffer: Vec<u8>) -> Result<String, JsonError> {
    let text = String::from_utf8(buffer).map_err(|e| JsonError::Syntax {
        offset_bytes: e.utf8_error().valid_up_to(),
        what: "the encoded value is not UTF-8",
    })?;
    syntax::survey(&text)?;
    Ok(text)
}

/// Appends to `out` what the text between the quotes of a JSON string stands for. `out` is only added to on success.
///
/// # Errors
/// An escape that JSON does not have, half a surrogate pair, a bare quote or a bare control character.
pub fn unescape(escaped: &str, out: &mut String) -> Result<(), JsonError> {
    let before = out.len();
    syntax::unescape(escaped, out).inspect_err(|_| out.truncate(before))
}
