//! `--fields` and `--no-legend` of every listing: from the text a user gave to the columns of a table. What a
//! column holds is told by the listing, other forms than a table are `output`'s.

use crate::args::nearest::nearest;
use crate::exit::Failure;
use crate::output::Value;
use crate::table::Table;
use crate::talk;

/// One column a listing can show: its name, and its cell for a row.
pub(crate) struct Field<R: ?Sized> {
    /// As in `--fields=`; the heading is this in capitals.
    pub(crate) name: &'static str,
    /// The text of the cell; empty where there is no value.
    pub(crate) cell: fn(&R) -> String,
    /// The same as a value of JSON: nothing cut, nothing added for the eye.
    pub(crate) value: fn(&R) -> Value,
}

/// The columns asked for, in the order asked for.
///
/// # Errors
/// No field at all, or one the listing does not have; the wording is fleet's (contract §3.4).
pub(crate) fn choose<'f, R: ?Sized>(all: &'f [Field<R>], asked: &str) -> Result<Vec<&'f Field<R>>, Failure> {
    if asked.is_empty() {
        return Err(Failure::new("Must define output format"));
    }
    let find = |name: &str| {
        let found = all.iter().find(|field| field.name == name);
        found.ok_or_else(|| Failure::new(unknown(name, all)))
    };
    asked.split(',').map(find).collect()
}

/// fleet's words for a field that is not there; a person is told which there are as well.
fn unknown<R: ?Sized>(name: &str, all: &[Field<R>]) -> String {
    let mut text = format!("Invalid key in output format: {name:?}");
    if let Some(near) = nearest(name, all.iter().map(|field| field.name)) {
        text.push_str(&format!("\nDid you mean {near:?}?"));
    }
    if talk::has_reader() {
        let names: Vec<&str> = all.iter().map(|field| field.name).collect();
        text.push_str(&format!("\nThere are: {}", names.join(", ")));
    }
    text
}

/// The finished table, cut to `screen` columns.
pub(crate) fn tabulate<R>(rows: &[R], fields: &[&Field<R>], legend: bool, screen: Option<usize>) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    let mut table = Table::with_heading(&names, legend);
    for row in rows {
        table.push(fields.iter().map(|field| (field.cell)(row)));
    }
    table.text_within(screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Field<u8>; 2] = [
        Field { name: "number", cell: |n| n.to_string(), value: |n| Value::Count((*n).into()) },
        Field { name: "even", cell: |n| (n % 2 == 0).to_string(), value: |n| Value::Truth(n % 2 == 0) },
    ];

    #[test]
    fn columns_come_as_asked() {
        let fields = choose(&ALL, "even,number,even").unwrap();
        assert_eq!(
            tabulate(&[1, 2], &fields, true, None),
            "EVEN\tNUMBER\tEVEN\nfalse\t1\tfalse\ntrue\t2\ttrue\n"
        );
    }

    #[test]
    fn wrong_fields_are_named() {
        let said = |asked| match choose(&ALL, asked) {
            Err(Failure::Says(text, _)) => text,
            _ => String::new(),
        };
        assert_eq!(said(""), "Must define output format");
        assert_eq!(said("number,odd"), "Invalid key in output format: \"odd\"");
    }
}
