//! https endpoints: certificates are verified, clients can prove who they are. The server is rustls', the certificates
//! are made by `testdata/tls/make.sh`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::double::http::{Answer, serve};
use crate::run::{Outcome, run};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(name)
}

/// A server with an empty fleet; its endpoint.
fn server(asks_for_client: bool) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("authority.pem")).unwrap()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = if asks_for_client {
        builder.with_client_cert_verifier(clients.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(connection, stream), |_| Answer { status: 200, body: "{}".to_owned() });
        }
    });
    endpoint
}

fn list(endpoint: &str, flags: &str) -> Outcome {
    let flags = flags.replace("@", &format!("{}/", file("").display()).replace("//", "/"));
    run(endpoint, &format!("{flags} list-units --no-legend"))
}

fn refused(outcome: &Outcome, part: &str) {
    assert!(outcome.exit != 0 && outcome.stderr.contains(part), "{outcome:?}");
}

#[test]
fn a_server_has_to_be_vouched_for() {
    let endpoint = server(false);
    assert_eq!(list(&endpoint, "--ca-file=@authority.pem").exit, 0);
    refused(&list(&endpoint, "--ca-file=@stranger.pem"), "invalid peer certificate: UnknownIssuer");
    refused(&list(&endpoint, ""), "certificate");
    let careless = list(&endpoint, "--insecure-skip-verify");
    assert_eq!(careless.exit, 0, "{careless:?}");
    assert!(careless.stderr.contains("WARN") && careless.stderr.contains("not verified"), "{careless:?}");
}

#[test]
fn a_client_can_prove_who_it_is() {
    let endpoint = server(true);
    let proven = list(&endpoint, "--ca-file=@authority.pem --cert-file=@client.pem --key-file=@client.key");
    assert_eq!(proven.exit, 0, "{proven:?}");
    refused(&list(&endpoint, "--ca-file=@authority.pem"), "list unit states at https://");
    let old_names = "--etcd-cafile=@authority.pem --etcd-certfile=@client.pem --etcd-keyfile=@client.key";
    assert_eq!(list(&endpoint, old_names).exit, 0);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let said = |flags| list("https://127.0.0.1:1", flags);
    refused(&said("--ca-file=@nope.pem"), "Unable to initialize client: read ");
    refused(&said("--ca-file=@client.key"), "client.key holds no certificate in PEM form");
    refused(&said("--ca-file=@authority.pem --cert-file=@client.pem"), "--cert-file needs --key-file");
    refused(
        &said("--ca-file=@authority.pem --cert-file=@client.pem --key-file=@client.pem"),
        "no private key",
    );
}
