//! The chunked transfer coding of a request body, undone byte by byte: CRLF and nothing else ends a line, sizes are hex
//! digits only, extensions and trailers are skipped within a bound.

use super::head::Refusal;
use super::status::Status;

/// Most bytes of extensions and trailers in one body.
const SKIPPED_MAX_BYTES: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a size; the count of those seen.
    Size(u8),
    /// Between a size and the end of its line.
    Extension,
    /// Behind the CR of a size line.
    SizeLineFeed,
    /// In a chunk.
    Data,
    /// Behind a chunk.
    DataReturn,
    DataLineFeed,
    /// At the beginning of a trailer line, or of the empty line that ends the body.
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    LastLineFeed,
    Done,
}

/// How far a chunked body was read.
#[derive(Clone, Debug)]
pub(super) struct Dechunker {
    state: State,
    chunk_left_bytes: usize,
    skipped_bytes: usize,
    body_max_bytes: usize,
}

impl Dechunker {
    pub(super) fn new(body_max_bytes: usize) -> Self {
        Self { state: State::Size(0), chunk_left_bytes: 0, skipped_bytes: 0, body_max_bytes }
    }

    /// True once the whole body was read.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what belongs to the body from `input`, appends its content to `body` and tells how much it took: all,
    /// unless the body ended.
    pub(super) fn feed(&mut self, input: &[u8], body: &mut Vec<u8>) -> Result<usize, Refusal> {
        let mut rest = input;
        while let Some((&byte, after)) = rest.split_first() {
            match self.state {
                State::Done => break,
                State::Data => {
                    let (data, after) = rest.split_at(rest.len().min(self.chunk_left_bytes));
                    body.extend_from_slice(data);
                    self.chunk_left_bytes -= data.len();
                    if self.chunk_left_bytes == 0 {
                        self.state = State::DataReturn;
                    }
                    rest = after;
                }
                _ => {
                    self.state = self.step(byte, body.len())?;
                    rest = after;
                }
            }
        }
        Ok(input.len() - rest.len())
    }

    fn step(&mut self, byte: u8, body_bytes: usize) -> Result<State, Refusal> {
        let malformed = Err(Refusal::bad("malformed chunked body"));
        match (self.state, byte) {
            (State::Size(digits), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(digits, byte),
            (State::Size(1..), b'\r') => Ok(State::SizeLineFeed),
            (State::Size(1..), b';' | b' ' | b'\t') => Ok(State::Extension),
            (State::Extension, b'\r') => Ok(State::SizeLineFeed),
            (State::SizeLineFeed, b'\n') if self.chunk_left_bytes == 0 => Ok(State::TrailerStart),
            (State::SizeLineFeed, b'\n')
                if self.chunk_left_bytes <= self.body_max_bytes.saturating_sub(body_bytes) =>
            {
                Ok(State::Data)
            }
            (State::SizeLineFeed, b'\n') => {
                Err(Refusal::new(Status::ContentTooLarge, "request body too large"))
            }
            (State::DataReturn, b'\r') => Ok(State::DataLineFeed),
            (State::DataLineFeed, b'\n') => Ok(State::Size(0)),
            (State::TrailerStart, b'\r') => Ok(State::LastLineFeed),
            (State::Trailer, b'\r') => Ok(State::TrailerLineFeed),
            (State::TrailerLineFeed, b'\n') => Ok(State::TrailerStart),
            (State::LastLineFeed, b'\n') => Ok(State::Done),
            (_, b'\r' | b'\n' | 0) => malformed,
            (state @ (State::Extension | State::Trailer), _) => self.skip(state),
            (State::TrailerStart, _) => self.skip(State::Trailer),
            _ => malformed,
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<State, Refusal> {
        let value = char::from(byte).to_digit(16).and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
        let so_far = if digits == 0 { 0 } else { self.chunk_left_bytes };
        if digits == 8 {
            return Err(Refusal::new(Status::ContentTooLarge, "request body too large"));
        }
        self.chunk_left_bytes = so_far * 16 + value;
        Ok(State::Size(digits + 1))
    }

    fn skip(&mut self, state: State) -> Result<State, Refusal> {
        self.skipped_bytes += 1;
        if self.skipped_bytes > SKIPPED_MAX_BYTES {
            return Err(Refusal::bad("chunk extensions or trailers too long"));
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dechunker, SKIPPED_MAX_BYTES};

    /// Fed whole and byte by byte; both must agree. The body and what is left over, or the status of the refusal.
    fn decode(input: &[u8]) -> Result<(Vec<u8>, Vec<u8>, bool), u16> {
        let whole = feed(input, input.len().max(1));
        assert_eq!(whole, feed(input, 1), "{:?}", String::from_utf8_lossy(input));
        whole
    }

    fn feed(input: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, bool), u16> {
        let mut dechunker = Dechunker::new(100);
        let (mut body, mut taken) = (Vec::new(), 0);
        for piece in input.chunks(step) {
            taken += dechunker.feed(piece, &mut body).map_err(|refusal| refusal.status.code())?;
        }
        Ok((body, input[taken..].to_vec(), dechunker.is_done()))
    }

    #[test]
    fn joins_chunks_and_leaves_what_follows() {
        let decoded = decode(b"5\r\nhello\r\n01;x=\"y\"\r\n!\r\n0\r\nA: b\r\n\r\nGET /").unwrap();
        assert_eq!(decoded, (b"hello!".to_vec(), b"GET /".to_vec(), true));
        assert_eq!(decode(b"0\r\n\r\n").unwrap(), (vec![], vec![], true));
        assert_eq!(decode(b"5\r\nhel").unwrap(), (b"hel".to_vec(), vec![], false));
        assert_eq!(decode(b"").unwrap(), (vec![], vec![], false));
    }

    #[test]
    fn refuses_all_that_is_not_the_coding() {
        for input in [
            &b"\r\n"[..],
            b"5\nhello\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b" 1\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n",
            b"1\r\naa",
            b"0\r\n\n",
            b"0\r\na\n",
            b"0\r\na\r\r",
            b"1;\n",
            b"1\0\r\n",
            b"1;\0\r\n",
            b"\xff",
        ] {
            assert_eq!(decode(input).unwrap_err(), 400, "{:?}", String::from_utf8_lossy(input));
        }
    }

    #[test]
    fn keeps_to_its_bounds() {
        assert_eq!(decode(b"65\r\n").unwrap_err(), 413);
        assert_eq!(decode(&[&b"64\r\n"[..], &[b'x'; 100], b"\r\n1\r\n"].concat()).unwrap_err(), 413);
        assert_eq!(decode(b"fffffffff\r\n").unwrap_err(), 413);
        assert_eq!(decode(&[&b"1;"[..], &[b'x'; SKIPPED_MAX_BYTES + 1]].concat()).unwrap_err(), 400);
        assert_eq!(decode(&[&b"0\r\n"[..], &b"a: b\r\n".repeat(300)].concat()).unwrap_err(), 400);
    }
}
