//! The additive filters of lists, as parameters of a request. A server that does not know them sends more, so whoever
//! asks goes through the answer as well.

use super::escaped;

/// A longer list of words is left to whoever asks: a server takes targets up to 4 KiB.
const WORDS_MAX_BYTES: usize = 3000;

/// What of a list is wanted; everything by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Select(String);

impl Select {
    /// Only what one of these words or patterns fits; `filter` is `units`, `machines` or `states`.
    pub(crate) fn only<'w>(mut self, filter: &str, words: impl IntoIterator<Item = &'w str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        let list = words.iter().map(|word| escaped(word)).collect::<Vec<_>>().join(",");
        // A comma within a word, as in `[1,2]`, would part it on the way.
        let is_whole = !words.iter().any(|word| word.contains(','));
        if !words.is_empty() && is_whole && self.0.len() + list.len() <= WORDS_MAX_BYTES {
            self.0.push_str(&format!("&{filter}={list}"));
        }
        self
    }

    /// The parameters, each with its `&` before it.
    pub(super) fn parameters(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped_and_bounded() {
        let select = Select::default().only("units", ["a@1.service", "b*"]).only("states", []);
        assert_eq!(select.parameters(), "&units=a%401.service,b%2A");
        assert_eq!(select.clone().only("machines", ["a[1,2]"]), select);
        let long = "x".repeat(WORDS_MAX_BYTES);
        assert_eq!(select.clone().only("machines", [long.as_str()]), select);
    }
}
