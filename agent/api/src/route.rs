//! From method and path to what is asked for (contract §5 and Skiff's additions). Names in the path are still texts
//! here: what a bad one means differs from route to route.

use super::message::{Method, Request};
use super::status::Status;

use super::failure::Failure;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// To know something.
    Ask(Question),
    /// To change something.
    Order(Order),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The description of the API.
    Discovery,
    /// The live machines.
    Machines,
    /// All units.
    Units,
    /// One unit.
    Unit(String),
    /// What systemd says of all units.
    States,
    /// What systemd says of one unit.
    State(String),
    /// Why a unit is where it is.
    Explain(String),
    /// What would become of units that are described in the body.
    Rehearsal,
    /// What changed since a moment.
    Changes,
    /// What the leader decided last.
    Events,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Change machines' metadata.
    PatchMachines,
    /// Empty a machine, or let it take units again.
    Drain { machine: String, on: bool },
    /// Create, replace or set one unit.
    PutUnit(String),
    /// Destroy one unit.
    DeleteUnit(String),
    /// Take over a registry that is not this fleet's.
    Adopt,
    /// Copy the registry to another store, and put the copy in charge.
    Copy,
}

const PREFIXES: [&[&str]; 2] = [&["fleet", "v1"], &["v1-alpha"]];

impl Route {
    /// # Errors
    /// There is nothing at the path, or not for this method.
    pub(super) fn of(request: &Request) -> Result<Self, Failure> {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        if path == [""] {
            return Err(Failure::new(Status::MethodNotAllowed, ""));
        }
        let below = PREFIXES.iter().find_map(|prefix| path.strip_prefix(*prefix));
        match below.ok_or_else(nothing_there)? {
            [] | [""] => Err(Failure::new(Status::MethodNotAllowed, "")),
            parts => Self::below_prefix(parts, &request.method),
        }
    }

    fn below_prefix(parts: &[&str], method: &Method) -> Result<Self, Failure> {
        match (parts, method) {
            (["discovery"], Method::Get) => Ok(Self::Ask(Question::Discovery)),
            (["discovery"], _) => Err(Failure::bad_request(only("GET"))),
            (["machines"], Method::Get) => Ok(Self::Ask(Question::Machines)),
            (["machines"], Method::Patch) => Ok(Self::Order(Order::PatchMachines)),
            (["machines"], _) => Err(not_allowed("GET and PATCH")),
            (["machines", machine, verb @ ("drain" | "undrain")], method) => match method {
                Method::Post => {
                    Ok(Self::Order(Order::Drain { machine: (*machine).to_owned(), on: *verb == "drain" }))
                }
                _ => Err(not_allowed("POST")),
            },
            (["units"], Method::Get) => Ok(Self::Ask(Question::Units)),
            (["state"], Method::Get) => Ok(Self::Ask(Question::States)),
            (["units"] | ["state"], _) => Err(not_allowed("GET")),
            (["units", name], method) if !name.is_empty() => match method {
                Method::Get => Ok(Self::Ask(Question::Unit((*name).to_owned()))),
                Method::Put => Ok(Self::Order(Order::PutUnit((*name).to_owned()))),
                Method::Delete => Ok(Self::Order(Order::DeleteUnit((*name).to_owned()))),
                _ => Err(not_allowed("GET, PUT and DELETE")),
            },
            (["state", name], Method::Get) if !name.is_empty() => {
                Ok(Self::Ask(Question::State((*name).to_owned())))
            }
            (["explain", name], Method::Get) if !name.is_empty() => {
                Ok(Self::Ask(Question::Explain((*name).to_owned())))
            }
            (["changes"], Method::Get) => Ok(Self::Ask(Question::Changes)),
            (["changes"], _) => Err(not_allowed("GET")),
            (["events"], Method::Get) => Ok(Self::Ask(Question::Events)),
            (["events"], _) => Err(not_allowed("GET")),
            (["state" | "explain", name], _) if !name.is_empty() => Err(not_allowed("GET")),
            (["rehearsal"], Method::Post) => Ok(Self::Ask(Question::Rehearsal)),
            (["rehearsal"], _) => Err(not_allowed("POST")),
            (["registry", "adopt"], Method::Post) => Ok(Self::Order(Order::Adopt)),
            (["registry", "copy"], Method::Post) => Ok(Self::Order(Order::Copy)),
            (["registry", "adopt" | "copy"], _) => Err(not_allowed("POST")),
            _ => Err(nothing_there()),
        }
    }
}

