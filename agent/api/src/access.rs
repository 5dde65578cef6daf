//! Who may do what: the roles that names of certificates have, and the decision on one request. How a name was proved
//! is up to whoever serves the API.

use super::failure::Failure;
use super::message::Method;
use super::status::Status;

/// In a list of names: any name that an authority vouches for.
const ANY: &str = "*";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Whoever may open the socket may do everything: the kernel or the network decides.
    Trusted,
    /// Nobody: certificates have roles here, and none was shown.
    NoCertificate,
    /// A certificate that has no single, plain common name.
    NoName,
    /// A certificate with this common name.
    Named(&'a str),
}

/// The names that have a role. `*` stands for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// May ask (`api_read`).
    pub read: Vec<String>,
    /// May ask and order (`api_operate`).
    pub operate: Vec<String>,
}

impl Roles {
    /// Decides on a request by its method: GET changes nothing and belongs to both roles, all others to `operate`.
    ///
    /// # Errors
    /// 403 with the reason, in words for whoever asked.
    pub fn check(&self, identity: Identity<'_>, method: Method) -> Result<(), Failure> {
        let name = match identity {
            Identity::Trusted => return Ok(()),
            Identity::NoCertificate => {
                return refuse("a client certificate is needed here, and none was shown".to_owned());
            }
            Identity::NoName => {
                return refuse(
                    "the client certificate has no single common name of letters, digits and -_.@:/+"
                        .to_owned(),
                );
            }
            Identity::Named(name) => name,
        };
        if has(&self.operate, name) {
            return Ok(());
        }
        if !has(&self.read, name) {
            return refuse(format!("the certificate's name {name:?} has no role here"));
        }
        if method == Method::Get {
            return Ok(());
        }
        refuse(format!("the certificate's name {name:?} may read here and change nothing"))
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == name || one == ANY)
}

fn refuse(message: String) -> Result<(), Failure> {
    Err(Failure::new(Status::Forbidden, message))
}

#[cfg(test)]
mod tests {
    use super::{Identity, Method, Roles};

    /// What becomes of a request, a line each: identity, method, and the answer.
    fn outcome(line: &str, roles: &Roles) -> String {
        let (who, method) = line.split_once(' ').unwrap();
        let identity = match who {
            "socket" => Identity::Trusted,
            "nothing" => Identity::NoCertificate,
            "unnamed" => Identity::NoName,
            name => Identity::Named(name.strip_prefix("cert=").unwrap()),
        };
        match roles.check(identity, Method::parse(method)) {
            Ok(()) => "may".to_owned(),
            Err(failure) => format!("{} {}", failure.status.code(), failure.message),
        }
    }

    #[test]
    fn every_decision_stands_in_the_golden_file() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/access.txt");
        let golden = std::fs::read_to_string(path).unwrap();
        let mut roles = Roles::default();
        let mut found = String::new();
        for line in golden.lines() {
            let names =
                |list: &str| list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let (case, _) = line.split_once(" -> ").unwrap_or((line, ""));
            found.push_str(case);
            if let Some((read, operate)) =
                case.strip_prefix("read=").and_then(|rest| rest.split_once(" operate="))
            {
                roles = Roles { read: names(read), operate: names(operate) };
            } else if !case.is_empty() && !case.starts_with('#') {
                found.push_str(" -> ");
                found.push_str(&outcome(case, &roles));
            }
            found.push('\n');
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, found).unwrap();
        } else {
            assert_eq!(found, golden);
        }
    }
}
