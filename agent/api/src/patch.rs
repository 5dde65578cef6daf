//! PATCH of machines' metadata: a list of operations, all checked before the first is carried out (contract §5). A
//! machine need not exist: what is written waits for it.

use std::fmt;

use cluster::limits::{
    API_PATCH_OPERATIONS_MAX, METADATA_ENTRIES_MAX, METADATA_KEY_MAX_BYTES, METADATA_VALUE_MAX_BYTES,
};
use cluster::{MachineId, json, keys};
use registry::settle::{Settled, settle};
use registry::store::Store;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::status::Status;

use super::failure::Failure;
use super::reads;
use super::reply::Done;

/// One change, checked. An empty value takes the key away, also a configured one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    machine: MachineId,
    key: String,
    value: String,
}

/// Reads the body of a PATCH.
pub(super) fn read(body: &[u8]) -> Result<Vec<Change>, Failure> {
    let operations: Vec<Operation> = json::decode(body)
        .map_err(|error| Failure::bad_request(format!("unable to decode body: {error}")))?;
    if operations.len() > API_PATCH_OPERATIONS_MAX {
        let message = format!("too many operations: expect at most {API_PATCH_OPERATIONS_MAX}");
        return Err(Failure::bad_request(message));
    }
    operations.into_iter().map(Operation::check).collect()
}

/// Carries the changes out in their order; the first that fails ends it.
pub(super) fn apply(store: &dyn Store, changes: &[Change]) -> Result<Done, Failure> {
    check_room(store, changes)?;
    for change in changes {
        let key = keys::metadata(&change.machine, &change.key);
        let outcome = store.put(&key, &change.value);
        if let Settled::Refused(_) = settle(store, &key, &change.value, None, outcome)? {
            let message = format!("write {key}: others write it at the same time, try again");
            return Err(Failure::new(Status::Conflict, message));
        }
    }
    let deeds: Vec<String> =
        changes.iter().map(|change| format!("{} of machine {}", change.key, change.machine)).collect();
    Ok(Done::new(Status::NoContent, format!("patch metadata {}", deeds.join(", "))))
}

/// Refuses what would give a machine more metadata than it may have.
fn check_room(store: &dyn Store, changes: &[Change]) -> Result<(), Failure> {
    let mut checked: Vec<&MachineId> = Vec::new();
    for Change { machine: id, .. } in changes {
        if checked.contains(&id) {
            continue;
        }
        checked.push(id);
        let mut machine = reads::machine(store, id)?;
        let of_machine = changes.iter().filter(|change| change.machine == *id);
        machine.patches.extend(of_machine.map(|change| (change.key.clone(), change.value.clone())));
        if machine.patches.len() > METADATA_ENTRIES_MAX || machine.metadata().len() > METADATA_ENTRIES_MAX {
            let message =
                format!("machine {id} would have more than {METADATA_ENTRIES_MAX} metadata entries");
            return Err(Failure::bad_request(message));
        }
    }
    Ok(())
}

/// One operation as it was sent. Field names are taken in any case, as fleet takes them.
#[derive(Debug, Default)]
struct Operation {
    op: String,
    path: String,
    value: Value,
}

/// `"x"` and `{"value":"x"}` are the same; anything else is no value.
#[derive(Debug, Default)]
struct Value(Option<String>);

impl Operation {
    fn check(self) -> Result<Change, Failure> {
        let value = match self.op.as_str() {
            "add" | "replace" => Some(self.value.0),
            "remove" => None,
            _ => return Err(Failure::bad_request("invalid op: expect add, remove, or replace")),
        };
        let (machine, key) =
            parse_path(&self.path).ok_or_else(|| Failure::bad_request("machine metadata path invalid"))?;
        let value = match value {
            None => String::new(),
            Some(value) => value
                .filter(|value| !value.is_empty())
                .ok_or_else(|| Failure::bad_request("invalid value: add and replace require a value"))?,
        };
        if value.len() > METADATA_VALUE_MAX_BYTES || value.contains(char::is_control) {
            let message = format!(
                "invalid value: expect at most {METADATA_VALUE_MAX_BYTES} bytes and no control characters"
            );
            return Err(Failure::bad_request(message));
        }
        Ok(Change { machine, key: key.to_owned(), value })
    }
}

/// `/<machine>/metadata/<key>`
fn parse_path(path: &str) -> Option<(MachineId, &str)> {
    let (machine, key) = path.strip_prefix('/')?.split_once("/metadata/")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let is_key = !key.is_empty() && key.len() <= METADATA_KEY_MAX_BYTES && key.chars().all(is_plain);
    Some((MachineId::parse(machine).ok()?, key)).filter(|_| is_key)
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OperationVisitor)
    }
}

struct OperationVisitor;

impl<'de> Visitor<'de> for OperationVisitor {
    type Value = Operation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Operation, A::Error> {
        let mut operation = Operation::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.to_ascii_lowercase().as_str() {
                "op" => operation.op = fields.next_value()?,
                "path" => operation.path = fields.next_value()?,
                "value" => operation.value = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(operation)
    }
}

impl<'de> Deserialize<'de> for Value {
    /// The decoder cannot say what comes next, except on the way to ignoring it: then it tells strings, objects and
    /// arrays apart, and calls everything else a unit.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_ignored_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value(Some(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut value = Value(None);
        while let Some(name) = fields.next_key::<String>()? {
            if name.eq_ignore_ascii_case("value") {
                value = fields.next_value()?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
