//! One build: the two programs for one architecture, static, with nothing of this machine's paths in them. The flags
//! are the same whether the standard library is rustup's or built here.

use std::fs;
use std::path::{Path, PathBuf};

use ::tests::cargo;
use ::tests::failure::{Failure, Outcome};
use ::tests::run::{finish, run};

use crate::arch::Arch;
use crate::order;
use crate::std_library::Std;
use crate::tools::Tools;

/// Which optional parts are built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// For people.
    pub name: &'static str,
    /// cargo's words for it.
    pub words: &'static [&'static str],
    /// The largest agent that SPECIFICATION.md allows, stripped, in bytes.
    pub largest_agent_bytes: u64,
}

/// What is shipped.
pub const SHIPPED: Features = Features { name: "as shipped", words: &[], largest_agent_bytes: 2_600_000 };

/// The combinations whose sizes the README lists, the shipped one first.
pub const COMBINATIONS: [Features; 3] = [
    SHIPPED,
    Features {
        name: "without the store",
        words: &["--no-default-features", "--features", "agent/metrics,agent/tls,ctl/tls"],
        largest_agent_bytes: 1_900_000,
    },
    Features {
        name: "without TLS, metrics and store",
        words: &["--no-default-features"],
        largest_agent_bytes: 1_900_000,
    },
];

/// What rustc is told for every program: tables for unwinding are for nobody where a panic ends the program (270 kB of the
/// agent); a program that lies at a fixed address has shorter addresses in it, and its constants need no page of their own; and
/// what several functions have in common is there once (110 kB with the one before). The last names what the linker is told beside
/// its own layout; its path is below the checkout, where cargo links.
const FLAGS: [&str; 5] = [
    "-Clink-self-contained=no",
    "-Cforce-unwind-tables=no",
    "-Crelocation-model=static",
    "-Cllvm-args=-enable-machine-outliner=always",
    "-Clink-arg=-Wl,-T,cross/layout.ld",
];

/// What the C compiler is told, which compiles ring's C alone: tables of curve points, for a tenth of a millisecond in a handshake, are
/// 190 kB of each program. `layout.ld` has what ring's Rust half then misses.
const C_FLAGS: &str = "-DOPENSSL_SMALL";

/// What the linker reads beside the objects.
const LINKER_FILES: [&str; 2] = ["cross/layout.ld", order::FILE];

/// What to build, and where.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The checkout.
    pub source: &'a Path,
    /// cargo's target folder for it.
    pub target: &'a Path,
    /// For which machines.
    pub arch: Arch,
    /// With what.
    pub features: Features,
    /// The programs keep the names of their functions.
    pub names: bool,
    /// An archive with the standard library's source, if one was named.
    pub std_source: Option<&'a Path>,
}

/// The two programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `skiff-agent`
    pub agent: PathBuf,
    /// `ctl`
    pub ctl: PathBuf,
}

impl Job<'_> {
    /// Builds both programs; where they are fresh, nothing happens.
    ///
    /// # Errors
    /// cargo's own words.
    pub fn run(&self, tools: &Tools) -> Outcome<Programs> {
        let library = Std::find(self.arch, self.std_source)?;
        let target = self.target.display().to_string();
        // zigbuild first: it is an external subcommand, and all that follows is cargo's own.
        let mut call = cargo::command(&["zigbuild", "--quiet", "--release", "--locked"]);
        call.current_dir(self.source).args(["--package", "agent", "--package", "ctl"]);
        call.args(["--target", self.arch.triple(), "--target-dir", &target]).args(self.features.words);
        library.lend(&mut call);
        tools.lend(&mut call);
        call.env("RUSTFLAGS", self.flags(&library)?).env_remove("CARGO_ENCODED_RUSTFLAGS");
        call.env(format!("CFLAGS_{}", self.arch.triple().replace('-', "_")), C_FLAGS);
        if self.names {
            call.env("CARGO_PROFILE_RELEASE_STRIP", "false");
        }
        let folder = self.target.join(self.arch.triple()).join("release");
        self.forget_older(&folder)?;
        finish(call, &[])?.success()?;
        Ok(Programs { agent: folder.join("skiff-agent"), ctl: folder.join("ctl") })
    }

    /// cargo does not know what the linker reads: programs that are older than that are linked anew.
    fn forget_older(&self, folder: &Path) -> Outcome {
        let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let newest = LINKER_FILES.iter().filter_map(|file| changed(&self.source.join(file))).max();
        for entry in fs::read_dir(folder.join("deps")).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_program = ["skiff_agent-", "ctl-"]
                .iter()
                .any(|program| name.to_string_lossy().starts_with(program) && path.extension().is_none());
            if is_program && changed(&path) < newest {
                fs::remove_file(&path)
                    .map_err(|cause| Failure::during(format!("remove {}", path.display()), cause))?;
            }
        }
        Ok(())
    }

    /// zig brings the C library's start files; and paths go out of the binaries: they would tell where they were built.
    fn flags(&self, library: &Std) -> Outcome<String> {
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        let mut shown_as = |path: &Path, name: &str| {
            flags.push(format!("--remap-path-prefix={}={name}", path.display()));
        };
        shown_as(self.source, "/skiff");
        shown_as(self.target, "/skiff/target");
        shown_as(&cargo_home().join("registry/src"), "/crates");
        match library {
            Std::Source(library) => shown_as(library, "/rust/library"),
            Std::Installed => {
                let sysroot = run(&["rustc", "--print", "sysroot"])?.success()?.stdout;
                shown_as(&Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library"), "/rust/library");
            }
        }
        Ok(flags.join(" "))
    }
}

/// Where cargo keeps the sources of crates.
pub(crate) fn cargo_home() -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}
