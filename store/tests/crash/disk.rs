//! A disk in memory that can lose power: it remembers every write, and makes from them what a disk may hold after a cut
//! at any of them. What was synced is there; of what was not, each write may be there, or not, or in part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;
use store::folder::Folder;

/// The unit a real disk writes whole.
const SECTOR: usize = 512;

/// Something done to the disk.
#[derive(Clone, Debug)]
enum Step {
    /// File, offset, bytes.
    Write(u64, u64, Vec<u8>),
    SetLen(u64, u64),
    Sync(u64),
    /// A name begins to mean a file, and another one stops meaning anything.
    Name(String, u64, Option<String>),
}

/// Files by number, names for them: what lies on a disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    files: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<String, u64>,
}

impl Image {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write(file, offset, bytes) => {
                let offset = usize::try_from(*offset).unwrap();
                let content = self.files.entry(*file).or_default();
                content.resize(content.len().max(offset + bytes.len()), 0);
                content[offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Step::SetLen(file, length) => {
                self.files.entry(*file).or_default().resize(usize::try_from(*length).unwrap(), 0);
            }
            Step::Sync(_) => {}
            Step::Name(name, file, old) => {
                self.files.entry(*file).or_default();
                self.names.insert(name.clone(), *file);
                if let Some(old) = old {
                    self.names.remove(old);
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        self.names.values().filter_map(|file| self.files.get(file)).map(Vec::len).sum()
    }
}

struct State {
    now: Image,
    start: Image,
    steps: Vec<Step>,
    next_file: u64,
    /// Most bytes the disk takes.
    room: usize,
}

/// The disk, and a folder on it.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    pub(crate) fn new(start: Image) -> Self {
        let next_file = start.files.keys().max().map_or(0, |file| file + 1);
        let state = State { now: start.clone(), start, steps: Vec::new(), next_file, room: usize::MAX };
        Self(Arc::new(Mutex::new(state)))
    }

    /// How many steps there were.
    pub(crate) fn steps(&self) -> usize {
        self.0.lock().unwrap().steps.len()
    }

    /// From now on the disk takes that many bytes more than it holds.
    pub(crate) fn leave_room(&self, bytes: usize) {
        let mut state = self.0.lock().unwrap();
        state.room = state.now.bytes().saturating_add(bytes);
    }

    /// Bytes of all files that have names.
    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().unwrap().now.bytes()
    }

    /// Makes images of the disk for later and later cuts.
    pub(crate) fn cutter(&self) -> Cutter {
        let state = self.0.lock().unwrap();
        let safe_from = safe_from(&state.steps);
        Cutter { image: state.start.clone(), steps: state.steps.clone(), safe_from, settled: 0 }
    }
}

/// For each step the one after which it does not matter any more when the power is cut: it was synced, or its file has
/// no name any more.
fn safe_from(steps: &[Step]) -> Vec<usize> {
    let mut safe_from = vec![usize::MAX; steps.len()];
    let mut gone = BTreeSet::new();
    let mut names = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        let settled = match step {
            Step::Write(file, ..) | Step::SetLen(file, _) if gone.contains(file) => Some(*file),
            Step::Write(..) | Step::SetLen(..) => None,
            Step::Sync(file) => Some(*file),
            Step::Name(name, file, _) => names.insert(name.clone(), *file).filter(|old| gone.insert(*old)),
        };
        if matches!(step, Step::Sync(_) | Step::Name(..)) {
            safe_from[at] = at;
        }
        for (number, earlier) in steps[..=at].iter().enumerate().rev() {
            let (Step::Write(file, ..) | Step::SetLen(file, _)) = earlier else { continue };
            if Some(*file) != settled {
                continue;
            }
            if safe_from[number] != usize::MAX {
                break;
            }
            safe_from[number] = at;
        }
    }
    safe_from
}

/// What a disk holds after a cut.
pub(crate) struct Cutter {
    /// With all steps before `settled`, which no cut from here on can undo.
    image: Image,
    steps: Vec<Step>,
    safe_from: Vec<usize>,
    settled: usize,
}

impl Cutter {
    /// What the disk may hold if the power fails during a step; chance decides what becomes of all that is not synced.
    pub(crate) fn cut(&mut self, at: usize, mut chance: impl FnMut() -> u64) -> Image {
        while self.settled < at && self.is_safe(self.settled, at) {
            self.image.apply(&self.steps[self.settled]);
            self.settled += 1;
        }
        let mut image = self.image.clone();
        for number in self.settled..=at {
            let step = &self.steps[number];
            if number < at && self.is_safe(number, at) {
                image.apply(step);
            } else {
                apply_torn(&mut image, step, &mut chance);
            }
        }
        image
    }

    /// True if a step is on disk for good before another one begins. Names are once their call has returned.
    fn is_safe(&self, number: usize, at: usize) -> bool {
        self.safe_from[number] < at
    }
}

fn apply_torn(image: &mut Image, step: &Step, chance: &mut impl FnMut() -> u64) {
    match (chance() % 3, step) {
        (0, _) => {}
        (1, Step::Write(file, offset, bytes)) => {
            for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                // Now and then even a sector is cut.
                let kept = if chance().is_multiple_of(8) { sector.len() / 2 } else { sector.len() };
                if chance().is_multiple_of(2) {
                    let at = offset + u64::try_from(number * SECTOR).unwrap();
                    image.apply(&Step::Write(*file, at, sector[..kept].to_vec()));
                }
            }
        }
        _ => image.apply(step),
    }
}

impl State {
    fn take(&mut self, step: Step) -> io::Result<()> {
        let mut after = None;
        if let Step::Write(file, offset, bytes) = &step {
            after = Some((*file, usize::try_from(*offset).unwrap() + bytes.len()));
        } else if let Step::SetLen(file, length) = &step {
            after = Some((*file, usize::try_from(*length).unwrap()));
        }
        if let Some((file, length)) = after {
            let growth = length.saturating_sub(self.now.files.get(&file).map_or(0, Vec::len));
            if growth > 0 && self.now.bytes() + growth > self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        self.now.apply(&step);
        self.steps.push(step);
        Ok(())
    }
}

impl Folder for Disk {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn StorageBackend>>> {
        let file = self.0.lock().unwrap().now.names.get(name).copied();
        Ok(file.map(|file| Box::new(OpenFile { disk: self.clone(), file }) as Box<dyn StorageBackend>))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        let mut state = self.0.lock().unwrap();
        let file = state.next_file;
        state.next_file += 1;
        state.take(Step::Name(name.to_owned(), file, None))?;
        Ok(Box::new(OpenFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let file = *state.now.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.take(Step::Name(to.to_owned(), file, Some(from.to_owned())))
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

#[derive(Debug)]
struct OpenFile {
    disk: Disk,
    file: u64,
}

impl StorageBackend for OpenFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.0.lock().unwrap();
        Ok(state.now.files.get(&self.file).map_or(0, |content| content.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.disk.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let content =
            state.now.files.get(&self.file).and_then(|content| content.get(offset..offset + out.len()));
        out.copy_from_slice(content.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.0.lock().unwrap().take(Step::SetLen(self.file, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.0.lock().unwrap().take(Step::Sync(self.file))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.0.lock().unwrap().take(Step::Write(self.file, offset, data.to_vec()))
    }
}
