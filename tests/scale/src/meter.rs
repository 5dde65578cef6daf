//! What etcd has done so far, by its own numbers and the kernel's, and what processes hold. Reading costs a request to
//! `/metrics` and nothing of the keys.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::wait::Stopwatch;

/// What etcd has done at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    at: Stopwatch,
    /// Requests about keys that were answered, long polls included.
    requests: f64,
    cpu_seconds: f64,
    bytes: f64,
}

/// What it did in between.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// How long that was.
    pub(crate) seconds: f64,
    /// Requests about keys.
    pub(crate) requests: f64,
    /// Processor time.
    pub(crate) cpu_seconds: f64,
    /// Bytes read and written, its log included.
    pub(crate) bytes: f64,
}

/// An etcd to be watched.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    address: String,
    process: u32,
}

impl Meter {
    pub(crate) fn of(etcd: &tests::etcd::Etcd) -> Outcome<Self> {
        let (address, port) = etcd.client_address();
        let process = etcd.process_id().ok_or_else(|| Failure::new("etcd does not run"))?;
        Ok(Self { address: format!("{address}:{port}"), process })
    }

    pub(crate) fn read(&self) -> Outcome<Done> {
        let page = self.page().map_err(|cause| Failure::during("read etcd's metrics", cause))?;
        let sum = |name: &str| -> f64 {
            let lines = page.lines().filter(|line| line.starts_with(name));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
        };
        let io = fs::read_to_string(format!("/proc/{}/io", self.process))
            .map_err(|cause| Failure::during("read what etcd read and wrote", cause))?;
        let field = |name: &str| -> f64 {
            io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0.0)
        };
        Ok(Done {
            at: Stopwatch::start(),
            requests: sum("etcd_http_received_total"),
            cpu_seconds: sum("process_cpu_seconds_total"),
            bytes: field("rchar:") + field("wchar:"),
        })
    }

    fn page(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(page)
    }

    /// What was spent since `before`.
    pub(crate) fn since(&self, before: &Done) -> Outcome<Spent> {
        let now = self.read()?;
        Ok(Spent {
            seconds: before.at.elapsed().as_secs_f64(),
            requests: now.requests - before.requests,
            cpu_seconds: now.cpu_seconds - before.cpu_seconds,
            bytes: now.bytes - before.bytes,
        })
    }
}
