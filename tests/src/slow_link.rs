//! A forwarder that plays a slow network: what passes is held back for as long as is set at the moment, in the order it
//! came; or one of which only one direction is left. This kernel's own means (netem) are not in every kernel.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::wait::{hold_back, since_epoch};

/// Bytes, and when they are to be passed on, since 1970.
type Parcel = (Duration, Vec<u8>);

/// What is done to the bytes that pass.
#[derive(Debug, Default)]
struct State {
    delay_ms: AtomicU64,
    is_deaf: AtomicBool,
}

/// A running forwarder to one address; it serves for as long as the process lives.
#[derive(Debug)]
pub struct SlowLink {
    address: SocketAddr,
    state: Arc<State>,
}

impl SlowLink {
    /// Listens on a free port of the same address, without any delay yet.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn to(server: (IpAddr, u16)) -> Outcome<Self> {
        let trouble = |cause: std::io::Error| Failure::during("start a slow link", cause);
        let listener = TcpListener::bind((server.0, 0)).map_err(trouble)?;
        let address = listener.local_addr().map_err(trouble)?;
        let state = Arc::<State>::default();
        let theirs = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be passed on is closed, and its client tells.
                let _ = serve(client, server.into(), &theirs);
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens, as a URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds everything back for this long from now on, in each direction.
    pub fn delay(&self, each_way: Duration) {
        self.state.delay_ms.store(u64::try_from(each_way.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Loses every answer from now on, or no longer. What is asked arrives all the same.
    pub fn lose_answers(&self, lost: bool) {
        self.state.is_deaf.store(lost, Ordering::SeqCst);
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

fn serve(client: TcpStream, server: SocketAddr, state: &Arc<State>) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (back_from, back_to) = (server.try_clone()?, client.try_clone()?);
    for (way, from, to) in [(Way::There, client, server), (Way::Back, back_from, back_to)] {
        let (sender, receiver) = channel();
        let state = Arc::clone(state);
        thread::spawn(move || take(way, from, &sender, &state));
        thread::spawn(move || deliver(to, &receiver));
    }
    Ok(())
}

fn take(way: Way, mut from: TcpStream, parcels: &Sender<Parcel>, state: &State) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if way == Way::Back && state.is_deaf.load(Ordering::SeqCst) {
            continue;
        }
        let due = since_epoch() + Duration::from_millis(state.delay_ms.load(Ordering::SeqCst));
        let bytes = buffer.get(..count).unwrap_or_default().to_vec();
        if parcels.send((due, bytes)).is_err() {
            break;
        }
    }
}

fn deliver(mut to: TcpStream, parcels: &Receiver<Parcel>) {
    for (due, bytes) in parcels {
        hold_back(due.saturating_sub(since_epoch()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::Stopwatch;

    #[test]
    fn bytes_arrive_in_order_and_late() {
        let echo = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = echo.local_addr().unwrap();
        thread::spawn(move || {
            let (stream, _) = echo.accept().unwrap();
            std::io::copy(&mut stream.try_clone().unwrap(), &mut &stream)
        });
        let link = SlowLink::to((address.ip(), address.port())).unwrap();
        let mut stream = TcpStream::connect(link.address).unwrap();
        link.delay(Duration::from_millis(30));
        let watch = Stopwatch::start();
        stream.write_all(b"one").unwrap();
        stream.write_all(b"two").unwrap();
        let mut back = [0; 6];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"onetwo");
        assert!(watch.elapsed() >= Duration::from_millis(60), "{:?}", watch.elapsed());
    }
}
