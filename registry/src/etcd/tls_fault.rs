//! What went wrong with TLS, in words that say whose certificate it is about: rustls names the rule that was broken.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The fault in words, with rustls' own behind them. `ctl` uses it for the API as the client of etcd does.
#[must_use]
pub fn tls_fault(error: &Error) -> String {
    let words = match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "whatever listens there does not speak TLS"
        }
        Error::InvalidCertificate(fault) => of_server(fault),
        Error::AlertReceived(alert) => of_client(*alert),
        _ => return error.to_string(),
    };
    format!("{words} ({error})")
}

/// The same of an error that a TLS connection gave; none if it is not about TLS.
#[must_use]
pub fn tls_fault_of_io(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref().map(tls_fault)
}

const fn of_server(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name"
        }
        CertificateError::UnknownIssuer => {
            "no authority that is trusted here signed the server's certificate"
        }
        _ => "the server's certificate cannot be accepted",
    }
}

const fn of_client(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => "the server wants a certificate of this client",
        AlertDescription::UnknownCA => "the server does not trust whoever signed this client's certificate",
        AlertDescription::CertificateExpired => "this client's certificate has expired",
        _ => "the server refuses this client's certificate, or wants one",
    }
}
