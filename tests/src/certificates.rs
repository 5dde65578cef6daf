//! Certificates for tests, made by openssl: an authority, servers and clients it vouches for in every state they can be
//! in, and another authority. Debian: openssl.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::run::run;

/// Curve P-256: made in an instant.
const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
/// What `openssl ca` wants to know before it makes a certificate of the past.
const CA_CONFIGURATION: &str = "[ca]\ndefault_ca=here\n[here]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n\
    default_md=sha256\npolicy=any\n[any]\ncommonName=optional\norganizationName=optional\n";

/// A folder with `NAME.pem` and `NAME.key` for each name.
#[derive(Clone, Debug)]
pub struct Certificates(PathBuf);

impl Certificates {
    /// Makes an authority `ca` and another, `other-ca`, in this folder.
    ///
    /// # Errors
    /// When openssl is missing or refuses.
    pub fn make(folder: &Path) -> Outcome<Self> {
        fs::create_dir_all(folder)
            .map_err(|cause| Failure::during(format!("create {}", folder.display()), cause))?;
        let made = Self(folder.to_owned());
        for name in ["ca", "other-ca"] {
            let files = format!("-keyout {name}.key -out {name}.pem");
            made.openssl(&format!("req -x509 {KEY} -days 2 -subj /CN={name} {files}"))?;
        }
        made.write("index.txt", "")?;
        made.write("ca.conf", CA_CONFIGURATION)?;
        Ok(made)
    }

    /// A server's certificate for these names: `IP:127.0.0.1`, `DNS:localhost`.
    ///
    /// # Errors
    /// As [`Certificates::make`].
    pub fn server(&self, name: &str, names: &str) -> Outcome {
        let extensions = format!("subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth");
        self.vouched(name, &format!("/CN={name}"), &extensions, "ca")
    }

    /// A client's certificate with this subject: `/CN=alice`.
    ///
    /// # Errors
    /// As [`Certificates::make`].
    pub fn client(&self, name: &str, subject: &str) -> Outcome {
        self.vouched(name, subject, "extendedKeyUsage=clientAuth", "ca")
    }

    /// The same, signed by the other authority.
    ///
    /// # Errors
    /// As [`Certificates::make`].
    pub fn foreign(&self, name: &str, subject: &str) -> Outcome {
        self.vouched(name, subject, "extendedKeyUsage=clientAuth", "other-ca")
    }

    /// A certificate for 127.0.0.1 and for clients that was good for the first day of 2020.
    ///
    /// # Errors
    /// As [`Certificates::make`].
    pub fn expired(&self, name: &str, subject: &str) -> Outcome {
        self.request(name, subject, "subjectAltName=IP:127.0.0.1")?;
        let time = "-startdate 20200101000000Z -enddate 20200102000000Z";
        let files =
            format!("-in {name}.csr -out {name}.pem -cert ca.pem -keyfile ca.key -extfile {name}.extensions");
        self.openssl(&format!("ca -batch -notext -config ca.conf {time} {files}"))
    }

    /// A file: `ca.pem`, `alice.key`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn request(&self, name: &str, subject: &str, extensions: &str) -> Outcome {
        self.write(&format!("{name}.extensions"), extensions)?;
        self.openssl(&format!("req -new {KEY} -subj {subject} -keyout {name}.key -out {name}.csr"))
    }

    fn vouched(&self, name: &str, subject: &str, extensions: &str, authority: &str) -> Outcome {
        self.request(name, subject, extensions)?;
        let by = format!("-CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 2");
        self.openssl(&format!("x509 -req -in {name}.csr {by} -extfile {name}.extensions -out {name}.pem"))
    }

    fn openssl(&self, words: &str) -> Outcome {
        let shell = format!("cd '{}' && exec openssl {words}", self.0.display());
        run(&["/bin/sh", "-c", &shell])?.success().map(drop)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let path = self.file(name);
        fs::write(&path, text).map_err(|cause| Failure::during(format!("write {}", path.display()), cause))
    }
}
