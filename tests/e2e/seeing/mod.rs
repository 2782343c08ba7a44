//! What an administrator sees of a daemon that runs, and changes about it.

mod commands;
mod dashboards;
mod http;
mod load;
mod protocol;
mod watch;

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use serde_json::Value;
use spiped_tests::{Daemon, Endpoint, Exit, Lab, Process, Program, Spiped, wait};

/// A daemon that can be seen.
struct Seen<'a> {
    lab: &'a Lab,
    daemon: Daemon,
    metrics: Endpoint,
}

impl<'a> Seen<'a> {
    /// A `spiped -d` to this target.
    #[track_caller]
    fn server(lab: &'a Lab, target: &dyn fmt::Display) -> Self {
        Self::start(lab, Spiped::decrypt(lab, target))
    }

    /// This one.
    #[track_caller]
    fn start(lab: &'a Lab, spiped: Spiped) -> Self {
        let metrics = lab.tcp();
        let (control, at) = (lab.path(CONTROL), metrics.to_string());
        let args = ["--control", control.to_str().unwrap(), "--metrics", &at];
        let daemon = spiped.args(&args).start();
        Self { lab, daemon, metrics }
    }

    /// Runs a command that talks to it.
    #[track_caller]
    fn run(&self, words: &[&str]) -> Exit {
        run(self.lab, words)
    }

    /// The same, which has to work. Says what it printed.
    #[track_caller]
    fn see(&self, words: &[&str]) -> String {
        let exit = self.run(words);
        exit.expect_success();
        String::from_utf8(exit.stdout).unwrap()
    }

    /// What `status --json` says of the only pipe.
    #[track_caller]
    fn pipe(&self) -> Value {
        let status: Value = serde_json::from_str(&self.see(&["status", "--json"])).unwrap();
        assert_eq!(status["pipes"].as_array().unwrap().len(), 1);
        status["pipes"][0].clone()
    }

    /// What `list --json` says.
    #[track_caller]
    fn list(&self) -> Vec<Value> {
        let lines = self.see(&["list", "--json"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until so many connections are at this stage, and lists them.
    #[track_caller]
    fn wait_for(&self, count: usize, stage: &str) -> Vec<Value> {
        wait::until_some(&format!("{count} connections were {stage}"), || {
            let mut connections = self.list();
            connections.retain(|connection| connection["stage"] == stage);
            (connections.len() == count).then_some(connections)
        })
    }

    /// The status code and the body of an answer over HTTP.
    #[track_caller]
    fn get(&self, path: &str) -> (u16, String) {
        let (code, _, body) = self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        (code, body)
    }

    /// The status code, the headers and the body of the answer to this request.
    #[track_caller]
    fn ask(&self, request: &str) -> (u16, String, String) {
        let mut stream = self.http();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let code = head.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer}"));
        (code.parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
    }

    fn http(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.metrics.port())).unwrap();
        stream.set_read_timeout(Some(wait::LIMIT)).unwrap();
        stream
    }

    /// The value of a metric, with its labels as they are written.
    #[track_caller]
    fn metric(&self, name: &str) -> f64 {
        let (code, text) = self.get("/metrics");
        assert_eq!(code, 200);
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// A connection to the control socket.
    fn control(&self) -> Control {
        Control::to(&self.lab.path(CONTROL))
    }
}

/// Runs a command that talks to the daemon of this lab.
#[track_caller]
fn run(lab: &Lab, words: &[&str]) -> Exit {
    let control = lab.path(CONTROL);
    let words = [words, &["--control", control.to_str().unwrap()]].concat();
    Process::spawn(Program::Spiped.ours(lab, &words)).wait()
}

/// A client of the control socket that knows no rules.
struct Control(BufReader<UnixStream>);

impl Control {
    fn to(path: &std::path::Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(wait::LIMIT)).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// The next line, or nothing at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// The answer to one line.
    fn ask(&mut self, line: &str) -> Value {
        self.send(format!("{line}\n").as_bytes());
        serde_json::from_str(&self.line()).unwrap()
    }
}

const CONTROL: &str = "control";
