//! The checks of `cargo verify`, in the order in which their failures are cheapest to find.

use std::process::{Command, Stdio};

use crate::cargo::command;
use crate::failure::{Failure, Outcome};
use crate::fuzz;
use crate::install::{PROFILE, READY_BINARIES, workspace};
use crate::run::{exit_number, finish};
use crate::verify::house;

/// Lines of a failed check's output that are shown.
const SHOWN_LINES: usize = 300;

/// One check.
pub(super) struct Step {
    /// What it says on its line.
    pub name: &'static str,
    /// Left out by `--quick`.
    pub slow: bool,
    /// The check; the failure is what is shown.
    pub run: fn() -> Outcome,
}

pub(super) fn all() -> impl Iterator<Item = Step> {
    source().into_iter().chain(tested()).chain(shipping())
}

/// What is seen without running anything of it.
fn source() -> [Step; 6] {
    [
        quick("house rules", || house::check(&workspace())),
        quick("format", || cargo(&["fmt", "--all", "--check"])),
        quick("clippy", || {
            cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny", "warnings"])
        }),
        quick("clippy, without TLS", || {
            let words = ["clippy", "--package", "agent", "--package", "ctl", "--no-default-features"];
            cargo(&[&words[..], &["--", "--deny", "warnings"]].concat())
        }),
        quick("exposure of the agent's unit", || {
            let words = ["security", "--offline=yes", "--threshold=50", "--no-pager", "dist/fleet.service"];
            let mut analyse = Command::new("systemd-analyze");
            analyse.args(words).current_dir(workspace());
            quietly(analyse)
        }),
        quick("documentation", document),
    ]
}

/// What `cargo test` runs, without features and with those that want something real beside it.
fn tested() -> [Step; 8] {
    [
        quick("unit and property tests", || cargo(&["test", "--workspace"])),
        quick("the registry on a real etcd", || test("registry", "real-etcd", &[])),
        quick("the shim on a real systemd", || test("systemd-shim", "real-systemd", &[])),
        quick("the store beside a real etcd", || test("store", "real-etcd", &["differential", "etcdctl"])),
        quick("the agent on a real etcd, a hostile one, and with curl", || {
            test("agent", "real-etcd,real-curl,real-systemd", &[])
        }),
        quick("packages and cloud-configs, read by others", || test("cross", "real-parsers", &[])),
        quick("ctl on a real etcd", || test("ctl", "real-etcd", &[])),
        quick("ctl in real shells, terminals and pipes", || test("ctl", "real-tools", &["tools"])),
    ]
}

/// What boots machines, takes minutes, or builds what is shipped.
fn shipping() -> [Step; 7] {
    [
        slow("licences, sources and duplicates of dependencies", deny),
        slow("ten seconds of each fuzz target", || fuzz::fuzz(fuzz::VERIFY_SECONDS, &[], false)),
        slow("static binaries, packages and cloud-configs", || openly(command(&["cross"]))),
        slow("scenarios on real machines, with etcd and with Skiff's own store", scenarios),
        slow("faults on real machines, the short ones", faults),
        slow("demo", || demo(&["demo"])),
        slow("demo on a real etcd", || demo(&["demo", "--etcd"])),
    ]
}

fn quick(name: &'static str, run: fn() -> Outcome) -> Step {
    Step { name, slow: false, run }
}

fn slow(name: &'static str, run: fn() -> Outcome) -> Step {
    Step { name, slow: true, run }
}

/// Tests of a package with features; all of them, or those in some files.
fn test(package: &str, features: &str, files: &[&str]) -> Outcome {
    let files = files.iter().flat_map(|file| ["--test", file]);
    let words: Vec<&str> =
        ["test", "--package", package, "--features", features].into_iter().chain(files).collect();
    cargo(&words)
}

fn cargo(words: &[&str]) -> Outcome {
    quietly(command(words))
}

/// Runs it and shows the end of what it printed only if it fails.
fn quietly(call: Command) -> Outcome {
    let ran = finish(call, &[])?;
    if ran.exit == 0 {
        return Ok(());
    }
    let printed = format!("{}\n{}", ran.stdout, ran.stderr);
    let lines: Vec<&str> = printed.lines().collect();
    let tail =
        lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)).copied().collect::<Vec<_>>().join("\n");
    Err(Failure::new(format!("`{}` exited {}\n{tail}", ran.call, ran.exit)))
}

/// Runs it with its output on ours: it reports line by line and takes minutes.
fn openly(mut call: Command) -> Outcome {
    let status = call.stdin(Stdio::null()).status();
    let status = status.map_err(|cause| Failure::during("run cargo", cause))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("exited {}", exit_number(status)))) }
}

fn document() -> Outcome {
    let mut call = command(&["doc", "--workspace", "--no-deps", "--all-features"]);
    call.env("RUSTDOCFLAGS", "--deny warnings");
    quietly(call)
}

/// Advisories are left out: their database lies on another host, and a check that fails with the network is none.
fn deny() -> Outcome {
    let there = finish(command(&["deny", "--version"]), &[])?;
    if there.exit != 0 {
        // Unoptimised: it runs once, for seconds, and takes minutes less to build.
        cargo(&["install", "cargo-deny", "--locked", "--debug"])?;
    }
    cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"])
}

/// What `cargo cross` built for this machine: from there on, what is tested is what is shipped.
fn shipped(mut call: Command) -> Command {
    let triple = format!("target/cross/{}-unknown-linux-musl/release", std::env::consts::ARCH);
    call.env(READY_BINARIES, workspace().join(triple));
    call
}

fn scenarios() -> Outcome {
    let words = ["test", "--quiet", "--package", "tests", "--features", "scenarios", "--test", "scenarios"];
    let mut call = shipped(command(&words));
    // Nothing that is shipped is built here, only the server for Skiff's own store, which the tests before have built so.
    call.env(PROFILE, "dev");
    openly(call)
}

fn faults() -> Outcome {
    openly(shipped(command(&["run", "--quiet", "--package", "tests", "--bin", "faults", "--", "--gate"])))
}

fn demo(words: &[&str]) -> Outcome {
    quietly(shipped(command(words)))
}
