//! A fleet that consists of its registry: a real etcd, an API before it, and words for what its machines would write.

use std::cell::RefCell;
use std::sync::Arc;

use agent::api::{self, Audit, Host, NotDone};
use agent::http::{Body, Method, Peer, Request};
use agent::metrics;
use agent::news::Desk;
use cluster::records::{Placement, Presence, StateRow};
use cluster::sorted::Map;
use cluster::state::Order;
use cluster::unit_file::UnitFile;
use cluster::{BootId, Incarnation, MachineId, Nonce, Session, TargetState, UnitName, json, keys};
use fleet_api::access::{Identity, Roles};
use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
use registry::store::{Freshness, Outcome, Store};
use registry::units;
use smol::stream::StreamExt;
use tests::etcd::Etcd as RealEtcd;

pub(super) const PEER: Peer = Peer::Unix { pid: 7, uid: 0, gid: 0 };

/// The agent the routes run in.
pub(super) struct Agent {
    store: Arc<dyn Store>,
    pub(super) desk: Desk,
    pub(super) standing: RefCell<Result<(), String>>,
    pub(super) audits: RefCell<Vec<String>>,
}

impl Host for Agent {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn page_limit(&self) -> u16 {
        100
    }

    fn standing(&self) -> Result<(), String> {
        self.standing.borrow().clone()
    }

    fn may(&self, identity: Identity<'_>, method: fleet_api::Method) -> Result<(), fleet_api::Failure> {
        Roles { read: vec!["watcher".to_owned()], operate: vec!["alice".to_owned()] }.check(identity, method)
    }

    fn metrics(&self) -> Option<String> {
        let member = self.standing.borrow().is_ok();
        metrics::page(metrics::Standing { member, frozen: !member, leads: false, contact_age_ms: Some(1500) })
    }

    async fn adopt(&self) -> Result<String, NotDone> {
        self.standing
            .borrow()
            .clone()
            .map_or_else(|_| Ok("adopted".to_owned()), |()| Err(NotDone::Refused("no need".to_owned())))
    }

    async fn copy(&self, to: String) -> Result<String, NotDone> {
        Ok(format!("copied to {to}"))
    }

    fn audit(&self, audit: &Audit<'_>) {
        self.audits.borrow_mut().push(audit.to_string());
    }
}

pub(super) struct Fleet {
    pub(super) etcd: RealEtcd,
    pub(super) agent: Agent,
}

/// The unit file most cases use, as the API takes it.
pub(super) const SLEEP: &str = r#"[{"section":"Service","name":"ExecStart","value":"/bin/sleep 9"}]"#;

impl Agent {
    /// An agent of the fleet whose registry is at `endpoint`.
    pub(super) fn of(endpoint: &str) -> Self {
        let endpoints = Endpoints::new(vec![Endpoint::parse(endpoint).unwrap()]).unwrap();
        let settings = Settings::new(endpoints, KeyPrefix::parse("/_coreos.com/fleet/").unwrap());
        let store = metrics::counted(Etcd::new(&settings).unwrap());
        let desk = Desk::new(Arc::clone(&store));
        Self { store, desk, standing: RefCell::new(Ok(())), audits: RefCell::default() }
    }

    /// Status and body.
    pub(super) fn send(&self, method: Method, target: &str, types: &[&str], body: &str) -> (u16, String) {
        self.send_to(method, &format!("fleet/v1/{target}"), types, body)
    }

    /// The same, the target with its prefix.
    pub(super) fn send_to(&self, method: Method, target: &str, types: &[&str], body: &str) -> (u16, String) {
        smol::block_on(self.answer(request(method, target, types, body)))
    }

    /// The same, to be waited for.
    pub(super) async fn answer(&self, request: Request) -> (u16, String) {
        let response = api::answer(self, request, PEER).await;
        let mut whole = Vec::new();
        match response.body {
            Body::Empty => {}
            Body::Bytes(bytes) => whole = bytes,
            Body::Stream(mut pieces) | Body::Live(mut pieces) => {
                while let Some(piece) = pieces.next().await {
                    whole.extend(piece.unwrap());
                }
            }
        }
        (response.status.code(), String::from_utf8(whole).unwrap())
    }

    pub(super) fn put(&self, unit: &str, body: &str) -> (u16, String) {
        self.send(Method::Put, &format!("units/{unit}"), &["application/json"], body)
    }
}

impl Fleet {
    pub(super) fn start() -> Self {
        let etcd = RealEtcd::start().unwrap();
        let agent = Agent::of(&etcd.endpoint());
        Self { etcd, agent }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.agent.store
    }

