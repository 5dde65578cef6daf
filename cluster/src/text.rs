//! How the validated types stand in JSON: as their text, checked again on the way in. Nothing else lives here.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::ids::{BootId, Epoch, FleetId, Hash, Incarnation, MachineId, Nonce, Session};
use crate::name::UnitName;

struct Parsed<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Parsed<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).ok_or_else(|| E::custom(self.0))
    }
}

macro_rules! as_text {
    ($($type:ident: $what:literal),* $(,)?) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parsed($what, |text: &str| $type::parse(text).ok()))
            }
        }
    )*};
}

as_text!(
    UnitName: "a unit name",
    MachineId: "a machine ID",
    BootId: "a boot ID",
    Nonce: "a nonce",
    FleetId: "a fleet ID",
);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&alloc::format!("{self}"))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed("a unit hash", |text: &str| Hash::parse(text).ok()))
    }
}

macro_rules! as_number {
    ($($type:ident: $what:literal),* $(,)?) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.get())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $type::new(u64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom($what))
            }
        }
    )*};
}

as_number!(
    Incarnation: "an incarnation above zero",
    Epoch: "an epoch above zero",
    Session: "a session above zero",
);
