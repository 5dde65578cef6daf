//! The agent's own store: requests to its HTTP face, the records of its file, and the file itself with some of its bytes
//! changed. What is read is the same after it was written and read again; a file is opened or refused in words.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use arbitrary::{Arbitrary, Unstructured};
use http_server::{Method, Request};
use redb::StorageBackend;
use registry::etcd::fuzz::nodes;
use store::Clocks;
use store::engine::{Durability, Engine, Options};
use store::folder::Folder;
use store::fuzz::{Asked, asked, carried_out, spelled, target};
use store::keyspace::{Command, Content, Keyspace, clean, done, expired};

use crate::{one_of, said};

/// What the first byte picks: `requests`, `records`.
pub fn check(bytes: &[u8]) {
    one_of(&[requests, records], bytes);
}

#[derive(Arbitrary, Debug)]
struct Given {
    method: u8,
    target: String,
    form: Option<String>,
    moment: u32,
}

const METHODS: [Method; 5] = [Method::Get, Method::Put, Method::Post, Method::Delete, Method::Head];

/// Requests, one after the other, and the keyspace they make.
fn requests(bytes: &[u8]) {
    let Ok(given) = Vec::<Given>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let mut keyspace = Keyspace::new(7);
    let mut records = Vec::new();
    let mut now = 0;
    keyspace
        .save::<()>(|record| {
            records.push(record.to_vec());
            Ok(())
        })
        .unwrap();
    for one in given {
        now += i64::from(one.moment);
        let Some((path, query)) = target(&one.target) else { continue };
        let (canonical, encoded) = spelled(&path);
        assert_eq!(spelled(&canonical).0, canonical);
        assert_eq!(target(&encoded), Some((path.clone(), "")));
        let request = Request {
            method: METHODS[usize::from(one.method) % METHODS.len()].clone(),
            target: one.target.clone(),
            path: Vec::new(),
            query: Vec::new(),
            content_types: vec!["application/x-www-form-urlencoded".to_owned()],
            body: one.form.unwrap_or_default().into_bytes(),
        };
        match asked(&request, &path, query, now) {
            Err(message) => assert!(!message.is_empty()),
            Ok(Err(refusal)) => assert!(refusal.code.number() >= 100),
            Ok(Ok(question)) => answered(question, &mut keyspace, &mut records, now),
        }
    }
    let mut again = Keyspace::new(0);
    records.iter().for_each(|record| drop(again.restore(record).unwrap()));
    assert_eq!(saved(&again), saved(&keyspace));
}

fn answered(question: Asked, keyspace: &mut Keyspace, records: &mut Vec<Vec<u8>>, now: i64) {
    let path = match &question {
        Asked::Get { path, .. } | Asked::Watch { path, .. } => Some(path.clone()),
        Asked::Write(command) => {
            records.push(done(command, now));
            None
        }
    };
    if let Some(path) = path {
        assert_eq!(clean(&path), path);
    }
    let is_read = matches!(question, Asked::Get { .. });
    match carried_out(question, keyspace, now) {
        Ok(text) if text.is_empty() => {}
        // What the store words, the registry's client reads.
        Ok(text) => match nodes(text.as_bytes()) {
            Ok(_) => {}
            // The root alone has no key, and no more levels are read than JSON_DEPTH_MAX.
            Err(message) => assert!(is_read || message.contains("levels deep"), "{message}: {text}"),
        },
        Err(text) => {
            assert!(cluster::json::decode::<serde::de::IgnoredAny>(text.as_bytes()).is_ok(), "{text}")
        }
    }
    while keyspace.expire(now).is_some() {}
    records.push(expired(now));
}

fn saved(keyspace: &Keyspace) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    keyspace
        .save::<()>(|record| {
            records.push(record.to_vec());
            Ok(())
        })
        .unwrap();
    records
}

