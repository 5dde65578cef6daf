//! `--output` of every listing: a table, JSON, JSON lines or bare names, from the same fields. The one place that
//! knows the form of machine-readable answers (docs/scripts.md); what a listing holds is told by the listing.

use argh::FromArgValue;
use cluster::json;
use cluster::limits::API_OBJECT_MAX_BYTES;
use cluster::sorted::Map;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::exit::Failure;
use crate::fields::{Field, choose, tabulate};
use crate::screen;

/// What `version` says in `-o json`. It grows when a key goes away or changes its meaning; a new key is no reason.
const SCHEMA_VERSION: u32 = 1;

/// The forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// The table fleet printed.
    Text,
    /// A table of more columns, nothing cut.
    Wide,
    /// One JSON object with a version and a list.
    Json,
    /// A JSON object for each row, one to a line.
    JsonLines,
    /// The name of each unit, or the ID of each machine.
    Name,
}

impl FromArgValue for Output {
    fn from_arg_value(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "wide" => Ok(Self::Wide),
            "json" => Ok(Self::Json),
            "jsonl" => Ok(Self::JsonLines),
            "name" => Ok(Self::Name),
            _ => Err("it takes text, wide, json, jsonl or name".to_owned()),
        }
    }
}

impl Output {
    /// True where a person reads, and cells are made for the eye.
    pub(crate) const fn is_table(self) -> bool {
        matches!(self, Self::Text | Self::Wide)
    }
}

/// What a field holds in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `null`: there is none, or the server does not say.
    Missing,
    /// A string.
    Text(String),
    /// `true` or `false`.
    Truth(bool),
    /// A number.
    Count(u32),
    /// An object of strings.
    Map(Map<String, String>),
}

impl Value {
    /// A string, or `null` for an empty one.
    pub(crate) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Missing } else { Self::Text(text.to_owned()) }
    }

    /// What is there as a string, or `null`.
    pub(crate) fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Missing, |value| Self::Text(value.to_string()))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

/// One row as a JSON object, its keys in the order of the fields.
struct Object<'r>(Vec<(&'r str, Value)>);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// What a listing can show.
pub(crate) struct Listing<R: 'static> {
    /// Key of the list in `-o json`.
    pub(crate) key: &'static str,
    /// Every field there is.
    pub(crate) fields: &'static [Field<R>],
    /// Fields of `-o text` unless asked otherwise, with commas between them.
    pub(crate) columns: &'static str,
    /// Those of `-o wide`.
    pub(crate) wide: &'static str,
    /// Those of `-o json` and `-o jsonl`.
    pub(crate) keys: &'static str,
    /// What `-o name` prints.
    pub(crate) name: fn(&R) -> &str,
}

/// A form and the fields that were chosen for it.
pub(crate) struct Shape<R: 'static> {
    listing: &'static Listing<R>,
    output: Output,
    fields: Vec<&'static Field<R>>,
    /// Columns a row has to fit on.
    screen: Option<usize>,
}

impl<R> Listing<R> {
    /// The form of this listing that `--output` and `--fields` ask for.
    ///
    /// # Errors
    /// No field at all, one the listing does not have, or fields where only names are printed.
    pub(crate) fn shape(&'static self, output: Output, asked: Option<&str>) -> Result<Shape<R>, Failure> {
        let usual = match output {
            Output::Text | Output::Name => self.columns,
            Output::Wide => self.wide,
            Output::Json | Output::JsonLines => self.keys,
        };
        if asked.is_some() && output == Output::Name {
            return Err(Failure::usage("Error: --fields does not go with --output=name"));
        }
        let mut fields = choose(self.fields, asked.unwrap_or(usual))?;
        if !output.is_table() {
            // An object has a key once.
            let mut seen = Vec::new();
            fields.retain(|field| {
                !seen.contains(&field.name) && {
                    seen.push(field.name);
                    true
                }
            });
        }
        Ok(Shape { listing: self, output, fields, screen: screen::output_columns() })
    }
}

impl<R> Shape<R> {
    /// The same, with nothing cut if `full`.
    pub(crate) fn whole_if(mut self, full: bool) -> Self {
        self.screen = self.screen.filter(|_| !full);
        self
    }