    pub(super) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.agent.store)
    }

    pub(super) fn send(&self, method: Method, target: &str, types: &[&str], body: &str) -> (u16, String) {
        self.agent.send(method, target, types, body)
    }

    pub(super) fn get(&self, target: &str) -> (u16, String) {
        self.send(Method::Get, target, &[], "")
    }

    pub(super) fn put(&self, unit: &str, body: &str) -> (u16, String) {
        self.agent.put(unit, body)
    }

    pub(super) fn delete(&self, unit: &str) -> (u16, String) {
        self.send(Method::Delete, &format!("units/{unit}"), &[], "")
    }

    /// Creates a unit and gives its incarnation.
    pub(super) fn create(&self, unit: &str, state: &str, options: &str) -> Incarnation {
        let (status, body) = self.put(unit, &format!(r#"{{"desiredState":"{state}","options":{options}}}"#));
        assert_eq!((status, body.as_str()), (201, ""), "create {unit}");
        self.incarnation(unit)
    }

    pub(super) fn incarnation(&self, unit: &str) -> Incarnation {
        let key = keys::spec(&name(unit));
        let node =
            self.store().read(&key, Freshness::Quorum).unwrap().0.unwrap_or_else(|| panic!("no {key}"));
        Incarnation::new(node.created).unwrap()
    }

    /// A machine registers.
    pub(super) fn register(&self, machine: &str) -> Session {
        self.register_as(presence(machine, "10.0.0.1", [("region".to_owned(), "east".to_owned())].into()))
    }

    /// A machine registers with this record.
    pub(super) fn register_as(&self, presence: Presence) -> Session {
        Session::new(self.write(&keys::presence(&presence.id), &presence)).unwrap()
    }

    /// The leader places a unit.
    pub(super) fn place(&self, unit: &str, machine: &str, incarnation: Incarnation) {
        let placement =
            Placement { machine: id(machine), incarnation: Some(incarnation), epoch: None, losses: 0 };
        self.write(&keys::placement(&name(unit)), &placement);
    }

    /// A machine reports a unit that runs.
    pub(super) fn report(
        &self,
        unit: &str,
        machine: &str,
        session: Session,
        incarnation: Incarnation,
        order: Order,
    ) {
        self.report_as(unit, machine, session, incarnation, order, ("loaded", "active", "running"));
    }

    /// A machine reports a unit as systemd shows it: LOAD, ACTIVE and SUB.
    pub(super) fn report_as(
        &self,
        unit: &str,
        machine: &str,
        session: Session,
        incarnation: Incarnation,
        order: Order,
        (load, active, sub): (&str, &str, &str),
    ) {
        let hash = self.store().read(&keys::spec(&name(unit)), Freshness::Quorum).unwrap().0.unwrap();
        let spec: cluster::records::Spec = json::decode(hash.value.as_bytes()).unwrap();
        let row = StateRow {
            incarnation,
            hash: spec.hash,
            order: Some(order),
            load: load.to_owned(),
            active: active.to_owned(),
            sub: sub.to_owned(),
            error: String::new(),
        };
        self.write(&keys::state(&id(machine), session, &name(unit)), &row);
    }

    pub(super) fn remove(&self, key: &str) {
        assert!(matches!(self.store().delete_tree(key), Outcome::Done { .. }), "remove {key}");
    }

    fn write(&self, key: &str, record: &impl serde::Serialize) -> u64 {
        match self.store().create(key, &json::encode(record, 100_000).unwrap(), None) {
            Outcome::Done { created, .. } => created,
            other => panic!("create {key}: {other:?}"),
        }
    }
}

/// A request as the server would hand it over.
pub(super) fn request(method: Method, target: &str, types: &[&str], body: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        method,
        target: target.trim_start_matches("fleet/v1/").to_owned(),
        path: path.split('/').map(str::to_owned).collect(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        content_types: types.iter().map(|value| (*value).to_owned()).collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// Creates an inactive unit, from whatever thread.
pub(super) fn create_in(store: &dyn Store, unit: &str) {
    let file = UnitFile::parse("[Service]\nExecStart=/bin/sleep 9\n").unwrap();
    assert!(units::create(store, &name(unit), &file, TargetState::Inactive).unwrap());
}

/// The record of a machine.
pub(super) fn presence(machine: &str, address: &str, metadata: Map<String, String>) -> Presence {
    Presence {
        id: id(machine),
        boot: BootId::parse("boot").unwrap(),
        nonce: Nonce::parse("nonce").unwrap(),
        address: address.to_owned(),
        metadata,
        version: "0.1.0".to_owned(),
        leaving: false,
    }
}

pub(super) fn name(text: &str) -> UnitName {
    UnitName::parse(text).unwrap()
}

pub(super) fn id(text: &str) -> MachineId {
    MachineId::parse(text).unwrap()
}

/// The body of an error.
pub(super) fn error(status: u16, message: &str) -> (u16, String) {
    (status, format!(r#"{{"error":{{"code":{status},"message":"{message}"}}}}"#))
}
