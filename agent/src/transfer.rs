//! Moving the registry to another store (`registry/README.md`, "How a registry moves"): this agent's part in the copy,
//! its way back when one broke off, and its arrival in a store that holds a copy. The copy itself is
//! `registry::transfer`'s, what its parts mean `cluster::transfer`'s.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::records::{Marker, Stage, Transit};
use cluster::snapshot::Snapshot;
use cluster::sorted::Set;
use cluster::{FleetId, Incarnation, UnitName, keys, transfer};
use registry::etcd::{self, Endpoint, Endpoints, Etcd};
use registry::reads;
use registry::store::{Freshness, Store};
use registry::transfer::{Copy, CopyError};

use crate::api::NotDone;
use crate::config::Settings;
use crate::embedded::{self, Own};
use crate::node::Node;
use crate::pool;
use crate::runtime_dir::random_id;

/// Copies this agent's registry to the store of this name, URLs or a folder, and puts the copy in charge.
///
/// # Errors
/// It was not done, in words for the operator.
pub(crate) async fn copy_registry(node: &Node, to_name: String) -> Result<String, NotDone> {
    let remembered = node.remembered.borrow().as_ref().map(|remembered| remembered.fleet.clone());
    let ours = remembered.ok_or_else(|| NotDone::Refused("this machine belongs to no fleet".to_owned()))?;
    let fresh = random_id().map_err(|error| NotDone::NoAnswer(format!("make a fleet id: {error}")))?;
    let fresh = FleetId::parse(&fresh).map_err(|error| NotDone::NoAnswer(error.to_string()))?;
    let (by, from, settings) = (node.identity.id.clone(), Arc::clone(&node.store), node.settings());
    let (settings, copying) = ((*settings).clone(), Arc::clone(&node.copying));
    crate::info!("copying the registry to {to_name}");
    let made = pool::unblock(move || {
        let _under_way = UnderWay::begin(&copying)?;
        let from_name = name_of_own(&settings, &from.endpoint());
        registry::transfer::is_there(&*from, &ours).map_err(|error| in_words(error, &to_name))?;
        let (to, own) = open(&settings, &to_name).map_err(NotDone::Refused)?;
        let copy = Copy {
            from: &*from,
            from_name: &from_name,
            to: &*to,
            to_name: &to_name,
            ours: &ours,
            by: &by,
            fresh,
        };
        let made = copy.make();
        // What is in a folder is on disk before anybody is told that it is in charge there.
        own.close();
        made.map(|size| told(size, &to_name)).map_err(|error| in_words(error, &to_name))
    });
    let made = made.await;
    if let Err(NotDone::Refused(why) | NotDone::NoAnswer(why)) = &made {
        crate::warn!("copy the registry: {why}");
    }
    node.ropes.beat.ring();
    made
}

/// One copy at a time; ends with the copy, whoever still waits for it.
struct UnderWay<'a>(&'a AtomicBool);