    /// True where machines are to be named with their addresses, which have to be asked for.
    pub(crate) fn needs_addresses(&self) -> bool {
        let needs = |name: &str| match self.output {
            Output::Name => false,
            Output::Json | Output::JsonLines => name == "ip",
            Output::Text | Output::Wide => matches!(name, "ip" | "machine" | "tmachine" | "target"),
        };
        self.fields.iter().any(|field| needs(field.name))
    }

    /// The whole answer.
    ///
    /// # Errors
    /// A row is too large to be written as JSON.
    pub(crate) fn text(&self, rows: &[R], legend: bool) -> Result<String, Failure> {
        match self.output {
            Output::Text => Ok(tabulate(rows, &self.fields, legend, self.screen)),
            Output::Wide => Ok(tabulate(rows, &self.fields, legend, None)),
            Output::Name => Ok(self.names(rows)),
            Output::JsonLines => {
                rows.iter().map(|row| self.object(row).map(|object| object + "\n")).collect()
            }
            Output::Json => {
                let objects: Result<Vec<String>, Failure> = rows.iter().map(|row| self.object(row)).collect();
                let mut list = objects?.join(",\n");
                if !list.is_empty() {
                    list = format!("\n{list}\n");
                }
                Ok(format!("{{\"version\":{SCHEMA_VERSION},\"{}\":[{list}]}}\n", self.listing.key))
            }
        }
    }

    /// Each name once; rows of one name stand together.
    fn names(&self, rows: &[R]) -> String {
        let mut names: Vec<&str> = rows.iter().map(self.listing.name).collect();
        names.dedup();
        names.iter().map(|name| format!("{name}\n")).collect()
    }

    fn object(&self, row: &R) -> Result<String, Failure> {
        let object = Object(self.fields.iter().map(|field| (field.name, (field.value)(row))).collect());
        json::encode(&object, API_OBJECT_MAX_BYTES)
            .map_err(|e| Failure::new(format_args!("write {} as JSON: {e}", (self.listing.name)(row))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, u32);

    static FIELDS: [Field<Row>; 3] = [
        Field { name: "unit", cell: |row| row.0.to_owned(), value: |row| Value::text(row.0) },
        Field { name: "copies", cell: |row| row.1.to_string(), value: |row| Value::Count(row.1) },
        Field { name: "up", cell: |row| (row.1 > 0).to_string(), value: |row| Value::Truth(row.1 > 0) },
    ];

    static LISTING: Listing<Row> = Listing {
        key: "units",
        fields: &FIELDS,
        columns: "unit",
        wide: "unit,up",
        keys: "unit,copies",
        name: |row| row.0,
    };

    fn text(output: Output, asked: Option<&str>) -> String {
        let rows = [Row("a\\x2d\".service", 2), Row("", 0)];
        LISTING.shape(output, asked).unwrap().text(&rows, true).unwrap()
    }

    #[test]
    fn every_form_has_its_fields() {
        assert_eq!(text(Output::Text, None), "UNIT\na\\x2d\".service\n-\n");
        assert_eq!(text(Output::Wide, None), "UNIT\t\tUP\na\\x2d\".service\ttrue\n-\t\tfalse\n");
        assert_eq!(text(Output::Name, None), "a\\x2d\".service\n\n");
        let lines = "{\"unit\":\"a\\\\x2d\\\".service\",\"copies\":2}\n{\"unit\":null,\"copies\":0}\n";
        assert_eq!(text(Output::JsonLines, None), lines);
        let whole = "{\"version\":1,\"units\":[\n{\"up\":true},\n{\"up\":false}\n]}\n";
        assert_eq!(text(Output::Json, Some("up,up")), whole);
    }

    #[test]
    fn nothing_is_an_empty_list() {
        let empty = |output| LISTING.shape(output, None).unwrap().text(&[], true).unwrap();
        assert_eq!(empty(Output::Json), "{\"version\":1,\"units\":[]}\n");
        assert_eq!(empty(Output::JsonLines), "");
        assert_eq!(empty(Output::Name), "");
    }

    #[test]
    fn names_have_no_fields() {
        assert!(LISTING.shape(Output::Name, Some("unit")).is_err());
    }
}
