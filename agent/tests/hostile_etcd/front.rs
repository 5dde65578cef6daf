//! What stands before the real etcd: it passes everything on, or lies. When it changes its mind, every connection ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lies::{Lie, Told};

#[derive(Default)]
struct Mind {
    lie: Option<Lie>,
    told: usize,
    open: Vec<TcpStream>,
}

/// The running front; its threads end with the test.
pub(crate) struct Front {
    url: String,
    mind: Arc<Mutex<Mind>>,
}

/// One request.
pub(crate) struct Asked {
    /// Method, target and version.
    pub(crate) line: String,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
    /// Where redirects lead.
    pub(crate) elsewhere: SocketAddr,
    /// The real etcd.
    pub(crate) etcd: (IpAddr, u16),
}

impl Front {
    pub(crate) fn start(etcd: (IpAddr, u16), elsewhere: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mind = Arc::<Mutex<Mind>>::default();
        let theirs = Arc::clone(&mind);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mind = Arc::clone(&theirs);
                // Whoever goes away ends its own connection only.
                thread::spawn(move || drop(serve(client, etcd, elsewhere, &mind)));
            }
        });
        Self { url, mind }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on this is said to whoever asks; nothing but etcd's own answers with `None`.
    pub(crate) fn tell(&self, lie: Option<Lie>) {
        let mut mind = self.mind.lock().unwrap();
        (mind.lie, mind.told) = (lie, 0);
        for stream in mind.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How often it lied since it changed its mind.
    pub(crate) fn told(&self) -> usize {
        self.mind.lock().unwrap().told
    }
}

fn serve(
    client: TcpStream,
    etcd: (IpAddr, u16),
    elsewhere: SocketAddr,
    mind: &Mutex<Mind>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let lie = {
        let mut mind = mind.lock().unwrap();
        mind.open.push(client.try_clone()?);
        mind.lie
    };
    let Some(lie) = lie else { return pass(client, etcd, mind) };
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some((line, bytes)) = request(&mut reader)? {
        mind.lock().unwrap().told += 1;
        let asked = Asked { line, bytes, elsewhere, etcd };
        match (lie.tell)(&asked, &client)? {
            Told::GoOn => {}
            Told::Close => return client.shutdown(Shutdown::Both),
            Told::Hang => return client.try_clone()?.read(&mut [0]).map(drop),
        }
    }
    Ok(())
}

fn pass(client: TcpStream, etcd: (IpAddr, u16), mind: &Mutex<Mind>) -> io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from(etcd))?;
    server.set_nodelay(true)?;
    mind.lock().unwrap().open.push(server.try_clone()?);
    let (mut up, mut down) = (client.try_clone()?, server.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut server.try_clone().unwrap(), &mut &client);
        let _ = client.shutdown(Shutdown::Both);
    });
    let _ = io::copy(&mut up, &mut down);
    let _ = down.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}

/// The next request of a connection, its body included.
fn request(reader: &mut impl BufRead) -> io::Result<Option<(String, Vec<u8>)>> {
    let (mut first, mut bytes, mut length) = (String::new(), Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        bytes.extend(line.bytes());
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if first.is_empty() {
            first = line;
        } else if line.trim().is_empty() {
            break;
        }
    }
    let head = bytes.len();
    bytes.resize(head + length, 0);
    reader.read_exact(&mut bytes[head..])?;
    Ok(Some((first.trim().to_owned(), bytes)))
}

impl Asked {
    /// The key asked for, as etcd has it.
    pub(crate) fn key(&self) -> &str {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default().trim_start_matches("/v2/keys")
    }

    /// True for a request that waits for a change.
    pub(crate) fn is_poll(&self) -> bool {
        self.line.contains("wait=true")
    }

    /// What the real etcd says: head and body.
    pub(crate) fn truth(&self) -> io::Result<(String, String)> {
        let mut etcd = TcpStream::connect(SocketAddr::from(self.etcd))?;
        let text = String::from_utf8_lossy(&self.bytes).replacen("\r\n", "\r\nConnection: close\r\n", 1);
        etcd.write_all(text.as_bytes())?;
        let mut answer = String::new();
        etcd.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        // Long answers come in chunks, of which these tests need no more than one.
        let body = match head.contains("chunked") {
            true => body
                .split_once("\r\n")
                .map_or("", |(_, rest)| rest.trim_end().trim_end_matches("0"))
                .trim_end(),
            false => body,
        };
        let kept = |line: &&str| line.starts_with("HTTP/") || line.starts_with("X-Etcd");
        let head: Vec<&str> = head.lines().filter(kept).collect();
        Ok((head.join("\r\n"), body.to_owned()))
    }
}