/// Records, as a file holds them: unreadable, or a keyspace that is the same after it was written and read again.
fn records(bytes: &[u8]) {
    let Ok(records) = Vec::<Vec<u8>>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let mut keyspace = Keyspace::new(7);
    for record in &records {
        if keyspace.restore(record).is_err() {
            return;
        }
    }
    let first = saved(&keyspace);
    let mut again = Keyspace::new(0);
    for record in &first {
        again.restore(record).unwrap_or_else(|_| panic!("{record:?} of {records:?}"));
    }
    assert_eq!(saved(&again), first);
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, Bytes>>>);

type Bytes = Arc<Mutex<Vec<u8>>>;

#[derive(Debug)]
struct Opened(Bytes);

impl Folder for Memory {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn StorageBackend>>> {
        let content = self.0.lock().unwrap().get(name).map(Arc::clone);
        Ok(content.map(|content| Box::new(Opened(content)) as Box<dyn StorageBackend>))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        let content = Bytes::default();
        self.0.lock().unwrap().insert(name.to_owned(), Arc::clone(&content));
        Ok(Box::new(Opened(content)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let content = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// Larger than any file of a test; a real disk ends somewhere, too.
const ROOM_BYTES: u64 = 64 << 20;

impl StorageBackend for Opened {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let content = self.0.lock().unwrap();
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let part = start.checked_add(out.len()).and_then(|end| content.get(start..end));
        out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if length > ROOM_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.lock().unwrap().resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let end = offset.checked_add(data.len() as u64).filter(|end| *end <= ROOM_BYTES);
        let end = usize::try_from(end.ok_or(io::ErrorKind::StorageFull)?).unwrap();
        let mut content = self.0.lock().unwrap();
        let length = content.len().max(end);
        content.resize(length, 0);
        content[end - data.len()..end].copy_from_slice(data);
        Ok(())
    }
}

struct Still;

impl Clocks for Still {
    fn calendar(&self) -> i64 {
        1_700_000_000_000_000_000
    }

    fn boot(&self) -> i64 {
        1_000_000_000
    }
}

const FILE: &str = "store.redb";

fn open(folder: &Memory) -> Result<Engine, String> {
    let options =
        Options { durability: Durability::Durable, clocks: Box::new(Still), warn: Box::new(|_| {}) };
    Engine::open(Arc::new(folder.clone()), options).map_err(|error| error.to_string())
}

#[derive(Arbitrary, Debug)]
struct Damage {
    whole: Option<Vec<u8>>,
    keep_bytes: Option<u16>,
    changes: Vec<(u16, Vec<u8>)>,
}

/// A file of the store with some of its bytes changed, or any bytes at all.
pub fn file(bytes: &[u8]) {
    let Ok(damage) = Damage::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let folder = Memory::default();
    let content = match damage.whole {
        Some(bytes) => bytes,
        None => {
            drop(open(&folder).unwrap());
            let content = Arc::clone(&folder.0.lock().unwrap()[FILE]);
            content.lock().unwrap().clone()
        }
    };
    let mut content = content;
    for (place, bytes) in damage.changes {
        for (at, byte) in (usize::from(place)..).zip(bytes) {
            if let Some(slot) = content.get_mut(at) {
                *slot = byte;
            }
        }
    }
    if let Some(keep) = damage.keep_bytes {
        content.truncate(keep.into());
    }
    folder.0.lock().unwrap().insert(FILE.to_owned(), Arc::new(Mutex::new(content)));
    let engine = match open(&folder) {
        Ok(engine) => engine,
        Err(message) => {
            said(&message);
            assert!(message.contains(FILE), "{message}");
            return;
        }
    };
    // What was taken for whole has to hold what is written next.
    let path = "/a".to_owned();
    let content = Content { value: "v".into(), expiry: None, is_refresh: false };
    let written = engine.submit(|_| Command::Set { path, is_dir: false, content });
    written.recv_blocking().unwrap().unwrap();
    let before = engine.read(|keyspace, _| saved(keyspace));
    drop(engine);
    assert_eq!(open(&folder).unwrap().read(|keyspace, _| saved(keyspace)), before);
}
