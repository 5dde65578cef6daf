//! Doors for the fuzz targets: page tokens. Everything else of a request is read by [`Call::read`](super::Call::read).

use super::message::Request;
use super::page::Extent;

/// How many objects come before the page a request asks for, how many it has at most, and the next page's token in a list
/// of `total` objects.
///
/// # Errors
/// The message of a refusal.
pub fn page(request: &Request, limit: u16, total: usize) -> Result<(usize, usize, Option<String>), String> {
    let extent = Extent::asked(request, limit).map_err(|failure| failure.message)?;
    let (before, size) = extent.bounds();
    Ok((before, size, extent.next(total)))
}
