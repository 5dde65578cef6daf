//! Which part of a list is asked for: a page by its token (contract §5.1), or with `all=1` everything at once. The
//! list itself is none of its business.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use super::message::Request;

use super::failure::Failure;

/// The part of a list a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Everything, as one page.
    All,
    /// One page.
    Page(Token),
}

/// Which page of how many objects each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Objects on a page.
    limit: u16,
    /// Pages count from 1.
    page: u16,
}

/// True for a parameter that turns something on.
pub(super) fn is_yes(value: &str) -> bool {
    matches!(value, "1" | "true")
}

impl Extent {
    /// Reads `all` and `nextPageToken` of a request to a server whose pages hold `limit` objects.
    ///
    /// # Errors
    /// The token is none, or one of a server with other pages.
    pub(super) fn asked(request: &Request, limit: u16) -> Result<Self, Failure> {
        if request.parameter("all").any(is_yes) {
            return Ok(Self::All);
        }
        let limit = limit.max(1);
        let mut tokens = request.parameter("nextPageToken");
        let token = tokens.next().unwrap_or_default();
        if tokens.next().is_some() {
            return Err(Failure::bad_request("too many values for page token"));
        }
        if token.is_empty() {
            return Ok(Self::Page(Token { limit, page: 1 }));
        }
        Token::read(token, limit).map(Self::Page)
    }

    /// How many objects come before this part, and the most it has.
    pub(super) fn bounds(self) -> (usize, usize) {
        match self {
            Self::All => (0, usize::MAX),
            Self::Page(token) => {
                (usize::from(token.limit) * usize::from(token.page - 1), usize::from(token.limit))
            }
        }
    }

    /// The token of the page after this one, if a list of `total` objects has one.
    pub(super) fn next(self, total: usize) -> Option<String> {
        let Self::Page(token) = self else { return None };
        let (before, size) = self.bounds();
        if before + size >= total {
            return None;
        }
        Some(Token { page: token.page.checked_add(1)?, ..token }.write())
    }
}

impl Token {
    fn read(text: &str, limit: u16) -> Result<Self, Failure> {
        let bytes = URL_SAFE.decode(text).ok().and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        let Some([limit_low, limit_high, page_low, page_high]) = bytes else {
            return Err(Failure::bad_request("malformed page token"));
        };
        let token = Self {
            limit: u16::from_le_bytes([limit_low, limit_high]),
            page: u16::from_le_bytes([page_low, page_high]),
        };
        if token.limit != limit {
            return Err(Failure::bad_request(format!("token limit must be {limit}")));
        }
        if token.page == 0 {
            return Err(Failure::bad_request("token page must be greater than zero"));
        }
        Ok(token)
    }

    fn write(self) -> String {
        let [limit_low, limit_high] = self.limit.to_le_bytes();
        let [page_low, page_high] = self.page.to_le_bytes();
        URL_SAFE.encode([limit_low, limit_high, page_low, page_high])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::Method;

    fn asked(query: &[(&str, &str)], limit: u16) -> Result<Extent, String> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (content_types, body) = (Vec::new(), Vec::new());
        let request = Request { method: Method::Get, path: Vec::new(), query, content_types, body };
        Extent::asked(&request, limit).map_err(|failure| {
            assert_eq!(failure.status.code(), 400);
            failure.message
        })
    }

    #[test]
    fn the_contract_s_token() {
        assert_eq!(
            asked(&[("nextPageToken", "ZAACAA==")], 100),
            Ok(Extent::Page(Token { limit: 100, page: 2 }))
        );
        assert_eq!(asked(&[], 100).unwrap().next(101).as_deref(), Some("ZAACAA=="));
        assert_eq!(asked(&[("alt", "json"), ("nextPageToken", "")], 100), asked(&[], 100));
        assert_eq!(asked(&[("all", "1"), ("nextPageToken", "?")], 100), Ok(Extent::All));
        assert_eq!(asked(&[("all", "0")], 100), asked(&[], 100));
    }

    #[test]
    fn bad_tokens_are_named() {
        let error = |tokens: &[&str]| {
            let query: Vec<_> = tokens.iter().map(|token| ("nextPageToken", *token)).collect();
            asked(&query, 100).unwrap_err()
        };
        assert_eq!(error(&["ZAACAA==", "ZAACAA=="]), "too many values for page token");
        assert_eq!(error(&["ZQACAA=="]), "token limit must be 100");
        assert_eq!(error(&["ZAAAAA=="]), "token page must be greater than zero");
        for token in ["ZAACAA", "ZAACAA=", "!", "ZAACAAA=", "ZAACAAAA", "\u{e4}", "ZAACAB=="] {
            assert_eq!(error(&[token]), "malformed page token", "{token}");
        }
    }

    #[test]
    fn no_page_is_empty_but_the_first() {
        let first = asked(&[], 10).unwrap();
        assert_eq!((first.next(0), first.next(10)), (None, None));
        assert!(first.next(11).is_some());
        assert_eq!(Extent::All.next(1000), None);
        let last = Extent::Page(Token { limit: 1, page: u16::MAX });
        assert_eq!(last.next(usize::MAX), None);
    }

    proptest! {
        #[test]
        fn tokens_lead_through_a_list_once(limit in 1_u16.., total in 0_usize..2000) {
            let mut extent = asked(&[], limit).unwrap();
            let mut seen = 0;
            for _ in 0..=total {
                let (before, size) = extent.bounds();
                prop_assert_eq!(before, seen);
                seen += size.min(total - before);
                let Some(token) = extent.next(total) else { break };
                prop_assert!(seen < total);
                extent = asked(&[("nextPageToken", &token)], limit).unwrap();
            }
            prop_assert_eq!(seen, total);
        }

        #[test]
        fn any_text_is_a_token_or_an_error(text in ".*", limit in any::<u16>()) {
            let _ = asked(&[("nextPageToken", &text)], limit);
        }
    }
}
