//! A process that is killed in the middle of its writes and started again, on a real disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kills.
const ROUNDS: usize = 5;

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(example());
        command.arg(folder).arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `target/debug/examples/serve`, which cargo builds beside this test.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/serve")
}

/// The answer's head and body, if a whole one came.
fn ask(address: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.ends_with("}\n").then_some(answer)
}

fn write(address: SocketAddr, key: &str) -> Option<String> {
    ask(
        address,
        &format!(
            "PUT /v2/keys{key}?value=v HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
    )
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let folder = std::env::temp_dir().join(format!("skiff-store-killed-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let mut process = Process::start(&folder);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let address = process.address;
                std::thread::spawn(move || {
                    let keys = (0..).map(|number| format!("/{round}/{writer}/{number}"));
                    keys.take_while(|key| write(address, key).is_some()).collect::<Vec<String>>()
                })
            })
            .collect();
        // Not a time but a number of writes decides when it dies.
        let last = format!("/{round}/0/{}", 3 + 7 * round);
        crate::patience::wait_until("some writes", Duration::from_secs(60), || {
            let get = format!("GET /v2/keys{last} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            match ask(process.address, &get) {
                Some(answer) if answer.contains(" 200 ") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
        process.kill();
        writers.into_iter().for_each(|writer| acknowledged.extend(writer.join().unwrap()));
    }
    let process = Process::start(&folder);
    let request = "GET /v2/keys?recursive=true HTTP/1.0\r\nHost: x\r\n\r\n";
    let all = ask(process.address, request).unwrap();
    for key in &acknowledged {
        assert!(all.contains(&format!("\"key\":\"{key}\"")), "{key} of {} is lost", acknowledged.len());
    }
    assert!(acknowledged.len() > ROUNDS * 3, "{} writes", acknowledged.len());
    let _ = std::fs::remove_dir_all(&folder);
}
