//! Identities and counters of the registry as types that cannot be wrong: machine, boot, nonce, fleet, hash,
//! and the etcd indices that serve as guards and as names for incarnations.

use alloc::sync::Arc;
use core::fmt;
use core::num::NonZeroU64;

use crate::limits::MACHINE_ID_MAX_BYTES;

/// A text was not of the form an identity has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError {
    what: &'static str,
    text: alloc::string::String,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}: {:?}", self.what, self.text)
    }
}

impl core::error::Error for IdError {}

fn id_error(what: &'static str, text: &str) -> IdError {
    IdError { what, text: text.chars().take(80).collect() }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MACHINE_ID_MAX_BYTES
        && !text.starts_with(['.', '_'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes 1 to 64 characters of `[A-Za-z0-9._-]`, the first neither dot nor underscore, so that it is safe in a path
            /// and seen in a key (etcd hides names that start with an underscore).
            ///
            /// # Errors
            /// The text is not of that form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_plain(text) { Ok(Self(text.into())) } else { Err(id_error($what, text)) }
            }

            /// The whole text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A machine: the trimmed content of `/etc/machine-id` (contract §1.1).
    MachineId, "machine ID");
text_id!(
    /// One boot of a machine: `/proc/sys/kernel/random/boot_id`.
    BootId, "boot ID");
text_id!(
    /// One life of a machine's runtime directory; tells a restarted agent from a cloned machine (registry rule 9).
    Nonce, "nonce");
text_id!(
    /// One store's fleet, made when its layout was created (registry rule 4).
    FleetId, "fleet ID");

impl MachineId {
    /// The first eight characters, as lists print them.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }

    /// The machine's place among all there may be, of 2^32 (FNV-1a): spreads what a thousand machines would do at the same
    /// moment, each always the same way.
    #[must_use]
    pub fn share(&self) -> u32 {
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        // The last bytes move the high bits least: mixed once more.
        let hash = self.0.bytes().fold(0x811c_9dc5, step);
        (hash ^ hash >> 15).wrapping_mul(0x9E37_79B1)
    }
}

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// `None` for zero, which etcd takes for "no guard" (registry rule 6).
            #[must_use]
            pub const fn new(value: u64) -> Option<Self> {
                match NonZeroU64::new(value) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

index_type!(
    /// A key's modifiedIndex as it was seen: the guard of every write (registry rule 6).
    Guard);
index_type!(
    /// The createdIndex of a unit's spec key: another incarnation is another unit.
    Incarnation);
index_type!(
    /// The createdIndex of the lease: which leadership wrote a placement.
    Epoch);
index_type!(
    /// The createdIndex of a machine's presence key: which life of it published a state row (registry rule 8).
    Session);

/// SHA-1 of a unit file's serialised text (contract §2.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 20]);

impl Hash {
    /// Hashes a serialised unit file.
    #[must_use]
    pub fn of(serialised: &str) -> Self {
        Self(sha1_smol::Sha1::from(serialised).digest().bytes())
    }

    /// Reads 40 hexadecimal digits of either case.
    ///
    /// # Errors
    /// The text is not that.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        let mut out = [0_u8; 20];
        if bytes.len() != 40 {
            return Err(id_error("unit hash", text));
        }
        for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            let digits = core::str::from_utf8(pair).map_err(|_| id_error("unit hash", text))?;
            if digits.starts_with('+') {
                return Err(id_error("unit hash", text));
            }
            *slot = u8::from_str_radix(digits, 16).map_err(|_| id_error("unit hash", text))?;
        }
        Ok(Self(out))
    }

    /// The first seven digits, as lists print them.
    #[must_use]
    pub fn short(&self) -> alloc::string::String {
        let mut text = alloc::format!("{self}");
        text.truncate(7);
        text
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