fn only(methods: &str) -> String {
    format!("only {methods} supported against this resource")
}

fn not_allowed(methods: &str) -> Failure {
    Failure::new(Status::MethodNotAllowed, only(methods))
}

fn nothing_there() -> Failure {
    Failure::new(Status::NotFound, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: Method, path: &str) -> Result<Route, (u16, String)> {
        let path = path.split('/').map(str::to_owned).collect();
        let (query, content_types, body) = (Vec::new(), Vec::new(), Vec::new());
        let request = Request { method, path, query, content_types, body };
        Route::of(&request).map_err(|failure| (failure.status.code(), failure.message))
    }

    #[test]
    fn both_prefixes_lead_to_the_same_routes() {
        for prefix in ["fleet/v1", "v1-alpha"] {
            let get = |path: &str| ask(Method::Get, &format!("{prefix}/{path}"));
            assert_eq!(get("discovery"), Ok(Route::Ask(Question::Discovery)));
            assert_eq!(get("machines"), Ok(Route::Ask(Question::Machines)));
            assert_eq!(get("units"), Ok(Route::Ask(Question::Units)));
            assert_eq!(get("units/a@1.service"), Ok(Route::Ask(Question::Unit("a@1.service".into()))));
            assert_eq!(get("state"), Ok(Route::Ask(Question::States)));
            assert_eq!(get("state/a.service"), Ok(Route::Ask(Question::State("a.service".into()))));
            assert_eq!(get("explain/a.service"), Ok(Route::Ask(Question::Explain("a.service".into()))));
            assert_eq!(
                ask(Method::Post, &format!("{prefix}/rehearsal")),
                Ok(Route::Ask(Question::Rehearsal))
            );
            assert_eq!(get("events"), Ok(Route::Ask(Question::Events)));
            let drain = Route::Order(Order::Drain { machine: "m".into(), on: true });
            assert_eq!(ask(Method::Post, &format!("{prefix}/machines/m/drain")), Ok(drain));
            assert_eq!(
                ask(Method::Post, &format!("{prefix}/registry/adopt")),
                Ok(Route::Order(Order::Adopt))
            );
            assert_eq!(ask(Method::Post, &format!("{prefix}/registry/copy")), Ok(Route::Order(Order::Copy)));
        }
    }

    #[test]
    fn other_methods_are_refused_in_the_api_s_words() {
        let cases = [
            (Method::Post, "discovery", 400, "only GET supported against this resource"),
            (Method::Put, "machines", 405, "only GET and PATCH supported against this resource"),
            (Method::Post, "units", 405, "only GET supported against this resource"),
            (
                Method::Patch,
                "units/a.service",
                405,
                "only GET, PUT and DELETE supported against this resource",
            ),
            (Method::Delete, "state", 405, "only GET supported against this resource"),
            (Method::Delete, "state/a.service", 405, "only GET supported against this resource"),
            (Method::Post, "changes", 405, "only GET supported against this resource"),
            (Method::Delete, "events", 405, "only GET supported against this resource"),
            (Method::Get, "registry/copy", 405, "only POST supported against this resource"),
            (Method::Get, "registry/adopt", 405, "only POST supported against this resource"),
            (Method::Get, "machines/m/drain", 405, "only POST supported against this resource"),
            (Method::Get, "rehearsal", 405, "only POST supported against this resource"),
        ];
        for (method, path, status, message) in cases {
            assert_eq!(ask(method, &format!("fleet/v1/{path}")), Err((status, message.to_owned())), "{path}");
        }
    }

    #[test]
    fn what_is_not_there_says_nothing_more() {
        for path in ["", "fleet/v1", "fleet/v1/", "v1-alpha", "v1-alpha/"] {
            assert_eq!(ask(Method::Get, path), Err((405, String::new())), "{path}");
        }
        for path in [
            "fleet",
            "fleet/v2",
            "fleet/v1/nope",
            "fleet/v1/units/",
            "fleet/v1/units/a.service/",
            "fleet/v1/machines/m",
            "fleet/v1/machines/",
            "fleet/v1/state/",
            "fleet/v1//units",
            "fleet/v1/explain",
            "units",
            "v1-alpha/v1/units",
            "fleet/v1/machines/m/drain/",
            "metrics/",
        ] {
            assert_eq!(ask(Method::Get, path), Err((404, String::new())), "{path}");
        }
    }
}
