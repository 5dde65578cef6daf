//! `fd-forward`: the far end of a tunnel. Standard input and output are joined to a unix socket, each direction on its
//! own: the end of one is passed on, and the other goes on.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;

use argh::{ArgsInfo, FromArgs};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::dup2_stdout;

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};

/// join standard input and output to a unix socket
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "fd-forward")]
#[argh(
    note = "Runs on the far end of --tunnel, where it is started over ssh. The end of standard input is passed on to"
)]
#[argh(note = "the socket, the end of the socket to standard output; it ends when both have.")]
pub(crate) struct FdForward {
    /// path of the socket
    #[argh(positional, arg_name = "socket")]
    pub(crate) sockets: Vec<String>,
}

/// Bytes carried at once.
const PIECE_BYTES: usize = 16 * 1024;

impl FdForward {
    pub(super) fn run(&self, _: &Context<'_>) -> Ended {
        let [path] = self.sockets.as_slice() else {
            return Err(Failure::usage("Error: fd-forward needs the path of one socket"));
        };
        let trouble = |e: io::Error| Failure::new(format_args!("Unable to connect to {path}: {e}"));
        let socket = UnixStream::connect(path).map_err(trouble)?;
        let inward = socket.try_clone().map_err(trouble)?;
        let (sender, input_ended) = UnixStream::pair().map_err(trouble)?;
        thread::spawn(move || {
            // A socket that takes no more has its reasons; what it still says is worth printing.
            let _ = carry(&mut io::stdin().lock(), &mut &inward);
            let _ = inward.shutdown(Shutdown::Write);
            drop(sender);
        });
        match carry(&mut &socket, &mut io::stdout().lock()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                return Err(Failure::new(format_args!("forward {path}: {e}")));
            }
            Err(_) => return Ok(Exit::Ok),
            Ok(()) => end_output().map_err(trouble)?,
        }
        await_end(&socket, &input_ended).map_err(trouble)?;
        Ok(Exit::Ok)
    }
}

/// Carries what there is until it ends.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let amount = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(amount) => amount,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(e) => return Err(e),
        };
        to.write_all(piece.get(..amount).unwrap_or_default())?;
        to.flush()?;
    }
}

/// Waits until standard input has ended, or until nobody listens on the other end of the socket: the end of what it
/// said may be half an end only.
fn await_end(socket: &UnixStream, input_ended: &UnixStream) -> io::Result<()> {
    let mut fds = [
        PollFd::new(socket.as_fd(), PollFlags::empty()),
        PollFd::new(input_ended.as_fd(), PollFlags::POLLIN),
    ];
    loop {
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => {}
            looked => return looked.map(drop).map_err(io::Error::from),
        }
    }
}

/// Lets whoever reads standard output see its end.
fn end_output() -> io::Result<()> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    dup2_stdout(nowhere)?;
    Ok(())
}
