//! Single values of the configuration: a text becomes what it stands for, or a sentence on what would be accepted.
//! How values go together is `check`'s business.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use cluster::limits::{
    ADDRESS_MAX_BYTES, AGENT_TTL_MAX_SECONDS, AGENT_TTL_MIN_SECONDS, METADATA_ENTRIES_MAX,
    METADATA_KEY_MAX_BYTES, METADATA_VALUE_MAX_BYTES,
};
use cluster::sorted::Map;

use super::duration;

/// Shortest planning interval and request time-out: below it the agent would do nothing else.
const SHORTEST: Duration = Duration::from_millis(100);
/// Longest planning interval and request time-out.
const LONGEST: Duration = Duration::from_secs(3600);

/// All spellings that Go takes, in any case.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    duration::parse_seconds(text)
        .filter(|duration| (SHORTEST..=LONGEST).contains(duration))
        .ok_or_else(|| "expected seconds from 0.1 to 3600, such as 2.0".into())
}

pub(super) fn agent_ttl(text: &str) -> Result<Duration, String> {
    let duration =
        duration::parse_go(text).ok_or("expected a duration such as 30s, 1m30s or 3500ms, with its unit")?;
    let range =
        Duration::from_secs(AGENT_TTL_MIN_SECONDS.into())..=Duration::from_secs(AGENT_TTL_MAX_SECONDS.into());
    if !range.contains(&duration) {
        return Err(format!(
            "expected at least {AGENT_TTL_MIN_SECONDS}s and at most {AGENT_TTL_MAX_SECONDS}s"
        ));
    }
    Ok(duration)
}

pub(super) fn address(text: &str) -> Result<Option<String>, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%');
    match text {
        "" => Ok(None),
        _ if text.len() > ADDRESS_MAX_BYTES => Err(format!("longer than {ADDRESS_MAX_BYTES} bytes")),
        _ if text.bytes().all(plain) => Ok(Some(text.to_owned())),
        _ => Err("expected an IP address or a host name".into()),
    }
}

pub(super) fn absolute_path(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err("expected an absolute path without \"..\"".into());
    }
    Ok(path.components().collect())
}

pub(super) fn optional_path(text: &str) -> Result<Option<PathBuf>, String> {
    if text.is_empty() { Ok(None) } else { absolute_path(text).map(Some) }
}

/// Configured metadata.
pub(super) type Metadata = Map<String, String>;

/// Reads `k=v,k=v`; the second part are the items without `=`, which fleet left out too (contract §4.2).
pub(super) fn metadata(text: &str) -> Result<(Metadata, Vec<String>), String> {
    let mut pairs = Metadata::new();
    let mut without_value = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let Some((key, value)) = item.split_once('=') else {
            without_value.push(item.to_owned());
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || item.contains(|c: char| c.is_control()) {
            return Err(format!("item {item:?}: expected key=value"));
        }
        if key.len() > METADATA_KEY_MAX_BYTES || value.len() > METADATA_VALUE_MAX_BYTES {
            return Err(format!(
                "item {key:?}: a key is at most {METADATA_KEY_MAX_BYTES} bytes long, a value {METADATA_VALUE_MAX_BYTES}"
            ));
        }
        pairs.insert(key.to_owned(), value.to_owned());
    }
    if pairs.len() > METADATA_ENTRIES_MAX {
        return Err(format!("{} entries, at most {METADATA_ENTRIES_MAX}", pairs.len()));
    }
    Ok((pairs, without_value))
}

#[cfg(test)]
mod tests {
    use super::{absolute_path, address, agent_ttl, boolean, metadata, seconds};

    #[test]
    fn keeps_metadata_within_its_limits() {
        let pairs =
            |count: usize| (0..count).map(|index| format!("k{index}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(metadata(&pairs(64)).unwrap().0.len(), 64);
        assert!(metadata(&pairs(65)).unwrap_err().contains("65 entries, at most 64"));
        assert!(metadata(&format!("{}=v", "k".repeat(129))).is_err());
        assert!(metadata(&format!("k={}", "v".repeat(257))).is_err());
        assert!(metadata("a=\u{7}").is_err());
    }

    #[test]
    fn takes_go_s_booleans() {
        for (text, value) in
            [("true", true), ("T", true), ("1", true), ("FALSE", false), ("f", false), ("0", false)]
        {
            assert_eq!(boolean(text), Ok(value), "{text}");
        }
        for text in ["yes", "on", "", "2"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keeps_times_within_their_bounds() {
        assert!(seconds("0.1").is_ok() && seconds("3600").is_ok());
        assert!(seconds("0.09").is_err() && seconds("3600.1").is_err());
        assert!(agent_ttl("3s").is_ok() && agent_ttl("24h").is_ok());
        assert!(agent_ttl("2.9s").is_err() && agent_ttl("24h1s").is_err());
    }

    #[test]
    fn takes_paths_and_addresses_of_one_form() {
        assert_eq!(absolute_path("/run//fleet/./units/").unwrap().as_os_str(), "/run/fleet/units");
        assert!(
            absolute_path("run").is_err() && absolute_path("/a/..").is_err() && absolute_path("").is_err()
        );
        assert_eq!(address("fe80::1%eth0").unwrap().as_deref(), Some("fe80::1%eth0"));
        assert!(address(&"x".repeat(65)).is_err() && address("a/b").is_err());
    }
}
