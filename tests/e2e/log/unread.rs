//! Whoever should read the log does not: everything else goes on.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::thread;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use spiped_tests::{Backend, Background, Conn, Daemon, Ending, Lab, Spiped, procfs, wait};

use super::{probe, send_garbage};

#[test]
fn standard_error_that_nobody_reads_stops_nothing_and_losses_are_counted() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut unread = Unread::new(&lab, "log");
    let server = unread.daemon(&Spiped::decrypt(&lab, backend.endpoint()));
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut established = established(&client);

    flood(&server);
    established.expect_echo(b"still served");
    expect_service(&client);

    let log = unread.read_until(" lines lost: the reader of the log was too slow\n");
    assert!(log.contains("refused: wrong key, or not a spiped peer"), "{log}");
    established.expect_echo(b"still served");
    expect_service(&client);
}

#[test]
fn sigterm_ends_a_daemon_whose_log_nobody_reads() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let unread = Unread::new(&lab, "log");
    let mut server = unread.daemon(&Spiped::decrypt(&lab, backend.endpoint()));
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut established = established(&client);
    flood(&server);

    server.process.signal(Signal::SIGTERM);
    wait::until("the listener was closed", || !procfs::is_listening(server.source()));
    established.expect_echo(b"still served");
    assert!(server.process.is_running());
    established.half_close();
    established.expect_nothing_but(Ending::Closed);
    server.process.wait().expect_success();
}

#[test]
fn counters_that_nobody_reads_stop_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let unread = Unread::new(&lab, "log");
    let server = unread.daemon(&Spiped::decrypt(&lab, backend.endpoint()));
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut established = established(&client);
    for signal in [Signal::SIGUSR1, Signal::SIGHUP].repeat(100) {
        server.process.signal(signal);
        established.expect_echo(b"still served");
    }
    expect_service(&client);
}

#[test]
fn last_words_come_out_before_the_end() {
    let lab = Lab::new();
    for _ in 0..20 {
        let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("missing");
        spiped.spawn().wait().expect_failure("Cannot open file: missing");
    }
}

#[test]
fn error_at_the_start_that_nobody_reads_does_not_keep_the_program() {
    let lab = Lab::new();
    let unread = Unread::new(&lab, "log");
    unread.fill();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("missing").under(unread.wrapper());
    assert_eq!(spiped.spawn().wait().code(), Some(1));
}

#[test]
fn spipe_whose_log_nobody_reads_ends() {
    let lab = Lab::new();
    let unread = Unread::new(&lab, "log");
    unread.fill();
    let spiped = Spiped::decrypt(&lab, &lab.tcp()).start();
    let command = format!(
        "exec '{}' -t '{}' -k other-key 2>log",
        spiped_tests::Program::Spipe.path(spiped_tests::Origin::Ours).display(),
        spiped.source()
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &command]).current_dir(lab.directory());
    let (mut spipe, _stdin, _stdout) = spiped_tests::Process::spawn_with_streams(shell);
    assert_eq!(spipe.wait().code(), Some(1));
}

#[test]
fn service_manager_that_does_not_read_stops_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let path = lab.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let notify = format!("NOTIFY_SOCKET={}", path.display());
    let server = Spiped::decrypt(&lab, backend.endpoint()).under(["env", &notify]).start();
    let mut buffer = [0; 64];
    let len = manager.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"READY=1\n");

    fill(&path);
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut established = established(&client);
    for count in 1..=20 {
        server.process.signal(Signal::SIGHUP);
        wait::until("the keys were read again", || {
            server.process.stderr().matches("Keys reloaded: ").count() == count
        });
    }
    established.expect_echo(b"still served");
    expect_service(&client);
    let lost = "Cannot notify the service manager (NOTIFY_SOCKET): ";
    server.process.wait_for_stderr(lost);
}

