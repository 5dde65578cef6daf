//! Lists of objects: each object is encoded when whoever asked is ready to take it, so that a list of everything never
//! stands in memory as text. What the objects are is up to the routes.

use std::iter;

/// Objects as JSON text, made as they are asked for.
pub(super) type Objects = Box<dyn Iterator<Item = String> + Send>;

/// One page of a list, or all of it.
pub struct List {
    /// The field the objects are in: `units`.
    pub(super) field: &'static str,
    /// The token of the next page.
    pub(super) token: Option<String>,
    /// The objects.
    pub(super) objects: Objects,
}

impl List {
    /// A list of nothing.
    pub(super) fn empty(field: &'static str) -> Self {
        Self { field, token: None, objects: Box::new(iter::empty()) }
    }

    /// The body; its fields stand in the order of their names, as in fleet's, and an empty list is `{}`.
    pub(super) fn pieces(self) -> Box<dyn Iterator<Item = String> + Send> {
        let mut objects = self.objects.peekable();
        if objects.peek().is_none() {
            return Box::new(iter::once("{}".to_owned()));
        }
        let token = self.token.map(|token| format!("\"nextPageToken\":\"{token}\"")).unwrap_or_default();
        let gap = if token.is_empty() { "" } else { "," };
        let (open, close) = if self.field < "nextPageToken" {
            (format!("{{\"{}\":[", self.field), format!("]{gap}{token}}}"))
        } else {
            (format!("{{{token}{gap}\"{}\":[", self.field), "]}".to_owned())
        };
        let mut is_first = true;
        let separated = objects
            .map(move |object| if std::mem::take(&mut is_first) { object } else { format!(",{object}") });
        Box::new(iter::once(open).chain(separated).chain(iter::once(close)))
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    fn body(field: &'static str, token: Option<&str>, objects: &[&str]) -> String {
        let objects: Vec<String> = objects.iter().map(|object| (*object).to_owned()).collect();
        List { field, token: token.map(str::to_owned), objects: Box::new(objects.into_iter()) }
            .pieces()
            .collect()
    }

    #[test]
    fn fields_stand_in_the_order_of_their_names() {
        assert_eq!(body("machines", None, &["{}"]), r#"{"machines":[{}]}"#);
        assert_eq!(body("machines", Some("x=="), &["1", "2"]), r#"{"machines":[1,2],"nextPageToken":"x=="}"#);
        assert_eq!(
            body("units", Some("x=="), &["1", "2", "3"]),
            r#"{"nextPageToken":"x==","units":[1,2,3]}"#
        );
        assert_eq!(body("states", None, &[]), "{}");
    }
}
