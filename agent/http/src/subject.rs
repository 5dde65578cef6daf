//! The name in a client's certificate: its common name, if it has exactly one and it is a plain word. Whether the
//! certificate is any good was decided before; rustls-webpki finds the subject in it, the rest is four kinds of element.

use cluster::limits::CERTIFICATE_NAME_MAX_BYTES;
use rustls::pki_types::CertificateDer;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
/// UTF8String, PrintableString, IA5String: where the text is ASCII, its bytes are the text.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];
/// 2.5.4.3, commonName.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// The certificate's common name.
pub(super) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    only_name(certificate.subject()).map(str::to_owned)
}

/// The one common name of a distinguished name, which is given without its own tag and length. None if there are
/// several: which of them a rule means would be a guess.
fn only_name(mut subject: &[u8]) -> Option<&str> {
    let mut found = None;
    while !subject.is_empty() {
        let (mut set, rest) = element(subject, SET)?;
        subject = rest;
        while !set.is_empty() {
            let (pair, rest) = element(set, SEQUENCE)?;
            set = rest;
            let (kind, value) = element(pair, OBJECT_ID)?;
            if kind == COMMON_NAME && found.replace(value).is_some() {
                return None;
            }
        }
    }
    let found = found?;
    let tag = TEXTS.into_iter().find(|tag| found.first() == Some(tag))?;
    let (text, rest) = element(found, tag)?;
    let text = std::str::from_utf8(text).ok()?;
    (rest.is_empty() && is_plain(text)).then_some(text)
}

/// Fit for a comma list in a configuration and for a word in a log line.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:/+".contains(&byte);
    !text.is_empty() && text.len() <= CERTIFICATE_NAME_MAX_BYTES && text.bytes().all(plain)
}

/// Content of an element with this tag, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = input.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match (*length, rest) {
        (short @ 0..=0x7f, rest) => (usize::from(short), rest),
        (0x81, [long @ 0x80..=0xff, rest @ ..]) => (usize::from(*long), rest),
        (0x82, [high @ 1..=0xff, low, rest @ ..]) => ((usize::from(*high) << 8) | usize::from(*low), rest),
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{COMMON_NAME, CertificateDer, OBJECT_ID, SEQUENCE, SET, common_name, only_name};
    use rustls::pki_types::pem::PemObject;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let bytes = length.to_be_bytes();
        let mut out = vec![tag];
        match length {
            0..0x80 => out.push(bytes[7]),
            0x80..0x100 => out.extend([0x81, bytes[7]]),
            _ => out.extend([0x82, bytes[6], bytes[7]]),
        }
        out.extend(content);
        out
    }

    fn pair(kind: &[u8], tag: u8, text: &[u8]) -> Vec<u8> {
        wrap(SEQUENCE, &[wrap(OBJECT_ID, kind), wrap(tag, text)].concat())
    }

    fn named(text: &[u8]) -> Vec<u8> {
        wrap(SET, &pair(&COMMON_NAME, 0x0c, text))
    }

    #[test]
    fn the_one_common_name_is_found() {
        let organisation = |text: &[u8]| wrap(SET, &pair(&[0x55, 4, 10], 0x13, text));
        assert_eq!(only_name(&named(b"alice")), Some("alice"));
        assert_eq!(
            only_name(&[organisation(b"O"), named(b"ops@example.com")].concat()),
            Some("ops@example.com")
        );
        // Lengths of one, two and three bytes before it.
        assert_eq!(only_name(&[organisation(&[b'x'; 200]), named(b"a")].concat()), Some("a"));
        assert_eq!(only_name(&[organisation(&[b'x'; 300]), named(b"a")].concat()), Some("a"));
        let both = wrap(SET, &[pair(&[0x55, 4, 10], 0x0c, b"O"), pair(&COMMON_NAME, 0x16, b"a.b")].concat());
        assert_eq!(only_name(&both), Some("a.b"));
        assert_eq!(only_name(&named(&[b'x'; 64])).map(str::len), Some(64));
    }

    #[test]
    fn what_could_be_mistaken_is_no_name() {
        assert_eq!(only_name(&[]), None);
        assert_eq!(only_name(&[named(b"alice"), named(b"bob")].concat()), None, "two");
        for text in [
            &b""[..],
            b"a,b",
            b"a b",
            b"a\0",
            b"a\n",
            b"*",
            "\u{e4}".as_bytes(),
            b"\xff",
            b"a=b",
            b"a\"",
            &[b'x'; 65],
        ] {
            assert_eq!(only_name(&named(text)), None, "{text:?}");
        }
        // BMPString: two bytes a character.
        assert_eq!(only_name(&wrap(SET, &pair(&COMMON_NAME, 0x1e, b"\0a"))), None);
        let trailing = [wrap(OBJECT_ID, &COMMON_NAME), wrap(0x0c, b"a"), wrap(0x0c, b"b")].concat();
        assert_eq!(only_name(&wrap(SET, &wrap(SEQUENCE, &trailing))), None);
    }

    #[test]
    fn nothing_but_der_is_read() {
        let whole = [named(b"alice"), wrap(SET, &pair(&[0x55, 4, 10], 0x0c, &[b'x'; 200]))].concat();
        assert_eq!(only_name(&whole), Some("alice"));
        for cut in 1..whole.len() {
            let found = only_name(&whole[..cut]);
            assert!(found.is_none() || cut == named(b"alice").len(), "{cut}: {found:?}");
        }
        // A length in more bytes than it needs, and one without end.
        assert_eq!(only_name(&[0x31, 0x81, 0x01, 0]), None);
        assert_eq!(only_name(&[0x31, 0x82, 0x00, 0x80]), None);
        assert_eq!(only_name(&[0x31, 0x80, 0, 0]), None);
        assert_eq!(only_name(&[0x31, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        for at in 0..whole.len() {
            for value in 0..=u8::MAX {
                let mut odd = whole.clone();
                odd[at] = value;
                assert!(only_name(&odd).is_none_or(|name| name.len() <= 64));
            }
        }
    }

    #[test]
    fn certificates_of_openssl_are_read() {
        let file = |name: &str| format!("{}/../../ctl/testdata/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        for name in ["client", "server", "authority"] {
            let certificate = CertificateDer::from_pem_file(file(name)).unwrap();
            assert_eq!(common_name(&certificate).as_deref(), Some(name));
        }
    }
}
