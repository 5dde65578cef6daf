//! The entries of a JSON object on their way from the decoder to serde. The decoder panics when a key is asked for as
//! anything but a field name, as every map does; here a key is read as one and handed on as a string.

use alloc::string::String;
use core::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::shape::{Fault, Kept, Layer, keep, kept_or, quoted};

/// The entries of an object, and the key read last.
pub(super) struct Entries<'k, A> {
    inner: A,
    kept: &'k Kept,
    key: String,
}

impl<'k, A> Entries<'k, A> {
    /// The entries `inner` has to give; faults go to `kept`.
    pub(super) fn new(inner: A, kept: &'k Kept) -> Self {
        Self { inner, kept, key: String::new() }
    }

    fn place(&self) -> String {
        quoted(&self.key)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.key.clear();
        let seed = KeySeed { seed, kept: self.kept, key: &mut self.key };
        match self.inner.next_key_seed(seed) {
            Ok(key) => Ok(key),
            Err(e) => Err(kept_or(self.kept, "a key", &e).inside(self.place())),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.inner
            .next_value_seed(Layer { inner: seed, kept: self.kept })
            .map_err(|e| kept_or(self.kept, "a value", &e).inside(self.place()))
    }
}

/// Asks the decoder for a key in the one way it always answers, as a field name, and hands it on as a string.
struct KeySeed<'k, S> {
    seed: S,
    kept: &'k Kept,
    key: &'k mut String,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for KeySeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        inner.deserialize_str(KeyText(self.key))?;
        self.seed.deserialize(Key(self.key)).map_err(|fault| keep(self.kept, fault))
    }
}

struct KeyText<'k>(&'k mut String);

impl Visitor<'_> for KeyText<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<(), E> {
        self.0.push_str(key);
        Ok(())
    }
}

/// A key that has been read. Whatever type is asked for, it is a string.
struct Key<'k>(&'k str);

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(de::value::StrDeserializer::new(self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
