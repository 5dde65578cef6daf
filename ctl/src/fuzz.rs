//! Doors for the fuzz targets: every answer of the API that ctl reads. What has to hold of them is checked over there.

pub use crate::api::fuzz::*;
