//! An etcd and a store, and everything done to both.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use store::engine::Durability;

use super::client::{Answer, Client};
use super::json::read;
use super::operation::{CLIENTS, Field, Operation, WATCHES};
use super::same::compare;
use super::watches::Twin;
use crate::patience::wait_until;
use crate::real_etcd::{Kind, RealEtcd};
use crate::served::Served;

/// The index of an etcd that has written all it writes about itself.
const SETTLED_INDEX: u64 = 3;
/// TTLs that end a key at once, since they wrap around.
const DEADLY: [&str; 2] = ["18446744073709551615", "9223372037"];

/// Both, and what is known of them.
pub(crate) struct Pair {
    etcd: RealEtcd,
    store: Served,
    clients: Vec<[Client; 2]>,
    watches: [Option<Twin>; WATCHES],
    /// modifiedIndex by path, as etcd said it last.
    seen: BTreeMap<String, u64>,
    index: u64,
    counts: BTreeMap<String, u64>,
}

impl Pair {
    pub(crate) fn start() -> Self {
        let etcd = RealEtcd::start(Kind::Plain);
        let store = Served::start(Durability::Durable);
        let mut client = Client::new(address(&etcd));
        wait_until("an etcd that is done with itself", Duration::from_secs(30), || {
            match client.ask(&request("GET", "", "", false)).index() {
                Some(SETTLED_INDEX) => Ok(()),
                other => Err(format!("index {other:?}")),
            }
        });
        let connect = |_| [address(&etcd), store.address].map(Client::new);
        let clients = (0..CLIENTS).map(connect).collect();
        let (seen, counts) = (BTreeMap::new(), BTreeMap::new());
        Self { etcd, store, clients, watches: [const { None }; WATCHES], seen, index: SETTLED_INDEX, counts }
    }

    /// How often was answered what.
    pub(crate) fn tally(&self) -> String {
        self.counts.iter().map(|(what, count)| format!("{what}: {count}")).collect::<Vec<_>>().join(", ")
    }

    /// Does a sequence from an empty tree on.
    pub(crate) fn play(&mut self, operations: &[Operation]) -> Result<(), String> {
        self.clear();
        for operation in operations {
            match operation {
                Operation::Ask { client, method, path, fields, in_body } => {
                    self.ask_as_meant(*client, method, path, fields, *in_body)?;
                }
                Operation::Watch { slot, path, is_recursive, is_stream, back } => {
                    let since = back.map(|back| self.index.saturating_sub(back));
                    let since = since.map_or(String::new(), |since| format!("&waitIndex={since}"));
                    let query = format!("wait=true&recursive={is_recursive}&stream={is_stream}{since}");
                    let request = request("GET", path, &query, false);
                    self.end_watch(*slot)?;
                    self.watches[*slot] = Twin::open(address(&self.etcd), self.store.address, &request)?;
                }
                Operation::Look => self.look(Duration::from_millis(2))?,
                Operation::Die { paths } => self.die(paths)?,
            }
        }
        self.look(Duration::from_millis(30))?;
        (0..WATCHES).try_for_each(|slot| self.end_watch(slot))
    }

    fn look(&mut self, quiet: Duration) -> Result<(), String> {
        self.watches.iter_mut().flatten().try_for_each(|twin| twin.look(quiet))
    }

