//! Sources that the service manager has opened.

use nix::sys::signal::Signal;
use spiped_tests::procfs::is_listening;
use spiped_tests::{Backend, Configured, Conn, Endpoint, Lab, Spiped, pipe, wait};

/// Starts a program as systemd does: with sockets that listen at these ports of
/// 127.0.0.1, called so.
fn activator(sockets: &[(&Endpoint, &str)]) -> Vec<String> {
    let names: Vec<_> = sockets.iter().map(|(_, name)| *name).collect();
    let listen: Vec<_> =
        sockets.iter().map(|(endpoint, _)| format!("listener({});", endpoint.port())).collect();
    let listen = listen.concat();
    let program = format!(
        "use Socket; $^F = 100; my @sockets;
         sub listener {{
             socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
             setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die;
             bind($s, sockaddr_in($_[0], inet_aton('127.0.0.1'))) or die \"bind: $!\";
             listen($s, 10) or die;
             push @sockets, $s;
         }}
         {listen}
         fileno($sockets[0]) == 3 or die 'descriptors';
         $ENV{{LISTEN_FDS}} = @sockets;
         $ENV{{LISTEN_FDNAMES}} = '{}';
         $ENV{{LISTEN_PID}} = $$;
         exec @ARGV or die;",
        names.join(":")
    );
    vec!["perl".to_owned(), "-e".to_owned(), program]
}

#[test]
fn sockets_take_the_place_of_the_source_of_a_command_line() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let opened = lab.tcp();
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).under(activator(&[(&opened, "any")]));
    let process = client.spawn();
    wait::until("it listened on what was opened", || is_listening(&opened));
    Conn::to(&opened).expect_echo(b"through what was opened");
    assert!(Conn::connect(client.endpoint()).is_err(), "-s was not bound");
    drop(process);
}

/// A daemon with a socket for one pipe by its name, and for another by its address.
struct Opened<'lab> {
    daemon: Configured<'lab>,
    pipes: [String; 3],
    named: Endpoint,
    unnamed: Endpoint,
    crypt: Endpoint,
}

impl<'lab> Opened<'lab> {
    fn by_name_and_address(lab: &'lab Lab, backend: &Backend) -> Self {
        let (named, unnamed, crypt) = (lab.tcp(), lab.tcp(), lab.tcp());
        let pipes = [
            pipe("redis", "encrypt", &"[127.0.0.1]:1", &crypt, ""),
            pipe("other", "encrypt", &unnamed, &crypt, ""),
            pipe("out", "decrypt", &crypt, backend.endpoint(), ""),
        ];
        let daemon =
            Configured::new(lab).under(activator(&[(&named, "redis"), (&unnamed, "unknown")]));
        daemon.write("", &pipes);
        Self { daemon, pipes, named, unnamed, crypt }
    }
}

#[test]
fn sockets_belong_to_pipes_by_name_or_by_address_and_survive_reloads() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let Opened { daemon, pipes, named, unnamed, crypt } =
        Opened::by_name_and_address(&lab, &backend);
    let process = daemon.start(&[&crypt]);
    for source in [&named, &unnamed] {
        Conn::to(source).expect_echo(b"before");
    }
    daemon.write("", &pipes[2..]);
    daemon.reload();
    daemon.write("", &pipes);
    daemon.reload();
    Conn::to(&named).expect_echo(b"after");
    process.signal(Signal::SIGHUP);
    process.wait_for_stderr("nothing has changed");
    Conn::to(&named).expect_echo(b"still");
}

#[test]
fn sockets_go_on_to_a_process_that_takes_over() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let Opened { daemon, named, unnamed, crypt, .. } = Opened::by_name_and_address(&lab, &backend);
    let mut process = daemon.start(&[&crypt]);
    let mut conns = [&named, &unnamed].map(Conn::to);
    for _ in 0..2 {
        daemon.run(&["upgrade"]).expect_success();
        for conn in &mut conns {
            conn.expect_echo(b"still");
        }
        for source in [&named, &unnamed] {
            Conn::to(source).expect_echo(b"new");
        }
    }
    process.wait().expect_success();
}

#[test]
fn socket_that_belongs_to_no_pipe_is_an_error_that_says_what_to_do() {
    let lab = Lab::new();
    let (stray, source) = (lab.tcp(), lab.tcp());
    let daemon = Configured::new(&lab).under(activator(&[(&stray, "stray")]));
    daemon.write("", &[pipe("in", "encrypt", &source, &"[127.0.0.1]:1", "")]);
    let exit = daemon.spawn().wait();
    exit.expect_failure("Socket stray of the service manager (LISTEN_FDS) is at ");
    exit.expect_failure("name it after a pipe with FileDescriptorName=");
}

#[test]
fn socket_that_does_not_listen_is_an_error() {
    let lab = Lab::new();
    let program = "use Socket; $^F = 100; socket(my $s, PF_INET, SOCK_DGRAM, 0) or die; \
        $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec @ARGV";
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).under(["perl", "-e", program]);
    let exit = spiped.args(&["-F"]).run();
    exit.expect_failure("it is not a listening stream socket");
}

#[test]
fn sockets_that_are_meant_for_another_process_are_left_alone() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp());
    spiped.under(["env", "LISTEN_FDS=1", "LISTEN_PID=1"]).start();
}
