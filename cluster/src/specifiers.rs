//! The four specifiers fleet replaces in `[X-Fleet]` values (contract §2.4). All other sections go to systemd as
//! they are, which has specifiers of its own.

use alloc::string::String;

use crate::name::UnitName;

/// `text` with `%n` (whole name), `%N` (name without type), `%p` (prefix) and `%i` (instance, else nothing) replaced,
/// in this order. There is no `%%`; any other `%` stays.
#[must_use]
pub fn expand(name: &UnitName, text: &str) -> String {
    if !text.contains('%') {
        return text.into();
    }
    text.replace("%n", name.as_str())
        .replace("%N", name.stem())
        .replace("%p", name.prefix())
        .replace("%i", name.instance().unwrap_or_default())
}