    fn end_watch(&mut self, slot: usize) -> Result<(), String> {
        let Some(mut twin) = self.watches[slot].take() else { return Ok(()) };
        twin.look(Duration::from_millis(2))?;
        let what = if twin.has_seen() { "watches told" } else { "watches not told" };
        *self.counts.entry(what.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Removes everything, and levels the indices if the last sequence ended with a difference.
    fn clear(&mut self) {
        self.watches = [const { None }; WATCHES];
        self.seen.clear();
        for side in 0..2 {
            for name in
                ["a", "b", "c", "_h", "ab", "%3C%26%3E", "%C3%A9", "a+b", "a%20b", "_x", "a%00", "q%3Fx"]
            {
                let request = request("DELETE", &format!("/{name}"), "recursive=true", false);
                self.clients[0][side].ask(&request);
            }
        }
        self.remove_in_order_keys();
        let index = |client: &mut Client| client.ask(&request("GET", "", "", false)).index().unwrap();
        loop {
            let indices = [0, 1].map(|side| index(&mut self.clients[0][side]));
            if indices[0] == indices[1] {
                self.index = indices[0];
                return;
            }
            let behind = usize::from(indices[0] > indices[1]);
            self.clients[0][behind].ask(&request("PUT", "/level", "value=x", false));
        }
    }

    /// Keys that POST made in the root.
    fn remove_in_order_keys(&mut self) {
        for side in 0..2 {
            let answer = self.clients[0][side].ask(&request("GET", "", "sorted=true", false));
            for part in answer.body.split("\"key\":\"").skip(1) {
                let key = part.split('"').next().unwrap();
                self.clients[0][side].ask(&request("DELETE", key, "recursive=true", false));
            }
        }
    }

    fn ask_as_meant(
        &mut self,
        client: usize,
        method: &str,
        path: &str,
        fields: &[Field],
        in_body: bool,
    ) -> Result<(), String> {
        let texts: Vec<String> = fields.iter().map(|field| self.text(path, field)).collect();
        let is_deadly = texts.iter().any(|text| DEADLY.iter().any(|ttl| *text == format!("ttl={ttl}")));
        let answer = self.ask(client, &request(method, path, &texts.join("&"), in_body))?;
        if is_deadly && answer.status.contains(" 20") {
            let in_order = answer.index().map(|index| format!("{path}/{index:020}"));
            let path = if method == "POST" { in_order.unwrap() } else { path.to_owned() };
            self.until_dead(&[path])?;
        }
        Ok(())
    }

    fn text(&self, path: &str, field: &Field) -> String {
        match field {
            Field::Plain(name, value) => format!("{name}={value}"),
            Field::SeenIndex(name) => format!("{name}={}", self.seen.get(path).copied().unwrap_or(1)),
            Field::Back(name, back) => format!("{name}={}", self.index.saturating_sub(*back)),
        }
    }

    /// Asks both and compares; the answer is etcd's.
    fn ask(&mut self, client: usize, request: &str) -> Result<Answer, String> {
        let [etcd, store] = &mut self.clients[client];
        let (etcd, store) = (etcd.ask(request), store.ask(request));
        compare(&etcd, &store).map_err(|difference| format!("{request:?}: {difference}"))?;
        self.index = etcd.index().filter(|index| *index > 0).unwrap_or(self.index);
        let path = request.split(' ').nth(1).and_then(|target| target.split('?').next()).unwrap();
        let node = read(&etcd.body).and_then(|(answer, _)| answer.field("node")?.number("modifiedIndex"));
        if let (Some(path), Some(index)) = (path.strip_prefix("/v2/keys"), node) {
            self.seen.insert(path.to_owned(), index.unsigned_abs());
        }
        let code = read(&etcd.body).and_then(|(answer, _)| answer.number("errorCode"));
        let what = code.map_or_else(|| etcd.status[9..12].to_owned(), |code| format!("error {code}"));
        *self.counts.entry(what).or_default() += 1;
        Ok(etcd)
    }

    fn die(&mut self, paths: &[(String, bool)]) -> Result<(), String> {
        let ttl_secs = if paths.len() == 1 { 1 } else { 2 };
        let mut dying = Vec::new();
        for (path, is_dir) in paths {
            let request = request("PUT", path, &format!("value=v&dir={is_dir}&ttl={ttl_secs}"), false);
            if self.ask(0, &request)?.status.contains(" 20") {
                dying.push(path.clone());
            }
        }
        self.until_dead(&dying)
    }

    /// Waits until both sides have let go of what was to die; then they must be the same again.
    fn until_dead(&mut self, paths: &[String]) -> Result<(), String> {
        for path in paths {
            let read = request("GET", path, "", false);
            for side in 0..2 {
                wait_until(&format!("end of {path} on side {side}"), Duration::from_secs(20), || {
                    let answer = self.clients[0][side].ask(&read);
                    let head = answer.body.split("\"nodes\"").next().unwrap();
                    let lives = !head.contains("\"expiration\"")
                        || ["\"ttl\":100", "\"ttl\":9", "\"ttl\":5"].iter().any(|ttl| head.contains(ttl));
                    if lives { Ok(()) } else { Err(answer.body) }
                });
            }
        }
        self.ask(0, &request("GET", "", "recursive=true&sorted=true", false)).map(|_| ())
    }
}

fn address(etcd: &RealEtcd) -> SocketAddr {
    etcd.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// A request for a key, its parameters in the query or in the body.
fn request(method: &str, path: &str, fields: &str, in_body: bool) -> String {
    let head = "HTTP/1.1\r\nHost: x\r\n";
    if in_body {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let length = fields.len();
        return format!("{method} /v2/keys{path} {head}{form}\r\nContent-Length: {length}\r\n\r\n{fields}");
    }
    let query = if fields.is_empty() { String::new() } else { format!("?{fields}") };
    format!("{method} /v2/keys{path}{query} {head}Content-Length: 0\r\n\r\n")
}
