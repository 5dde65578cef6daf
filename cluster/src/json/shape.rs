//! A layer between serde and the JSON decoder that keeps what the decoder throws away of an error: its message, and
//! where in the document it happened. Objects get their entries from `entries`, which also reads the keys. The text
//! has passed `syntax`.

use alloc::format;
use alloc::string::{String, ToString};
use core::cell::Cell;
use core::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::JsonError;
use super::entries::Entries;

/// How much of a key or a message an error repeats, in characters.
const QUOTED_MAX_CHARS: usize = 200;

/// Decodes `document` with `scratch` to undo escapes in.
pub(super) fn read<T: DeserializeOwned>(document: &[u8], scratch: &mut [u8]) -> Result<T, JsonError> {
    let kept = Cell::new(None);
    let mut decoder = serde_json_core::de::Deserializer::new(document, Some(scratch));
    T::deserialize(Layer { inner: &mut decoder, kept: &kept })
        .and_then(|value| decoder.end().map(|_| value).map_err(|e| Fault::of(&e)))
        .map_err(|fault| JsonError::Shape { path: fault.path, what: fault.what })
}

/// As much of a text from outside as an error repeats, without anything that would move a terminal.
pub(super) fn quoted(text: &str) -> String {
    let printable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(QUOTED_MAX_CHARS).map(printable).collect()
}

/// What did not fit, and where.
#[derive(Debug)]
pub(super) struct Fault {
    path: String,
    what: String,
}

impl Fault {
    fn of(cause: &impl fmt::Display) -> Self {
        Self { path: String::new(), what: quoted(&cause.to_string()) }
    }

    /// The same fault seen from one level further out.
    pub(super) fn inside(mut self, place: String) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = place + dot + &self.path;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::of(&message)
    }
}

/// The decoder's error type has no room for a fault; it waits here while the decoder passes its own error up.
pub(super) type Kept = Cell<Option<Fault>>;

pub(super) fn keep<E: de::Error>(kept: &Kept, fault: Fault) -> E {
    kept.set(Some(fault));
    E::custom("")
}

pub(super) fn kept_or<E: fmt::Display>(kept: &Kept, expected: &str, error: &E) -> Fault {
    kept.take().unwrap_or_else(|| {
        let mut fault = Fault::of(error);
        fault.what = format!("expected {expected} ({})", fault.what.trim_end_matches('.').to_lowercase());
        fault
    })
}

/// A deserializer, a visitor, an access or a seed of the other side, and where its faults are kept.
pub(super) struct Layer<'k, T> {
    pub(super) inner: T,
    pub(super) kept: &'k Kept,
}

macro_rules! pass_down {
    ($($method:ident($($arg:ident: $type:ty),*) $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Fault> {
            let Self { inner, kept } = self;
            let visitor = Layer { inner: visitor, kept };
            inner.$method($($arg,)* visitor).map_err(|e| kept_or(kept, $expected, &e))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Layer<'_, D> {
    type Error = Fault;

    pass_down! {
        deserialize_any() "a type this decoder knows";
        deserialize_bool() "true or false";
        deserialize_i8() "a whole number of 8 bits";
        deserialize_i16() "a whole number of 16 bits";
        deserialize_i32() "a whole number of 32 bits";
        deserialize_i64() "a whole number of 64 bits";
        deserialize_i128() "a whole number of 128 bits";
        deserialize_u8() "a natural number of 8 bits";
        deserialize_u16() "a natural number of 16 bits";
        deserialize_u32() "a natural number of 32 bits";
        deserialize_u64() "a natural number of 64 bits";
        deserialize_u128() "a natural number of 128 bits";
        deserialize_f32() "a number";
        deserialize_f64() "a number";
        deserialize_char() "one character";
        deserialize_str() "a string";
        deserialize_string() "a string";
        deserialize_bytes() "bytes";
        deserialize_byte_buf() "bytes";
        deserialize_option() "null or a value";
        deserialize_unit() "null";
        deserialize_unit_struct(name: &'static str) "null";
        deserialize_newtype_struct(name: &'static str) "a value";
        deserialize_seq() "an array";
        deserialize_tuple(len: usize) "an array of fixed length";
        deserialize_tuple_struct(name: &'static str, len: usize) "an array of fixed length";
        deserialize_map() "an object";
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) "an object";
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) "one of the known words";
        deserialize_identifier() "a string";
        deserialize_ignored_any() "a value";
    }
}

macro_rules! pass_up {
    ($($method:ident($($value:ident: $type:ty)?);)*) => {$(
        fn $method<E: de::Error>(self $(, $value: $type)?) -> Result<V::Value, E> {
            self.inner.$method::<Fault>($($value)?).map_err(|fault| keep(self.kept, fault))
        }
    )*};
}

macro_rules! pass_up_inner {
    ($($method:ident: $trait:path;)*) => {$(
        fn $method<A: $trait>(self, inner: A) -> Result<V::Value, A::Error> {
            let kept = self.kept;
            self.inner.$method(Layer { inner, kept }).map_err(|fault| keep(kept, fault))
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Layer<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    pass_up! {
        visit_bool(value: bool);
        visit_i8(value: i8);
        visit_i16(value: i16);
        visit_i32(value: i32);
        visit_i64(value: i64);
        visit_u8(value: u8);
        visit_u16(value: u16);
        visit_u32(value: u32);
        visit_u64(value: u64);
        visit_f32(value: f32);
        visit_f64(value: f64);
        visit_str(value: &str);
        visit_none();
        visit_unit();
    }

    pass_up_inner! {
        visit_some: Deserializer<'de>;
        visit_newtype_struct: Deserializer<'de>;
        visit_enum: EnumAccess<'de>;
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let items = Items { inner, kept: self.kept, next_index: 0 };
        self.inner.visit_seq(items).map_err(|fault| keep(self.kept, fault))
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let entries = Entries::new(inner, self.kept);
        self.inner.visit_map(entries).map_err(|fault| keep(self.kept, fault))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Layer<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let kept = self.kept;
        self.inner.deserialize(Layer { inner, kept }).map_err(|fault| keep(kept, fault))
    }
}

/// The elements of an array.
struct Items<'k, A> {
    inner: A,
    kept: &'k Kept,
    next_index: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let index = self.next_index;
        self.next_index += 1;
        self.inner
            .next_element_seed(Layer { inner: seed, kept: self.kept })
            .map_err(|e| kept_or(self.kept, "an element", &e).inside(format!("[{index}]")))
    }
}

impl<'de, 'k, A: EnumAccess<'de>> EnumAccess<'de> for Layer<'k, A> {
    type Error = Fault;
    type Variant = Layer<'k, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Fault> {
        let kept = self.kept;
        let (value, inner) = self
            .inner
            .variant_seed(Layer { inner: seed, kept })
            .map_err(|e| kept_or(kept, "one of the known words", &e))?;
        Ok((value, Layer { inner, kept }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Layer<'_, A> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.inner.unit_variant().map_err(|e| kept_or(self.kept, "a word alone", &e))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let Self { inner, kept } = self;
        inner.newtype_variant_seed(Layer { inner: seed, kept }).map_err(|e| kept_or(kept, "a value", &e))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let Self { inner, kept } = self;
        inner.tuple_variant(len, Layer { inner: visitor, kept }).map_err(|e| kept_or(kept, "an array", &e))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Self { inner, kept } = self;
        inner
            .struct_variant(fields, Layer { inner: visitor, kept })
            .map_err(|e| kept_or(kept, "an object", &e))
    }
}
