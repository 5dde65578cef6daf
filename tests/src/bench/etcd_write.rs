//! How long etcd takes for one write on a connection that is kept open, as an agent's is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::wait::Stopwatch;

/// Enough for a steady median.
const WRITES: usize = 41;

/// The median time of a write.
///
/// # Errors
/// When etcd cannot be reached or answers otherwise than with 200 or 201.
pub(crate) fn median(address: (IpAddr, u16)) -> Outcome<Duration> {
    let trouble = |cause: std::io::Error| Failure::during("measure an etcd write", cause);
    let stream = TcpStream::connect(address).map_err(trouble)?;
    stream.set_nodelay(true).map_err(trouble)?;
    let mut reader = BufReader::new(stream.try_clone().map_err(trouble)?);
    let mut writer = stream;
    let mut times = Vec::new();
    for number in 0..WRITES {
        let body = format!("value={number:0>200}");
        let request = format!(
            "PUT /v2/keys/bench HTTP/1.1\r\nHost: etcd\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let watch = Stopwatch::start();
        writer.write_all(request.as_bytes()).map_err(trouble)?;
        answer(&mut reader).map_err(trouble)?;
        times.push(watch.elapsed());
    }
    Ok(middle(times))
}

fn answer(reader: &mut impl BufRead) -> std::io::Result<()> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if !line.contains(" 200 ") && !line.contains(" 201 ") {
        return Err(std::io::Error::other(format!("etcd answered {line:?}")));
    }
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).map(|_| ())
}

/// The median of some times; zero of none.
pub(crate) fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
