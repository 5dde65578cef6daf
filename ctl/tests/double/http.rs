//! As much of HTTP/1.1 as the double needs: requests with a length, answers with a length, connections kept.

use std::io::{BufRead, BufReader, Read, Write};

/// One request.
pub(crate) struct Request {
    /// `GET` and so on.
    pub(crate) method: String,
    /// Below `/fleet/v1/`, percent signs resolved, without the query.
    pub(crate) path: String,
    /// Behind the question mark, percent signs resolved.
    pub(crate) query: String,
    /// The body.
    pub(crate) body: String,
    /// Values of `Content-Type`.
    pub(crate) content_type: String,
}

/// One answer.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body, JSON.
    pub(crate) body: String,
}

impl Answer {
    /// A refusal in the API's form.
    pub(crate) fn refusal(status: u16, message: &str) -> Self {
        let body = format!("{{\"error\":{{\"code\":{status},\"message\":{message:?}}}}}");
        Self { status, body }
    }
}

/// Answers every request of one connection.
pub(crate) fn serve<S: Read + Write>(stream: S, answer: impl Fn(&Request) -> Answer) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        let Answer { status, body } = answer(&request);
        let head = format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let body = if status == 204 { "" } else { &body };
        if stream.get_mut().write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
        let _ = stream.get_mut().flush();
    }
}

fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_owned();
    let target = words.next()?.to_owned();
    let (mut length, mut content_type) = (0, String::new());
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "content-type" => content_type = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = resolved(path.strip_prefix("/fleet/v1/").unwrap_or("outside"));
    Some(Request { method, path, query: resolved(query), body: String::from_utf8(body).ok()?, content_type })
}

fn resolved(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}
