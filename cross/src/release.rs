//! One release, from the checkout to the files that users get.

use std::fs;
use std::path::{Path, PathBuf};

use ::tests::failure::{Failure, Outcome};
use ::tests::run::run;

use crate::arch::Arch;
use crate::bill;
use crate::build::{Job, Programs, SHIPPED};
use crate::check::check;
use crate::cloud::{self, Fetched};
use crate::deb;
use crate::generated;
use crate::licences;
use crate::linked::{self, Linked};
use crate::pack::{gz, release_name, sums, tar_gz};
use crate::sizes::kb;
use crate::tools::Tools;
use crate::tree::{Papers, lay_out};

/// The version of everything in the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The two programs' names.
pub const PROGRAMS: [&str; 2] = ["skiff-agent", "ctl"];

/// What is made from what.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The checkout.
    pub source: &'a Path,
    /// cargo's target folder for it.
    pub target: &'a Path,
    /// Where the results go.
    pub results: &'a Path,
    /// For which machines.
    pub archs: &'a [Arch],
    /// An archive with the standard library's source, if one was named.
    pub std_source: Option<&'a Path>,
}

/// Makes everything but the cloud-configs, a line on standard output for each architecture.
///
/// # Errors
/// The first step that failed.
pub fn release(order: &Order<'_>) -> Outcome {
    let tools = Tools::ensure()?;
    fs::create_dir_all(order.results)
        .map_err(|cause| Failure::during(format!("create {}", order.results.display()), cause))?;
    for arch in order.archs.iter().copied() {
        let Order { source, target, std_source, .. } = *order;
        let programs =
            Job { source, target, arch, features: SHIPPED, names: false, std_source }.run(&tools)?;
        let [agent, ctl] = check(arch, SHIPPED, &programs)?;
        let linked = linked::crates(source, arch, SHIPPED)?;
        let papers = papers(&linked, &tools)?;
        packages(order, arch, &programs, &papers)?;
        println!(
            "{arch}: static; {} {}, {} {}; {} crates of others linked",
            agent.name,
            kb(agent.bytes),
            ctl.name,
            kb(ctl.bytes),
            linked.iter().filter(|one| !one.ours).count()
        );
    }
    sums(order.results)
}

fn papers(linked: &[Linked], tools: &Tools) -> Outcome<Papers> {
    let rust = run(&["rustc", "--version"])?.success()?.stdout;
    let rust = rust.split_whitespace().nth(1).unwrap_or_default().to_owned();
    Ok(Papers { licences: licences::text(linked, tools)?, bill: bill::of_materials(VERSION, &rust, linked) })
}

fn packages(order: &Order<'_>, arch: Arch, programs: &Programs, papers: &Papers) -> Outcome {
    let scratch = order.target.join("release").join(arch.name());
    let root = scratch.join("root");
    let name = release_name(VERSION, arch);
    lay_out(&root, order.source, programs, papers)?;
    generated::lay_out(order.source, &root)?;
    tar_gz(&root, &name, &order.results.join(format!("{name}.tar.gz")))?;
    let package = order.results.join(format!("skiff_{VERSION}_{}.deb", arch.debian()));
    deb::pack(order.source, &root, &scratch, (VERSION, arch), &package)?;
    for (file, name) in [(&programs.agent, PROGRAMS[0]), (&programs.ctl, PROGRAMS[1])] {
        gz(file, &compressed(order.results, name, arch))?;
    }
    let bill = order.results.join(format!("{name}.cdx.json"));
    fs::write(&bill, &papers.bill)
        .map_err(|cause| Failure::during(format!("write {}", bill.display()), cause))
}

/// The program as a file of its own, for cloud-configs to fetch.
fn compressed(results: &Path, program: &str, arch: Arch) -> PathBuf {
    results.join(format!("{program}-{arch}.gz"))
}

/// Makes the cloud-configs for the programs of a release, and lists everything in `SHA256SUMS`.
///
/// # Errors
/// The release is not there, or a part of the template cannot be read.
pub fn cloud_configs(order: &Order<'_>, url: &str, conf: &Path) -> Outcome {
    for arch in order.archs.iter().copied() {
        let fetched = PROGRAMS.iter().map(|program| {
            let packed = compressed(order.results, program, arch);
            Fetched::read(program, &packed, url)
        });
        let fetched = fetched.collect::<Outcome<Vec<_>>>()?;
        cloud::write_all(order.source, conf, arch, &fetched, &order.results.join("cloud-config"))?;
    }
    sums(order.results)
}
