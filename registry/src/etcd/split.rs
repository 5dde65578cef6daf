//! Cuts an etcd answer into its innermost JSON objects, from any reader and without holding more than one of them. In
//! etcd's v2 answers those are exactly the leaf nodes and the empty directories. What they mean is for `leaf`.

use std::io::{self, Read};

use cluster::limits::{JSON_DEPTH_MAX, REGISTRY_LEAF_MAX_BYTES};

/// Bytes asked of the reader at a time.
const CHUNK_BYTES: usize = 1024;
/// As much of a member name of the outermost object as is kept; etcd's are `action`, `node` and `prevNode`.
const MEMBER_MAX_BYTES: usize = 16;

/// Why an answer could not be cut.
#[derive(Debug)]
pub(super) enum SplitError {
    /// The reader failed.
    Source(io::Error),
    /// The reader ended in the middle of the answer, or before it.
    CutShort,
    /// One object is larger than [`REGISTRY_LEAF_MAX_BYTES`]; how it begins.
    TooLarge(Vec<u8>),
    /// More than [`JSON_DEPTH_MAX`] levels.
    TooDeep,
    /// Something that is not JSON.
    NotJson(&'static str),
}

/// One innermost object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// From `{` to `}`.
    pub(super) bytes: &'a [u8],
    /// How many objects and arrays it lies in, itself included.
    pub(super) depth: usize,
    /// The member of the outermost object that it lies in.
    pub(super) member: &'a [u8],
}

/// The cutter. After an error it must not be used any further.
pub(super) struct Splitter<R> {
    source: R,
    chunk: [u8; CHUNK_BYTES],
    next: usize,
    filled: usize,
    /// The object that may turn out to be an innermost one.
    object: Vec<u8>,
    /// The depth of that object; 0 while there is none.
    object_depth: usize,
    /// One bit per level, the innermost lowest: set for an object, clear for an array.
    levels: u64,
    depth: usize,
    member: heapless::Vec<u8, MEMBER_MAX_BYTES>,
    in_string: bool,
    escaped: bool,
    started: bool,
}

// One bit of `levels` for each level.
const _: () = assert!(JSON_DEPTH_MAX <= 64);

impl<R: Read> Splitter<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            chunk: [0; CHUNK_BYTES],
            next: 0,
            filled: 0,
            object: Vec::new(),
            object_depth: 0,
            levels: 0,
            depth: 0,
            member: heapless::Vec::new(),
            in_string: false,
            escaped: false,
            started: false,
        }
    }

    /// Whether any part of the answer was seen.
    pub(super) fn started(&self) -> bool {
        self.started
    }

    /// The next innermost object. `None` once the answer is whole and the reader has been read to its end, which is
    /// what lets its connection be used again.
    pub(super) fn next(&mut self) -> Result<Option<Object<'_>>, SplitError> {
        loop {
            if self.next == self.filled && !self.refill()? {
                return if self.started && self.depth == 0 { Ok(None) } else { Err(SplitError::CutShort) };
            }
            if self.in_string {
                self.string()?;
            } else if self.step()? {
                let depth = self.depth + 1;
                return Ok(Some(Object { bytes: &self.object, depth, member: &self.member }));
            }
        }
    }

    fn refill(&mut self) -> Result<bool, SplitError> {
        self.next = 0;
        self.filled = 0;
        loop {
            match self.source.read(&mut self.chunk) {
                Ok(count) => {
                    self.filled = count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SplitError::Source(error)),
            }
        }
    }

    /// Takes what the chunk holds of a string, its closing quote included.
    fn string(&mut self) -> Result<(), SplitError> {
        let rest = self.chunk.get(self.next..self.filled).unwrap_or_default();
        let mut taken = 0;
        for &byte in rest {
            taken += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    break;
                }
                0..=0x1f => return Err(SplitError::NotJson("a control character in a string")),
                _ => {}
            }
        }
        let part = rest.get(..taken).unwrap_or_default();
        self.next += taken;
        if self.depth == 1 {
            for &byte in part.iter().take_while(|byte| **byte != b'"') {
                // A longer name than etcd has is none that anybody compares it with: its beginning will do.
                let _ = self.member.push(byte);
            }
        }
        if self.object_depth > 0 {
            append(&mut self.object, part)?;
        }
        Ok(())
    }

    /// Takes one byte outside of strings; `true` when it ended an innermost object.
    fn step(&mut self) -> Result<bool, SplitError> {
        let byte = self.chunk.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return Ok(false),
            _ if self.depth == 0 && self.started => return Err(SplitError::NotJson("more after its end")),
            b'{' => self.open_object()?,
            _ if self.depth == 0 => return Err(SplitError::NotJson("no object at its start")),
            b'[' => self.deeper(false)?,
            b'}' => return self.close_object(),
            b']' => self.close(false)?,
            b'"' => {
                self.in_string = true;
                if self.depth == 1 {
                    self.member.clear();
                }
            }
            b',' | b':' | b'-' | b'+' | b'.' | b'E' | b'0'..=b'9' | b'a'..=b'z' => {}
            _ => return Err(SplitError::NotJson("a character that belongs in a string")),
        }
        if self.object_depth > 0 {
            append(&mut self.object, &[byte])?;
        }
        Ok(false)
    }

    fn open_object(&mut self) -> Result<(), SplitError> {
        self.deeper(true)?;
        self.started = true;
        // What was collected so far is an object around this one: no leaf.
        self.object.clear();
        self.object_depth = self.depth;
        Ok(())
    }

    fn close_object(&mut self) -> Result<bool, SplitError> {
        let innermost = self.object_depth == self.depth;
        self.close(true)?;
        if innermost {
            self.object_depth = 0;
            append(&mut self.object, b"}")?;
        }
        Ok(innermost)
    }

    fn deeper(&mut self, object: bool) -> Result<(), SplitError> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(SplitError::TooDeep);
        }
        self.depth += 1;
        self.levels = self.levels << 1 | u64::from(object);
        Ok(())
    }

    fn close(&mut self, object: bool) -> Result<(), SplitError> {
        if (self.levels & 1 == 1) != object {
            return Err(SplitError::NotJson("brackets that do not match"));
        }
        self.levels >>= 1;
        self.depth -= 1;
        Ok(())
    }
}

fn append(object: &mut Vec<u8>, part: &[u8]) -> Result<(), SplitError> {
    if object.len() + part.len() > REGISTRY_LEAF_MAX_BYTES {
        object.truncate(CHUNK_BYTES);
        return Err(SplitError::TooLarge(core::mem::take(object)));
    }
    object.extend_from_slice(part);
    Ok(())
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
