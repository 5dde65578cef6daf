//! Unit files that several scenarios use, by the name they have here. The guide's own stand in `guide.rs`.

pub(crate) use tests::steady::{SLEEPER, SLOW_TO_STOP, sleeper_with};
