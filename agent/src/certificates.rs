//! The files of the certificates that an agent is started with: whether it could be started with them, and whether others
//! lie there by now. What is in them is TLS's business.

use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use registry::etcd::Etcd;

use crate::config::Settings;
use crate::http::{Clients, Tls};

/// A file as it lay there once: device, inode, and when it was changed; `None` for none.
pub type Lay = Option<(u64, u64, i64, i64)>;

/// How the files named in these settings lie there now.
#[must_use]
pub fn lie(settings: &Settings) -> Vec<Lay> {
    let etcd = &settings.etcd.tls;
    let api = settings.api.tls.as_ref();
    let towards_etcd = [&etcd.cafile, &etcd.certfile, &etcd.keyfile].into_iter().flatten();
    let of_api = api.map(|files| [&files.cafile, &files.certfile, &files.keyfile]).into_iter().flatten();
    towards_etcd.chain(of_api).map(|path| lies(path)).collect()
}

fn lies(path: &Path) -> Lay {
    metadata(path).ok().map(|file| (file.dev(), file.ino(), file.ctime(), file.ctime_nsec()))
}

/// Reads them as a start does.
///
/// # Errors
/// They cannot be used; the text names the file.
pub fn check(settings: &Settings) -> Result<(), String> {
    Etcd::new(&settings.etcd).map_err(|error| error.to_string())?;
    if let Some(files) = &settings.api.tls {
        Tls::load(files, Clients::Any).map_err(|error| format!("api: {error}"))?;
    }
    if let Some(files) = &settings.store.tls {
        Tls::load(files, Clients::Vouched).map_err(|error| format!("store: {error}"))?;
    }
    Ok(())
}
