//! A server that answers as a script says, for what a healthy etcd never does. It keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes and keeps the connection.
    Send(String),
    /// Sends these bytes and closes the connection.
    SendAndClose(String),
    /// Reads the request and closes the connection without a word.
    Close,
    /// Sends these bytes and then nothing more until the client gives up.
    SendAndHang(String),
}

/// A running server; its thread ends with the test program.
pub(crate) struct Scripted {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Plays the script over as many connections as the client makes; after its end every request is closed on.
    pub(crate) fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let script = Arc::new(Mutex::new(script.into_iter()));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                std::thread::spawn(move || {
                    // A client that goes away ends its own connection only.
                    let _ = serve(number + 1, stream.unwrap(), &seen, || script.lock().unwrap().next());
                });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `<number of the connection> <request line> <body>` of every request so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    number: usize,
    stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    next: impl Fn() -> Option<Reply>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader)? {
        seen.lock().unwrap().push(format!("{number} {request}"));
        match next() {
            Some(Reply::Send(bytes)) => writer.write_all(bytes.as_bytes())?,
            Some(Reply::SendAndClose(bytes)) => {
                writer.write_all(bytes.as_bytes())?;
                return writer.shutdown(Shutdown::Both);
            }
            Some(Reply::SendAndHang(bytes)) => {
                writer.write_all(bytes.as_bytes())?;
                // Until the client closes.
                return reader.read(&mut [0]).map(drop);
            }
            Some(Reply::Close) | None => return writer.shutdown(Shutdown::Both),
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let first = first.trim().trim_end_matches(" HTTP/1.1");
    Ok(Some(format!("{first} {}", String::from_utf8_lossy(&body)).trim().to_owned()))
}

/// An answer as etcd gives it.
pub(crate) fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Etcd-Cluster-Id: 7\r\nX-Etcd-Index: 5\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The head and the first chunk of an answer that is not ended.
pub(crate) fn beginning(body: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\nX-Etcd-Index: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    if body.is_empty() { head.to_owned() } else { format!("{head}{:x}\r\n{body}\r\n", body.len()) }
}

/// The end of such an answer.
pub(crate) const END: &str = "0\r\n\r\n";
