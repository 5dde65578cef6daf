//! The same writes over HTTP, by the same client to the store and to a real etcd: one kept connection for each writer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;

use http_server::{Listener, Options};
use store::engine::Engine;
use store::http::{Face, limits};
use tests::etcd::{Etcd, EtcdOptions};

/// Writes to a store served over HTTP, as the agent serves it.
pub(super) fn of_store(engine: &Engine, writers: usize, each: u32) -> Result<f64, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Listener::tcp(address).map_err(|error| error.to_string())?;
    let address = listener.tcp_address().ok_or("no address to ask at")?;
    let (end, ended) = smol::channel::bounded::<()>(1);
    let engine = engine.clone();
    let server = std::thread::spawn(move || {
        let face = Face::new(engine, format!("http://{address}"));
        let options = Options {
            server_name: String::new(),
            limits: limits(),
            notify: Box::new(|notice| eprintln!("http: {notice}")),
        };
        let handler = async |request, _| face.answer(request).await;
        // The channel is closed, never written to.
        let stop = async { while ended.recv().await.is_ok() {} };
        smol::block_on(http_server::serve(vec![listener], options, handler, stop));
    });
    let measured = at(address, writers, each);
    drop(end);
    server.join().map_err(|_| "the server of the store panicked")?;
    measured
}

/// Writes to an etcd with its data in the folder.
pub(super) fn of_etcd(folder: &Path, writers: usize, each: u32) -> Result<f64, String> {
    let place = folder.join("etcd");
    let options = EtcdOptions { folder: Some(place.clone()), ..EtcdOptions::default() };
    let etcd = Etcd::start_with(options).map_err(|failure| failure.to_string())?;
    let (ip, port): (IpAddr, u16) = etcd.client_address();
    let measured = at(SocketAddr::from((ip, port)), writers, each);
    drop(etcd);
    std::fs::remove_dir_all(&place).map_err(|cause| format!("remove {}: {cause}", place.display()))?;
    measured
}

fn at(address: SocketAddr, writers: usize, each: u32) -> Result<f64, String> {
    let write = |writer: usize| {
        move || match write_all(address, writer, each) {
            Ok(()) => true,
            Err(cause) => {
                eprintln!("write to {address}: {cause}");
                false
            }
        }
    };
    super::together(writers, each, write, || {})
}

fn write_all(address: SocketAddr, writer: usize, each: u32) -> io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    let body = format!("value={}", "v".repeat(super::VALUE_BYTES));
    for number in 0..each {
        let request = format!(
            "PUT /v2/keys/{writer}/{} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            number % 50,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes())?;
        answer(&mut stream)?;
    }
    Ok(())
}

/// Reads one whole answer, which has to be that of a write that was done.
fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let (mut line, mut length, mut is_done) = (String::new(), 0, false);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let text = line.trim_end().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        is_done |= text.starts_with("http/1.1 20");
        if let Some(bytes) = text.strip_prefix("content-length:") {
            length = bytes.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    if is_done { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&body).into_owned())) }
}
