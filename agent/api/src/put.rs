//! PUT of a unit: from its JSON to one guarded write (contract §5, with section 0's stricter rules). What is written
//! how is `registry::units`' business.

use cluster::unit_file::{ParseError, UnitFile, UnitOption};
use cluster::validate::{ValidateError, validate};
use cluster::{TargetState, UnitName, json};
use registry::store::Store;
use registry::units::{self, UnitError};
use serde::Deserialize;

use super::message::Request;
use super::status::Status;

use super::failure::Failure;
use super::reply::Done;

/// Times a unit is looked at anew when it came or went between two steps.
const TRIES: usize = 4;
/// Characters of a text from outside that a message repeats.
const QUOTED_MAX_CHARS: usize = 256;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    name: Option<String>,
    options: Option<Vec<UnitOption>>,
    #[serde(rename = "desiredState")]
    desired_state: Option<String>,
}

/// What a PUT asks for, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnitOrder {
    name: UnitName,
    /// No options at all: only the state is to change.
    options: Vec<UnitOption>,
    desired: Option<TargetState>,
}

impl UnitOrder {
    /// Reads an order for the unit that the URL calls `url_name`.
    pub(super) fn read(url_name: &str, request: &Request) -> Result<Self, Failure> {
        check_content_type(&request.content_types)?;
        let body: Body = json::decode(&request.body)
            .map_err(|error| Failure::bad_request(format!("unable to decode body: {error}")))?;
        let name = body.name.filter(|name| !name.is_empty()).unwrap_or_else(|| url_name.to_owned());
        if name != url_name {
            let (url_name, name) = (quoted(url_name), quoted(&name));
            return Err(Failure::bad_request(format!(
                "name in URL {url_name} differs from unit name in request body {name}"
            )));
        }
        let name = UnitName::parse(&name).map_err(|error| Failure::bad_request(error.to_string()))?;
        let desired = match body.desired_state.filter(|state| !state.is_empty()) {
            None => None,
            Some(state) => Some(TargetState::parse(&state).ok_or_else(|| {
                let state = quoted(&state);
                Failure::bad_request(format!(
                    "invalid desiredState {state}: expect inactive, loaded or launched"
                ))
            })?),
        };
        Ok(Self { name, options: body.options.unwrap_or_default(), desired })
    }

    /// The state asked for, if one is.
    pub(super) const fn desired(&self) -> Option<TargetState> {
        self.desired
    }

    /// The unit file that the options make, fit to be stored under the name.
    fn file(&self) -> Result<UnitFile, ValidateError> {
        validate(&self.name, &UnitFile::from_options(self.options.clone()))?;
        UnitFile::from_options_checked(self.options.clone())
            .map_err(|error: ParseError| ValidateError::File(error))
    }

    fn check_template(&self) -> Result<(), Failure> {
        if self.name.is_template() && self.desired.is_some_and(TargetState::wants_machine) {
            return Err(Failure::bad_request(format!("cannot activate template {:?}", self.name.as_str())));
        }
        Ok(())
    }

    fn desired_or_inactive(&self) -> TargetState {
        self.desired.unwrap_or(TargetState::Inactive)
    }
}

fn check_content_type(types: &[String]) -> Result<(), Failure> {
    let [content_type] = types else {
        let count = types.len();
        let message = format!("expected 1 Content-Type, got {count}");
        return Err(Failure::new(Status::UnsupportedMediaType, message));
    };
    let media_type = content_type.split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        let message = "only acceptable Content-Type is application/json";
        return Err(Failure::new(Status::UnsupportedMediaType, message));
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(QUOTED_MAX_CHARS).collect::<String>())
}

/// Carries the order out.
pub(super) fn put(store: &dyn Store, order: &UnitOrder) -> Result<Done, Failure> {
    if order.options.is_empty() {
        return set(store, order);
    }
    let file = order.file()?;
    for _ in 0..TRIES {
        if let Some(done) = create_or_change(store, order, &file)? {
            return Ok(done);
        }
    }
    Err(UnitError::Contended(order.name.clone()).into())
}

/// An order without options: the unit has to exist.
fn set(store: &dyn Store, order: &UnitOrder) -> Result<Done, Failure> {
    let name = &order.name;
    let none = || Failure::new(Status::Conflict, "unit does not exist and options field empty");
    let (Some(desired), Ok(())) = (order.desired, order.check_template()) else {
        units::read(store, name)?.ok_or_else(none)?;
        order.check_template()?;
        return Err(no_state());
    };
    if !units::set_target(store, name, desired)? {
        return Err(none());
    }
    Ok(state_set(name, desired))
}

/// `None` if the unit came or went meanwhile.
fn create_or_change(store: &dyn Store, order: &UnitOrder, file: &UnitFile) -> Result<Option<Done>, Failure> {
    let name = &order.name;
    let target = order.desired_or_inactive();
    let Some(unit) = units::read(store, name)? else {
        order.check_template()?;
        let deed = || Done::new(Status::Created, format!("create unit {name}, {target}"));
        return Ok(units::create(store, name, file, target)?.then(deed));
    };
    if unit.hash == file.hash() {
        let desired = order.desired.ok_or_else(no_state)?;
        order.check_template()?;
        return Ok(units::set_target(store, name, desired)?.then(|| state_set(name, desired)));
    }
    order.check_template()?;
    let deed = || Done::new(Status::Created, format!("replace unit {name}, {target}"));
    Ok(units::replace(store, name, file, target)?.then(deed))
}

fn no_state() -> Failure {
    Failure::new(Status::Conflict, "must provide DesiredState to update existing unit")
}

fn state_set(name: &UnitName, desired: TargetState) -> Done {
    Done::new(Status::NoContent, format!("set unit {name} to {desired}"))
}

#[cfg(test)]
mod tests;
