//! The one JSON codec, on every record of the registry: what is decoded is the same after it was encoded and decoded
//! again, what is refused names its place, and values of any content come through.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use cluster::chronicle;
use cluster::json::{decode, encode, unescape};
use cluster::records::{Assignment, GlobalUnit, Layout, Lease, Marker, Placement, Presence, Spec, StateRow};
use cluster::standing::Remembered;
use cluster::unit_file::UnitOption;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::{one_of, said};

/// What the first byte picks: `records`, `values`.
pub fn check(bytes: &[u8]) {
    one_of(&[records, values], bytes);
}

/// No record of a test comes near it.
const ENOUGH_BYTES: usize = 1 << 24;

/// A document, read as everything the registry holds.
fn records(bytes: &[u8]) {
    record::<Layout>(bytes);
    record::<Spec>(bytes);
    record::<Placement>(bytes);
    record::<Presence>(bytes);
    record::<Assignment>(bytes);
    record::<GlobalUnit>(bytes);
    record::<StateRow>(bytes);
    record::<Lease>(bytes);
    record::<Marker>(bytes);
    record::<Remembered>(bytes);
    record::<chronicle::Record>(bytes);
    record::<Vec<UnitOption>>(bytes);
    record::<BTreeMap<String, String>>(bytes);
    record::<Vec<Option<i64>>>(bytes);
    // Whatever is a document for one type is one for all; only the shape differs.
    let whole = decode::<IgnoredAny>(bytes);
    assert!(whole.is_ok() || decode::<Lease>(bytes).is_err());
    assert!(whole.is_ok() || decode::<BTreeMap<String, String>>(bytes).is_err());
}

fn record<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    match decode::<T>(bytes) {
        Err(error) => said(&error),
        Ok(value) => comes_back(&value),
    }
}

fn comes_back<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(value: &T) {
    let text = encode(value, ENOUGH_BYTES).unwrap_or_else(|error| panic!("{error}: {value:?}"));
    let again: T = decode(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(&again, value, "{text}");
    assert!(encode(value, text.len()).is_ok());
    assert!(encode(value, text.len() - 1).is_err());
}

#[derive(Arbitrary, Debug)]
struct Values {
    texts: Vec<String>,
    map: BTreeMap<String, String>,
    numbers: Vec<Option<i64>>,
    escaped: String,
}

/// Values of any content.
fn values(bytes: &[u8]) {
    let Ok(given) = Values::arbitrary(&mut Unstructured::new(bytes)) else { return };
    comes_back(&given.texts);
    comes_back(&given.map);
    comes_back(&given.numbers);
    let mut out = String::from("before");
    match unescape(&given.escaped, &mut out) {
        // What the inside of a string stands for does not depend on who reads it.
        Ok(()) => {
            let whole: String = decode(format!("\"{}\"", given.escaped).as_bytes()).unwrap();
            assert_eq!(out, format!("before{whole}"));
        }
        Err(error) => {
            said(&error);
            assert_eq!(out, "before");
            assert!(decode::<String>(format!("\"{}\"", given.escaped).as_bytes()).is_err());
        }
    }
}
