//! `GET /changes`: what changed since a moment of the store, waited for if need be, so that nobody has to look again and
//! again. What a request asks for and what a key that changed means to it is told here; waiting is done where the store's
//! changes are seen.

use std::time::Duration;

use cluster::UnitName;
use cluster::keys::{self, Key};
use cluster::limits::{API_CHANGES_NAMES_MAX, API_CHANGES_WAIT_MAX_MS};
use cluster::sorted::Set;
use registry::store::{Freshness, Store, StoreError};
use serde::Serialize;

use super::failure::Failure;
use super::message::Request;
use super::page::is_yes;
use super::reply::Reply;
use super::status::Status;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The moment it begins with; `None` asks for the present one.
    pub after: Option<u64>,
    /// How long to wait.
    pub wait: Duration,
    /// Only changes of these; all if there are none.
    units: Set<UnitName>,
    /// Only what the leader records.
    events: bool,
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Nothing a client can see.
    Nothing,
    /// One unit: what is wanted of it, where it is, or what systemd makes of it.
    Unit(UnitName),
    /// A machine, or more than one unit: everything may look different.
    Everything,
    /// What the leader records of its decisions.
    Events,
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing has changed in the time given.
    None,
    /// These units have.
    Units(Set<UnitName>),
    /// Anything may have.
    Anything,
}

#[derive(Serialize)]
struct ChangesObject<'a> {
    index: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    units: Vec<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all: bool,
}

impl Changes {
    /// Reads `after`, `waitMs`, `events` and any number of `unitName`.
    ///
    /// # Errors
    /// One of them is not what it should be.
    pub(super) fn read(request: &Request) -> Result<Self, Failure> {
        let number = |name: &str| {
            let text = request.parameter(name).next().filter(|text| !text.is_empty());
            let number = text.map(|text| text.parse::<u64>()).transpose();
            number.map_err(|_| Failure::bad_request(format!("invalid {name}: expect a number")))
        };
        let most = API_CHANGES_WAIT_MAX_MS;
        let wait = Duration::from_millis(number("waitMs")?.unwrap_or(most).min(most));
        let names = request.parameter("unitName").filter(|name| !name.is_empty()).map(UnitName::parse);
        let units: Set<_> =
            names.collect::<Result<_, _>>().map_err(|error| Failure::bad_request(error.to_string()))?;
        if units.len() > API_CHANGES_NAMES_MAX {
            let message =
                format!("more than {API_CHANGES_NAMES_MAX} units to wait for; name none to wait for any");
            return Err(Failure::bad_request(message));
        }
        let events = request.parameter("events").any(is_yes);
        Ok(Self { after: number("after")?, wait, units, events })
    }

    /// True if a change like that ends the wait.
    #[must_use]
    pub fn want(&self, concern: &Concern) -> bool {
        match concern {
            Concern::Nothing => false,
            Concern::Events => self.events,
            _ if self.events => false,
            Concern::Unit(unit) => self.units.is_empty() || self.units.contains(unit),
            Concern::Everything => true,
        }
    }
}

impl Concern {
    /// What a change of this key means. A folder that went as a whole concerns everything.
    #[must_use]
    pub fn of(key: &str) -> Self {
        match Key::parse(key) {
            Some(Key::Spec(unit) | Key::Placement(unit) | Key::Setback(unit) | Key::State(_, _, unit)) => {
                Self::Unit(unit)
            }
            Some(Key::Layout | Key::Lease | Key::Settled | Key::Global(_) | Key::Assigned(..)) => {
                Self::Nothing
            }
            Some(Key::Events) => Self::Events,
            Some(Key::Presence(_) | Key::Drain(_) | Key::Metadata(..)) | None => Self::Everything,
        }
    }
}