#[test]
fn service_manager_may_have_an_abstract_socket() {
    use std::os::linux::net::SocketAddrExt;
    let lab = Lab::new();
    let name = format!("spiped-{}", lab.tcp().port());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    let notify = format!("NOTIFY_SOCKET=@{name}");
    let _server = Spiped::decrypt(&lab, &lab.tcp()).under(["env", &notify]).start();
    let mut buffer = [0; 64];
    let len = manager.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"READY=1\n");
}

#[test]
fn syslog_that_hangs_stops_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let path = lab.path("syslog");
    let _syslog = UnixDatagram::bind(&path).unwrap();
    let wrapper = super::fields::in_a_system_with(&format!(
        "mount -t tmpfs dev /dev && mknod -m 666 /dev/null c 1 3 && ln -s '{}' /dev/log",
        path.display()
    ));
    let pid_file = lab.path("pid");
    let spiped = Spiped::decrypt(&lab, backend.endpoint()).under(wrapper);
    let spiped =
        spiped.args(&["--syslog", "--log-level", "debug", "-p", pid_file.to_str().unwrap()]);
    spiped.run().expect_success();
    let server = Background::from_pid_file(&pid_file);
    let client = Spiped::encrypt(&lab, spiped.source_endpoint()).start();
    let mut established = established(&client);
    for _ in 0..100 {
        drop(Conn::to(spiped.source_endpoint()));
    }
    established.expect_echo(b"still served");
    expect_service(&client);
    drop(established);
    drop(client);
    server.terminate();
}

/// More lines than there is room for.
#[track_caller]
fn flood(server: &Daemon) {
    for _ in 0..1000 {
        send_garbage(server);
    }
    for _ in 0..3000 {
        probe(server);
    }
}

#[track_caller]
fn established(client: &Daemon) -> Conn {
    let mut conn = client.connect();
    conn.expect_echo(b"established");
    conn
}

#[track_caller]
fn expect_service(client: &Daemon) {
    established(client);
}

/// Fills the queue of a socket.
fn fill(path: &PathBuf) {
    let socket = UnixDatagram::unbound().unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.connect(path).unwrap();
    while socket.send(b"unread").is_ok() {}
}

/// A small pipe at a path, which stays open and is not read.
struct Unread {
    path: PathBuf,
    file: File,
}

impl Unread {
    fn new(lab: &Lab, name: &str) -> Self {
        let path = lab.path(name);
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        // Both ends, so that opening waits for nobody.
        let file = File::options().read(true).write(true).open(&path).unwrap();
        // One page would count as full after the first line.
        fcntl(file.as_fd(), FcntlArg::F_SETPIPE_SZ(2 * 4096)).unwrap();
        Self { path, file }
    }

    /// Leaves no room in it.
    fn fill(&self) {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = File::options();
        let options = options.write(true).custom_flags(nix::libc::O_NONBLOCK);
        let mut file = options.open(&self.path).unwrap();
        while file.write(b"\n").is_ok() {}
    }

    /// What to start a program with whose standard error it is.
    fn wrapper(&self) -> [String; 5] {
        let run = r#"exec 2>"$1" && shift && exec "$@""#;
        let path = self.path.to_str().unwrap();
        ["sh", "-c", run, "sh", path].map(str::to_owned)
    }

    #[track_caller]
    fn daemon(&self, spiped: &Spiped) -> Daemon {
        spiped.clone().args(&["--log-level", "debug"]).under(self.wrapper()).start()
    }

    /// Reads at last. Returns what came up to this text, at least.
    #[track_caller]
    fn read_until(&mut self, text: &str) -> String {
        let mut file = self.file.try_clone().unwrap();
        let text = text.to_owned();
        let wanted = text.clone();
        let (send, received) = std::sync::mpsc::channel();
        // A read has no time limit.
        thread::spawn(move || {
            let mut log = String::new();
            let mut buffer = [0; 4096];
            while !log.contains(&wanted) {
                let len = file.read(&mut buffer).unwrap();
                log.push_str(&String::from_utf8_lossy(&buffer[..len]));
            }
            let _ = send.send(log);
        });
        let in_vain = format!("waited in vain for {text:?}");
        received.recv_timeout(wait::LIMIT).expect(&in_vain)
    }
}
