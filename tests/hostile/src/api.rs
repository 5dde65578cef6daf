//! The API's requests: path, query, page token and body of every route, read to the order or question they are, or
//! refused in words; and tokens that lead through a list once.

use arbitrary::{Arbitrary, Unstructured};
use fleet_api::{Call, Method, Request, fuzz};

use crate::{one_of, said};

/// What the first byte picks: `request`, `body`, `tokens`.
pub fn check(bytes: &[u8]) {
    one_of(&[request, body, tokens], bytes);
}

#[derive(Arbitrary, Debug)]
struct Given {
    route: u8,
    name: String,
    query: Vec<(u8, String)>,
    content_type: Option<String>,
    body: Vec<u8>,
}

const ROUTES: [(Method, &str); 12] = [
    (Method::Put, "units/NAME"),
    (Method::Patch, "machines"),
    (Method::Post, "rehearsal"),
    (Method::Get, "units"),
    (Method::Get, "units/NAME"),
    (Method::Get, "state"),
    (Method::Get, "state/NAME"),
    (Method::Get, "machines"),
    (Method::Get, "explain/NAME"),
    (Method::Get, "changes"),
    (Method::Delete, "units/NAME"),
    (Method::Post, "machines/NAME/drain"),
];

const PARAMETERS: [&str; 10] = [
    "nextPageToken",
    "all",
    "unitName",
    "machineID",
    "units",
    "machines",
    "states",
    "after",
    "waitMs",
    "lingering",
];

/// A request of one of the routes.
fn request(bytes: &[u8]) {
    let Ok(given) = Given::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let (method, path) = ROUTES[usize::from(given.route) % ROUTES.len()];
    let path = ["fleet", "v1"].into_iter().chain(path.split('/'));
    let path = path.map(|part| if part == "NAME" { given.name.clone() } else { part.to_owned() });
    let parameter = |which: u8| PARAMETERS[usize::from(which) % PARAMETERS.len()].to_owned();
    let query = given.query.into_iter().map(|(which, value)| (parameter(which), value));
    let request = Request {
        method,
        path: path.collect(),
        query: query.collect(),
        content_types: vec![given.content_type.unwrap_or_else(|| "application/json".to_owned())],
        body: given.body,
    };
    read(&request);
    orders(&request.body);
}

/// Any bytes as the body of each route that takes one.
fn body(bytes: &[u8]) {
    orders(bytes);
}

fn orders(body: &[u8]) {
    for (method, path) in [
        (Method::Put, &["fleet", "v1", "units", "web.service"][..]),
        (Method::Patch, &["fleet", "v1", "machines"]),
        (Method::Post, &["fleet", "v1", "rehearsal"]),
    ] {
        read(&Request {
            method,
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            query: Vec::new(),
            content_types: vec!["application/json".to_owned()],
            body: body.to_vec(),
        });
    }
}

fn read(request: &Request) {
    let Err(failure) = Call::read(request, 100) else { return };
    let status = failure.status.code();
    assert!((400..500).contains(&status), "{status} for what a client sent");
    if !failure.message.is_empty() {
        said(&failure.message);
    }
}

#[derive(Arbitrary, Debug)]
struct Pages {
    limit: u16,
    total: u16,
    tokens: Vec<String>,
}

/// Page tokens, forged ones and a server's own.
fn tokens(bytes: &[u8]) {
    let Ok(Pages { limit, total, tokens }) = Pages::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let asked = |tokens: Vec<String>| Request {
        method: Method::Get,
        path: Vec::new(),
        query: tokens.into_iter().map(|token| ("nextPageToken".to_owned(), token)).collect(),
        content_types: Vec::new(),
        body: Vec::new(),
    };
    for token in &tokens {
        match fuzz::page(&asked(vec![token.clone()]), limit, total.into()) {
            Err(message) => said(&message),
            Ok((before, size, next)) => {
                assert_eq!(size, usize::from(limit.max(1)));
                assert_eq!(before % size, 0);
                assert_eq!(next.is_some(), before + size < usize::from(total) && before / size + 1 < 65535);
            }
        }
    }
    if tokens.len() > 1 {
        assert!(fuzz::page(&asked(tokens), limit, 0).is_err());
    }
    // At most a thousand pages of each list.
    let limit = limit.max(total / 1000 + 1);
    let (mut token, mut passed) = (None, 0);
    loop {
        let request = asked(token.into_iter().collect());
        let (before, size, next) = fuzz::page(&request, limit, total.into()).unwrap();
        assert_eq!(before, passed);
        passed += size;
        match next {
            None => break,
            next => token = next,
        }
    }
    assert!(passed >= usize::from(total));
}
