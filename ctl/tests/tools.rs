//! ctl beside the programs people use it with: shells, a terminal, pipes, man. Needs those programs (Debian packages bash,
//! zsh, fish, tmux, jq, man-db, groff), so plain `cargo test` leaves it out.

#[cfg(test)]
mod double;
#[cfg(test)]
mod run;
#[cfg(test)]
mod terminal;

#[cfg(test)]
#[path = "tools/mistakes.rs"]
mod mistakes;
#[cfg(test)]
#[path = "tools/pages.rs"]
mod pages;
#[cfg(test)]
#[path = "tools/pipes.rs"]
mod pipes;
#[cfg(test)]
#[path = "tools/shells.rs"]
mod shells;