impl<'a> UnderWay<'a> {
    fn begin(flag: &'a AtomicBool) -> Result<Self, NotDone> {
        if flag.swap(true, Ordering::SeqCst) {
            return Err(NotDone::Refused("a copy is under way already".to_owned()));
        }
        Ok(Self(flag))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

fn told((units, machines): (usize, usize), to: &str) -> String {
    let line = match to.strip_prefix('/') {
        Some(_) => format!(
            "On this machine put store_dir={to} into fleet.conf in place of etcd_servers, and on others, if there are any, \
             etcd_servers=http://ADDRESS:PORT with what store_listen= says here"
        ),
        None => format!(
            "On every machine put etcd_servers={to} into fleet.conf in place of what names the old store"
        ),
    };
    format!(
        "copied {units} units and {machines} machines; the fleet's registry is in {to} from now on.\n{line}; then: \
         systemctl reload fleet\nUnits keep running. A machine that has not come within {} minutes counts as lost.",
        cluster::limits::COPY_GRACE_SECONDS / 60
    )
}

fn in_words(error: CopyError, to: &str) -> NotDone {
    match error {
        CopyError::Refused(refusal) => NotDone::Refused(format!("copy the registry to {to}: {refusal}")),
        open @ CopyError::Open(_) => NotDone::NoAnswer(format!(
            "copy the registry to {to}: {open}; all is copied, say the same again to put the copy in charge"
        )),
        other => NotDone::NoAnswer(format!(
            "copy the registry to {to}: {other}; the registry stays where it is, say the same again to go on"
        )),
    }
}

/// What this machine's registry is called in fleet.conf: the URLs, if one of them answers, or else the folder.
fn name_of_own(settings: &Settings, endpoint: &str) -> String {
    let urls: Vec<&str> = settings.etcd.endpoints.as_slice().iter().map(Endpoint::as_str).collect();
    if settings.store.is_own || !urls.contains(&endpoint) {
        return settings.store.folder.display().to_string();
    }
    urls.join(",")
}

/// The store of that name: a folder of this machine, or an etcd that is asked with this machine's certificates and user.
fn open(settings: &Settings, name: &str) -> Result<(Arc<dyn Store>, Own), String> {
    if name.starts_with('/') {
        return embedded::open_at(settings, Path::new(name));
    }
    let urls = name.split(',').map(Endpoint::parse).collect::<Result<Vec<_>, _>>();
    let endpoints = urls.and_then(Endpoints::new).map_err(|error| error.to_string())?;
    let store = Etcd::new(&etcd::Settings { endpoints, ..settings.etcd.clone() });
    Ok((Arc::new(store.map_err(|error| error.to_string())?), Own::default()))
}

/// Opens the registry again that a former life of this agent sealed and did not copy to the end. False if there is no
/// such seal.
pub(crate) async fn lift(node: &Node, view: &Snapshot) -> Result<bool, String> {
    let Some(layout) = view.layout.clone() else { return Ok(false) };
    let is_mine = |transit: &Transit| transit.stage == Stage::Leaving && transit.by == node.identity.id;
    if !layout.value.transit.as_ref().is_some_and(is_mine) || node.copying.load(Ordering::SeqCst) {
        return Ok(false);
    }
    crate::info!("a copy of the registry broke off: it is open again");
    let lifted =
        node.with_store(move |store| registry::transfer::lift(store, &layout.value, layout.guard)).await;
    lifted.map_err(|error| error.to_string())
}

/// Gives the units on this machine the incarnations they have in a copied registry. Nothing of them is touched but
/// their markers, and all of it may be repeated.
pub(crate) async fn arrive(node: &Node, view: &Snapshot) -> Result<(), String> {
    let nobody = view.layout.as_ref().and_then(|layout| Incarnation::new(layout.created));
    let nobody = nobody.ok_or("layout without createdIndex")?;
    let (runtime, me) = (node.runtime.clone(), node.identity.id.clone());
    node.with_store(move |store| {
        let (markers, _) = runtime.markers().map_err(|error| error.to_string())?;
        let names: Set<UnitName> = markers.keys().cloned().collect();
        let placements = reads::placements(store, &names).map_err(|error| error.to_string())?;
        for (unit, marker) in markers {
            let spec =
                store.read(&keys::spec(&unit), Freshness::Quorum).map_err(|error| error.to_string())?.0;
            let spec = spec.and_then(|spec| Incarnation::new(spec.created));
            let placement = placements.found.get(&unit).map(|placement| &placement.value);
            let incarnation = transfer::renamed(&me, &marker, spec, placement, nobody);
            let renamed = |there: Option<Marker>| Marker { incarnation, ..there.unwrap_or(marker) };
            runtime.remark(&unit, renamed).1.map_err(|error| error.to_string())?;
        }
        crate::info!("this machine's {} units are those of the copied registry", names.len());
        Ok(())
    })
    .await
}
