//! Enough of JSON to compare two answers: values with their fields in order, and children of a node by name.

/// A value; numbers as they stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Json {
    Word(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads one value and the rest of the text.
pub(crate) fn read(text: &str) -> Option<(Json, &str)> {
    let mut chars = text.chars();
    match chars.next()? {
        '{' => {
            let mut fields = Vec::new();
            let rest = list(chars.as_str(), '}', |text| {
                let (Json::Text(name), rest) = read(text)? else { return None };
                let (value, rest) = read(rest.strip_prefix(':')?)?;
                fields.push((name, value));
                Some(rest)
            })?;
            Some((Json::Object(fields), rest))
        }
        '[' => {
            let mut values = Vec::new();
            let rest = list(chars.as_str(), ']', |text| {
                let (value, rest) = read(text)?;
                values.push(value);
                Some(rest)
            })?;
            Some((Json::List(values), rest))
        }
        '"' => {
            let mut is_escaped = false;
            let end = text[1..].find(|c| {
                let ends = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                ends
            })?;
            Some((Json::Text(text[1..=end].to_owned()), &text[end + 2..]))
        }
        _ => {
            let end = text.find([',', '}', ']']).unwrap_or(text.len());
            Some((Json::Word(text[..end].to_owned()), &text[end..]))
        }
    }
}

fn list<'a>(text: &'a str, end: char, mut each: impl FnMut(&'a str) -> Option<&'a str>) -> Option<&'a str> {
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix(end) {
            return Some(after);
        }
        rest = each(rest.strip_prefix(',').unwrap_or(rest))?;
    }
}

impl Json {
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The number of a field.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match self.field(name)? {
            Self::Word(word) => word.parse().ok(),
            _ => None,
        }
    }

    /// The same with the children of each node in the order of their names: etcd gives them in any.
    pub(crate) fn ordered(self) -> Self {
        match self {
            Self::Object(fields) => {
                Self::Object(fields.into_iter().map(|(name, value)| (name, value.ordered())).collect())
            }
            Self::List(values) => {
                let mut values: Vec<Self> = values.into_iter().map(Self::ordered).collect();
                values.sort();
                Self::List(values)
            }
            other => other,
        }
    }
}
