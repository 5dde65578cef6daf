//! The objects of the API as JSON (contract §5): fleet's fields in fleet's order, then Skiff's own. Empty fields are
//! left out.

use cluster::json::{self, JsonError};
use cluster::limits::API_OBJECT_MAX_BYTES;
use cluster::records::StateRow;
use cluster::snapshot::Unit;
use cluster::sorted::Map;
use cluster::unit_file::UnitOption;
use cluster::{MachineId, TargetState, UnitName};
use serde::Serialize;

use super::view::Standing;

/// One object as text.
///
/// # Errors
/// It is larger than [`API_OBJECT_MAX_BYTES`].
pub(super) fn encode(object: &impl Serialize) -> Result<String, JsonError> {
    json::encode(object, API_OBJECT_MAX_BYTES)
}

/// Most bytes of an error body; texts come from us and repeat at most a name or two.
const ERROR_BODY_MAX_BYTES: usize = 16 * 1024;

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorFields<'a>,
}

#[derive(Serialize)]
struct ErrorFields<'a> {
    code: u16,
    message: &'a str,
}

/// An error as its body; a message that is too long is left out.
pub(super) fn error(code: u16, message: &str) -> String {
    json::encode(&ErrorBody { error: ErrorFields { code, message } }, ERROR_BODY_MAX_BYTES)
        .unwrap_or_else(|_| format!("{{\"error\":{{\"code\":{code},\"message\":\"\"}}}}"))
}

/// A unit; what is left of one that is gone has a name and little else.
#[derive(Debug, Serialize)]
pub(super) struct UnitObject<'a> {
    #[serde(rename = "currentState")]
    pub(super) current_state: TargetState,
    #[serde(rename = "desiredState")]
    pub(super) desired_state: TargetState,
    #[serde(rename = "machineID", skip_serializing_if = "Option::is_none")]
    pub(super) machine_id: Option<&'a str>,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) options: Vec<OptionObject<'a>>,
    /// Copies of a global unit that were started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) launched: Option<usize>,
    /// Machines that are to run a global unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eligible: Option<usize>,
    /// Why it is not where it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct OptionObject<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    section: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: &'a str,
}

impl<'a> OptionObject<'a> {
    fn of(option: &'a UnitOption) -> Self {
        Self { name: &option.name, section: &option.section, value: &option.value }
    }
}

impl<'a> UnitObject<'a> {
    pub(super) fn of(
        name: &'a UnitName,
        unit: &'a Unit,
        standing: &'a Standing,
        reason: Option<&'a str>,
    ) -> Self {
        let options = unit.file.as_ref().map(|file| file.options().iter().map(OptionObject::of).collect());
        Self {
            current_state: standing.current,
            desired_state: unit.target,
            machine_id: standing.machine.as_ref().map(MachineId::as_str),
            name: name.as_str(),
            options: options.unwrap_or_default(),
            launched: standing.copies.map(|copies| copies.launched),
            eligible: standing.copies.map(|copies| copies.eligible),
            reason,
        }
    }
}

/// What systemd says of one copy of a unit.
#[derive(Debug, Serialize)]
pub(super) struct StateObject<'a> {
    hash: String,
    #[serde(rename = "machineID")]
    machine_id: &'a str,
    name: &'a str,
    #[serde(rename = "systemdActiveState", skip_serializing_if = "str::is_empty")]
    active: &'a str,
    #[serde(rename = "systemdLoadState", skip_serializing_if = "str::is_empty")]
    load: &'a str,
    #[serde(rename = "systemdSubState", skip_serializing_if = "str::is_empty")]
    sub: &'a str,
    /// The last error of the unit on that machine.
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
    /// The machine's address, so that a list of states needs no list of machines beside it.
    #[serde(rename = "primaryIP", skip_serializing_if = "str::is_empty")]
    primary_ip: &'a str,
}

impl<'a> StateObject<'a> {
    pub(super) fn of(
        name: &'a UnitName,
        machine: &'a MachineId,
        row: &'a StateRow,
        primary_ip: &'a str,
    ) -> Self {
        Self {
            hash: row.hash.to_string(),
            machine_id: machine.as_str(),
            name: name.as_str(),
            active: &row.active,
            load: &row.load,
            sub: &row.sub,
            error: &row.error,
            primary_ip,
        }
    }
}

/// A machine.
#[derive(Debug, Serialize)]
pub(super) struct MachineObject<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) metadata: Map<String, String>,
    #[serde(rename = "primaryIP", skip_serializing_if = "str::is_empty")]
    pub(super) primary_ip: &'a str,
    /// Version of its agent.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) version: &'a str,
    /// It takes no units and gives up those it has.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) draining: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Why a unit is where it is.
#[derive(Debug, Serialize)]
pub(super) struct ExplanationObject<'a> {
    pub(super) name: &'a str,
    #[serde(rename = "desiredState")]
    pub(super) desired_state: TargetState,
    #[serde(rename = "currentState")]
    pub(super) current_state: TargetState,
    #[serde(rename = "machineID", skip_serializing_if = "Option::is_none")]
    pub(super) machine_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) machines: Vec<VerdictObject<'a>>,
}

/// What one machine says to a unit.
#[derive(Debug, Serialize)]
pub(super) struct VerdictObject<'a> {
    pub(super) id: &'a str,
    #[serde(rename = "primaryIP", skip_serializing_if = "str::is_empty")]
    pub(super) primary_ip: &'a str,
    pub(super) able: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
}

/// What there is to say about an order that was carried out.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    pub(super) message: String,
}

#[cfg(test)]
mod tests {
    use super::error;

    #[test]
    fn errors_have_the_api_s_body() {
        let text = error(404, "unit \"a\\b\" does\nnot exist");
        assert_eq!(text, r#"{"error":{"code":404,"message":"unit \"a\\b\" does\nnot exist"}}"#);
    }
}
