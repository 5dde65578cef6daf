//! The list form of `etcd_servers` (contract §4.2). What one endpoint may look like is the registry's business.

use registry::etcd::{Endpoint, Endpoints};

/// Reads a comma list of URLs. One pair of brackets around the list and quotes and blanks around an item are dropped,
/// so that a JSON array passes too.
pub(super) fn parse(text: &str) -> Result<Endpoints, String> {
    let list = text.trim();
    let list = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(list);
    let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let items = list.split(',').map(|item| item.trim_matches(around)).filter(|item| !item.is_empty());
    let endpoints = items.map(Endpoint::parse).collect::<Result<Vec<_>, _>>();
    endpoints.and_then(Endpoints::new).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn shown(text: &str) -> Vec<String> {
        parse(text).unwrap().as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_lists_and_arrays_of_servers() {
        assert_eq!(shown("http://a:1,https://b:2"), ["http://a:1", "https://b:2"]);
        assert_eq!(shown("[\"http://a:1\", 'http://b:2/']"), ["http://a:1", "http://b:2"]);
        assert_eq!(shown("http://[::1]:2379"), ["http://[::1]:2379"]);
        assert_eq!(shown("[http://[::1]:2379]"), ["http://[::1]:2379"]);
        assert_eq!(shown("http://a:1,"), ["http://a:1"]);
    }

    #[test]
    fn refuses_what_is_no_list_of_servers() {
        let many = ["http://a:1"; 17].join(",");
        for text in ["", ",", "[]", "a:2379", "ftp://a:1", "http://a:1/path", &many] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
