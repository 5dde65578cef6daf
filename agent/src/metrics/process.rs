//! What the kernel says of this process, under the names every Prometheus client has for it. What cannot be read is left
//! out.

use std::fs;

/// `USER_HZ`: the unit of times in `/proc`, the same on every Linux this runs on.
const TICKS_PER_SECOND: u64 = 100;

/// What there is to say of the process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// User and system time, in hundredths of a second.
    pub(super) cpu_hundredths: Option<u64>,
    /// When it started, in seconds since 1970.
    pub(super) start_seconds: Option<u64>,
    /// Memory in use.
    pub(super) resident_bytes: Option<u64>,
    /// Address space in use.
    pub(super) virtual_bytes: Option<u64>,
    /// Threads.
    pub(super) threads: Option<u64>,
    /// Open files.
    pub(super) open_fds: Option<u64>,
    /// Most open files.
    pub(super) max_fds: Option<u64>,
}

impl Process {
    pub(super) fn read() -> Self {
        let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let (stat, status, limits) =
            (text("/proc/self/stat"), text("/proc/self/status"), text("/proc/self/limits"));
        // The program's name stands in brackets and may hold anything; what follows it begins with the third field.
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
            .unwrap_or_default();
        let field = |number: usize| fields.get(number - 3).copied();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
        };
        let count = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        let boot =
            || text("/proc/stat").lines().find_map(|line| line.strip_prefix("btime ")?.parse::<u64>().ok());
        Self {
            cpu_hundredths: field(14).zip(field(15)).map(|(user, system)| user + system),
            start_seconds: field(22).zip(boot()).map(|(ticks, boot)| boot + ticks / TICKS_PER_SECOND),
            resident_bytes: kibibytes("VmRSS:"),
            virtual_bytes: kibibytes("VmSize:"),
            threads: count("Threads:"),
            open_fds: fs::read_dir("/proc/self/fd")
                .ok()
                .and_then(|entries| u64::try_from(entries.count()).ok())
                // The folder itself is open while it is read.
                .map(|count| count.saturating_sub(1)),
            max_fds: limits.lines().find_map(|line| {
                line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn this_process_is_what_it_says() {
        let process = Process::read();
        assert!(process.resident_bytes.unwrap() > 64 * 1024, "{process:?}");
        assert!(process.virtual_bytes.unwrap() >= process.resident_bytes.unwrap(), "{process:?}");
        assert!(process.threads.unwrap() >= 1 && process.open_fds.unwrap() >= 3, "{process:?}");
        assert!(process.max_fds.unwrap() >= process.open_fds.unwrap(), "{process:?}");
        assert!(process.start_seconds.unwrap() > 1_500_000_000 && process.cpu_hundredths.is_some());
    }
}
