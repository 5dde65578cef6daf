//! Stage three: texts become [`Settings`], or a list of everything that is wrong with them. Each value is checked by
//! itself first, then against the others.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use cluster::ids::MachineId;
use cluster::sorted::Map;
use registry::etcd::{self, Credentials, KeyPrefix, TlsSettings};

use super::error::Problem;
use super::keys::Key;
use super::listen_address::ListenAddress;
use super::merge::Merged;
use super::note::Note;
use super::servers;
use super::settings::{OnStop, Settings, StoreSettings};
use super::timing::Timing;
use super::values::{absolute_path, address, agent_ttl, boolean, metadata, optional_path, seconds};

/// Where a store lies that is sent nowhere else.
const STORE_FOLDER: &str = "/var/lib/fleet";

/// Turns the merged texts into settings; the notes are all there are, those of the earlier stages included.
pub(super) fn check(merged: Merged) -> Result<(Settings, Vec<Note>), Vec<Problem>> {
    let mut reader = Reader(merged);
    reader.note_keys_without_effect();
    let settings = reader.settings();
    let Merged { mut notes, problems, .. } = reader.0;
    notes.sort_by_key(Note::rank);
    match settings {
        Some(settings) if problems.is_empty() => Ok((settings, notes)),
        _ => Err(problems),
    }
}

/// Reads value after value; what is wrong is put down and the reading goes on, so that all of it is found at once.
pub(super) struct Reader(Merged);

impl Reader {
    /// `None` once any value is wrong; by then every other one was looked at too.
    fn settings(&mut self) -> Option<Settings> {
        let verbosity = self.read(Key::Verbosity, |text| {
            text.parse::<u32>().map_err(|_| "expected a whole number, 0 or more".into())
        });
        let timing = self.timing();
        let etcd = self.etcd(timing.as_ref());
        let store = self.store(etcd.as_ref().map(|etcd| &etcd.tls));
        let disable_engine = self.read(Key::DisableEngine, boolean);
        let public_ip = self.read(Key::PublicIp, address);
        let metadata = self.metadata();
        let directories = self.directories();
        let systemd_user = self.read(Key::SystemdUser, boolean);
        let machine_id = self.machine_id(systemd_user);
        let page_items = self.read(Key::TokenLimit, |text| {
            text.parse::<NonZeroU16>().map_err(|_| "expected a whole number from 1 to 65535".into())
        });
        let api = self.api();
        let listen = self.listen(api.as_ref().is_some_and(|api| api.tls.is_some()));
        let on_stop = self.read(Key::OnStop, |text| match text {
            "leave" => Ok(OnStop::Leave),
            "keep" => Ok(OnStop::Keep),
            _ => Err("expected leave or keep".into()),
        });
        let (units_directory, runtime_directory) = directories?;
        Some(Settings {
            verbose: verbosity? > 0,
            etcd: etcd?,
            store: store?,
            timing: timing?,
            may_lead: !disable_engine?,
            public_ip: public_ip?,
            metadata: metadata?,
            units_directory,
            runtime_directory,
            systemd_user: systemd_user?,
            machine_id: machine_id?,
            page_items: page_items?,
            listen: listen?,
            api: api?,
            on_stop: on_stop?,
        })
    }

    pub(super) fn read<T>(&mut self, key: Key, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.0.value(key);
        parse(&value.text)
            .map_err(|accepted| {
                let shown = (!key.hides(&value.text)).then_some(value.text);
                let problem =
                    Problem::BadValue { origin: value.origin, key: key.name(), value: shown, accepted };
                self.0.problems.push(problem);
            })
            .ok()
    }

    pub(super) fn conflict(&mut self, key: Key, rule: impl Into<String>) {
        let origin = self.0.value(key).origin;
        self.0.problems.push(Problem::Conflict { origin, key: key.name(), rule: rule.into() });
    }

    pub(super) fn risky(&mut self, key: Key, what: impl Into<String>) {
        let origin = self.0.value(key).origin;
        self.0.notes.push(Note::Risky { origin, key: key.name(), what: what.into() });
    }

    pub(super) fn text(&self, key: Key) -> String {
        self.0.value(key).text
    }

    fn note_keys_without_effect(&mut self) {
        for &key in Key::ALL {
            if let Some(why) = key.why_no_effect().filter(|_| self.0.is_set(key)) {
                let origin = self.0.value(key).origin;
                self.0.notes.push(Note::NoEffect { origin, key: key.name(), why });
            }
        }
    }

    fn etcd(&mut self, timing: Option<&Timing>) -> Option<etcd::Settings> {
        let endpoints = self.read(Key::EtcdServers, servers::parse);
        let key_prefix =
            self.read(Key::EtcdKeyPrefix, |text| KeyPrefix::parse(text).map_err(|error| error.to_string()));
        let credentials = self.credentials();
        let tls = self.tls();
        Some(etcd::Settings {
            request_timeout: timing?.request_timeout,
            credentials: credentials?,
            tls: tls?,
            before_wait: systemd_shim::stack::give_back,
            ..etcd::Settings::new(endpoints?, key_prefix?)
        })
    }

