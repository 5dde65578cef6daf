//! Unit files that several scenarios use. The guide's own stand in `guide.rs`.

/// A unit that runs until it is stopped.
pub(crate) const SLEEPER: &str = "[Unit]\nDescription=Sleeps\n\n[Service]\nExecStart=/bin/sleep infinity\n";

/// A unit whose stop takes ten seconds.
pub(crate) const SLOW_TO_STOP: &str =
    "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sh -c \"sleep 10; echo stopped in peace\"\n";

/// [`SLEEPER`] with lines for `[X-Fleet]`.
pub(crate) fn sleeper_with(x_fleet: &str) -> String {
    format!("{SLEEPER}\n[X-Fleet]\n{x_fleet}\n")
}