impl News {
    /// The answer; `index` is the moment to go on from.
    ///
    /// # Errors
    /// It is larger than an object of the API may be.
    pub fn reply(&self, index: u64) -> Result<Reply, Failure> {
        let units = match self {
            Self::Units(units) => units.iter().map(UnitName::as_str).collect(),
            Self::None | Self::Anything => Vec::new(),
        };
        Reply::object(Status::Ok, &ChangesObject { index, units, all: *self == Self::Anything })
    }
}

/// The present moment of the store.
///
/// # Errors
/// No usable answer.
pub fn present(store: &dyn Store) -> Result<u64, StoreError> {
    Ok(store.read(keys::LAYOUT, Freshness::Local)?.1.index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Method;

    fn read(query: &[(&str, &str)]) -> Result<Changes, String> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (content_types, body) = (Vec::new(), Vec::new());
        let request = Request { method: Method::Get, path: Vec::new(), query, content_types, body };
        Changes::read(&request).map_err(|failure| {
            assert_eq!(failure.status.code(), 400);
            failure.message
        })
    }

    fn unit(name: &str) -> UnitName {
        UnitName::parse(name).unwrap()
    }

    #[test]
    fn a_request_is_read_and_bounded() {
        let all = read(&[]).unwrap();
        assert_eq!((all.after, all.wait), (None, Duration::from_millis(API_CHANGES_WAIT_MAX_MS)));
        let some =
            read(&[("after", "7"), ("waitMs", "20"), ("unitName", "a.service"), ("unitName", "")]).unwrap();
        assert_eq!((some.after, some.wait.as_millis()), (Some(7), 20));
        assert!(
            some.want(&Concern::Unit(unit("a.service"))) && !some.want(&Concern::Unit(unit("b.service")))
        );
        assert!(some.want(&Concern::Everything) && !all.want(&Concern::Nothing));
        assert!(all.want(&Concern::Unit(unit("b.service"))) && !all.want(&Concern::Events));
        let events = read(&[("events", "1")]).unwrap();
        assert!(events.want(&Concern::Events) && !events.want(&Concern::Everything));
        assert_eq!(read(&[("waitMs", "99999")]).unwrap().wait, all.wait);
        for (name, value) in
            [("after", "-1"), ("after", "x"), ("waitMs", "1.5"), ("after", "99999999999999999999")]
        {
            assert_eq!(read(&[(name, value)]).unwrap_err(), format!("invalid {name}: expect a number"));
        }
        assert!(read(&[("unitName", "no unit")]).is_err());
        let names: Vec<String> =
            (0..=API_CHANGES_NAMES_MAX).map(|number| format!("u{number}.service")).collect();
        let many: Vec<_> = names.iter().map(|name| ("unitName", name.as_str())).collect();
        assert!(read(&many).unwrap_err().starts_with("more than 16 units"));
    }

    #[test]
    fn keys_concern_what_a_client_sees() {
        assert_eq!(Concern::of("units/a.service"), Concern::Unit(unit("a.service")));
        assert_eq!(Concern::of("placements/a.service"), Concern::Unit(unit("a.service")));
        assert_eq!(Concern::of("states/m/5/a.service"), Concern::Unit(unit("a.service")));
        for nothing in ["fleet/lease", "fleet/globals/a.service", "machines/m/assigned/a.service"] {
            assert_eq!(Concern::of(nothing), Concern::Nothing, "{nothing}");
        }
        assert_eq!(Concern::of(keys::EVENTS), Concern::Events);
        for everything in ["machines/m/presence", "machines/m/drain", "states/m/5", "states", ""] {
            assert_eq!(Concern::of(everything), Concern::Everything, "{everything}");
        }
    }

    #[test]
    fn answers_say_where_to_go_on() {
        let text = |news: News| news.reply(9).unwrap().pieces().collect::<String>();
        assert_eq!(text(News::None), r#"{"index":9}"#);
        assert_eq!(text(News::Anything), r#"{"index":9,"all":true}"#);
        let units = News::Units([unit("b.service"), unit("a.service")].into());
        assert_eq!(text(units), r#"{"index":9,"units":["a.service","b.service"]}"#);
    }
}
