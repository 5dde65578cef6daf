//! Writes man pages and completion scripts: `cargo run -p ctl --example documents -- FOLDER` fills FOLDER as `/usr` would
//! be. What is in them is `ctl::documents`' business.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("documents: name the folder to write to");
        return ExitCode::from(2);
    };
    for (path, text) in ctl::documents::all() {
        let path = Path::new(&folder).join(path);
        if let Err(cause) = write(&path, &text) {
            eprintln!("documents: write {}: {cause}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{}", path.display());
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