    fn store(&mut self, tls: Option<&TlsSettings>) -> Option<StoreSettings> {
        let folder = self.read(Key::StoreDir, optional_path);
        let listen = self.read(Key::StoreListen, |text| match text {
            "" => Ok(None),
            _ => text.parse().map(Some).map_err(|_| "expected ADDR:PORT, such as 10.0.0.1:2379".into()),
        });
        let is_relaxed = self.read(Key::Durability, |text| match text {
            "durable" => Ok(false),
            "relaxed" => Ok(true),
            _ => Err("expected durable or relaxed".into()),
        });
        let is_given = |key: &Key| !self.0.value(*key).text.is_empty();
        let is_own = [Key::StoreDir, Key::StoreListen].into_iter().find(is_given);
        if let Some(key) = is_own.filter(|_| self.0.is_set(Key::EtcdServers)) {
            self.conflict(key, "etcd_servers is set too; a machine's store is its own or an etcd");
        }
        let listen = listen?;
        let tls = listen.and_then(|_| self.store_tls(tls));
        if tls.is_none() && listen.is_some_and(|address: SocketAddr| !address.ip().is_loopback()) {
            self.risky(Key::StoreListen, "whoever reaches it controls the fleet: etcd_certfile is not set");
        }
        let folder = folder?.unwrap_or_else(|| STORE_FOLDER.into());
        Some(StoreSettings { is_own: is_own.is_some(), folder, listen, tls, is_relaxed: is_relaxed? })
    }

    fn credentials(&mut self) -> Option<Option<Credentials>> {
        let username = self.0.value(Key::EtcdUsername).text;
        let password = self.0.value(Key::EtcdPassword).text;
        if username.contains(':') {
            self.conflict(Key::EtcdUsername, "a user name of basic authentication holds no \":\"");
            return None;
        }
        if username.is_empty() && !password.is_empty() {
            self.conflict(Key::EtcdPassword, "etcd_username is not set");
            return None;
        }
        Some((!username.is_empty()).then_some(Credentials { username, password }))
    }

    fn timing(&mut self) -> Option<Timing> {
        let agent_ttl = self.read(Key::AgentTtl, agent_ttl);
        let interval = self.read(Key::EngineReconcileInterval, seconds);
        let timeout = self.read(Key::EtcdRequestTimeout, seconds);
        let interval = interval?;
        let set_interval = self.0.is_set(Key::EngineReconcileInterval).then_some(interval);
        match Timing::derive(agent_ttl?, set_interval, timeout?) {
            Ok((timing, notes)) => {
                self.0.notes.extend(notes);
                Some(timing)
            }
            Err(rule) => {
                self.conflict(Key::EngineReconcileInterval, rule);
                None
            }
        }
    }

    fn metadata(&mut self) -> Option<Map<String, String>> {
        let value = self.0.value(Key::Metadata);
        let (pairs, without_value) = self.read(Key::Metadata, metadata)?;
        self.0.notes.extend(
            without_value
                .into_iter()
                .map(|item| Note::MetadataWithoutValue { origin: value.origin.clone(), item }),
        );
        Some(pairs)
    }

    /// Units and runtime directory. Units lie in the runtime directory unless they are sent elsewhere.
    fn directories(&mut self) -> Option<(PathBuf, PathBuf)> {
        let units = self.read(Key::UnitsDirectory, absolute_path);
        let runtime = self.read(Key::RuntimeDirectory, absolute_path)?;
        let units = if self.0.is_set(Key::UnitsDirectory) { units? } else { runtime.join("units") };
        Some((units, runtime))
    }

    fn machine_id(&mut self, systemd_user: Option<bool>) -> Option<Option<MachineId>> {
        let id = self.read(Key::MachineId, |text| match text {
            "" => Ok(None),
            _ => MachineId::parse(text)
                .map(Some)
                .map_err(|_| "expected 1 to 64 letters, digits, \"-\", \"_\" or \".\"".into()),
        })?;
        if id.is_some() && systemd_user == Some(false) {
            self.conflict(
                Key::MachineId,
                "only goes with systemd_user=true; a machine's own identity is /etc/machine-id",
            );
            return None;
        }
        Some(id)
    }

    fn listen(&mut self, encrypted: bool) -> Option<Vec<ListenAddress>> {
        let addresses = self.read(Key::Listen, ListenAddress::parse_list)?;
        for address in addresses.iter().filter(|address| !encrypted && address.is_open_to_network()) {
            self.risky(
                Key::Listen,
                format!("whoever reaches {address} controls the fleet: api_certfile is not set"),
            );
        }
        Some(addresses)
    }
}
