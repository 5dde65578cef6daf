//! How machines are named in listings and progress lines (contract §3.3).

use cluster::MachineId;

/// The ID, cut to eight characters and `...` unless `full`, and `/` with the address where it is known.
pub(crate) fn legend(machine: &MachineId, address: Option<&str>, full: bool) -> String {
    let mut text = id(machine, full);
    if let Some(address) = address.filter(|address| !address.is_empty()) {
        text.push('/');
        text.push_str(address);
    }
    text
}

/// The ID alone, cut unless `full`.
pub(crate) fn id(machine: &MachineId, full: bool) -> String {
    if full { machine.to_string() } else { format!("{}...", machine.short()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_named_short_and_full() {
        let machine = MachineId::parse("113f16a7939f457fa0d9353761e189c7").unwrap();
        assert_eq!(legend(&machine, Some("172.17.8.103"), false), "113f16a7.../172.17.8.103");
        assert_eq!(legend(&machine, Some(""), true), "113f16a7939f457fa0d9353761e189c7");
        assert_eq!(legend(&machine, None, false), "113f16a7...");
        assert_eq!(id(&MachineId::parse("m1").unwrap(), false), "m1...");
    }
}
