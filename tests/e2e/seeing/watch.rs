//! `spiped status --watch`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use spiped_tests::{Backend, Lab, Process, Program, Spiped, wait};

use super::{CONTROL, Seen};

#[test]
fn table_is_redrawn_and_q_leaves_the_terminal_as_it_was() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let seen = Seen::server(&lab, backend.endpoint());
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let mut terminal = Terminal::new(&lab, 24, 80);
    terminal.wait_for("0/100");
    assert!(!terminal.settings().local_flags.intersects(LocalFlags::ECHO | LocalFlags::ICANON));
    let mut conn = client.connect();
    conn.expect_echo(b"seen");
    terminal.wait_for("  1/100");
    terminal.keyboard.write_all(b"xq").unwrap();
    terminal.watch.wait().expect_success();
    terminal.expect_whole();
}

#[test]
fn interrupt_and_end_of_the_daemon_leave_the_terminal_as_it_was() {
    let lab = Lab::new();
    let mut seen = Seen::server(&lab, &lab.tcp());
    let mut terminal = Terminal::new(&lab, 24, 80);
    terminal.wait_for("0/100");
    terminal.watch.signal(Signal::SIGINT);
    terminal.watch.wait().expect_success();
    terminal.expect_whole();

    let mut terminal = Terminal::new(&lab, 24, 80);
    terminal.wait_for("0/100");
    seen.daemon.process.signal(Signal::SIGTERM);
    seen.daemon.process.wait().expect_success();
    terminal.watch.wait().expect_failure("The daemon");
    terminal.expect_whole();
}

#[test]
fn small_terminal_shows_what_fits() {
    let lab = Lab::new();
    let _seen = Seen::server(&lab, &lab.tcp());
    let terminal = Terminal::new(&lab, 4, 30);
    terminal.wait_for(" more lines; spiped");
    let shown = terminal.shown();
    for row in shown.split("\r\n").map(plain) {
        assert!(row.chars().count() <= 30, "{row:?}");
    }
}

#[test]
fn without_a_terminal_there_is_a_table_a_second_and_no_control_characters() {
    let lab = Lab::new();
    let _seen = Seen::server(&lab, &lab.tcp());
    let words = ["status", "--watch", "--control", CONTROL];
    let (mut watch, _, mut out) = Process::spawn_with_streams(Program::Spiped.ours(&lab, &words));
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while shown.matches("PIPE ").count() < 2 {
        let count = out.read(&mut buffer).unwrap();
        assert!(count > 0, "it ended after {shown}");
        shown.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    assert!(!shown.contains('\x1b'), "{shown:?}");
    // Whoever reads has enough.
    drop(out);
    watch.wait().expect_success();
}

/// `spiped status --watch` in a terminal, and the user before it.
struct Terminal {
    watch: Process,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    slave: OwnedFd,
    before: Termios,
}

impl Terminal {
    fn new(lab: &Lab, rows: u16, columns: u16) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        let before = tcgetattr(&pair.slave).unwrap();
        let mut command = Program::Spiped.ours(lab, &["status", "--watch", "--control", CONTROL]);
        command.stdin(pair.slave.try_clone().unwrap());
        let stdout = Stdio::from(pair.slave.try_clone().unwrap());
        let watch = Process::spawn_writing_to(command, stdout);
        let keyboard = File::from(pair.master);
        let screen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut out, seen) = (keyboard.try_clone().unwrap(), screen.clone());
        // Ends when the last slave is closed.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                seen.lock().unwrap().extend(&buffer[..count]);
            }
        });
        Self { watch, keyboard, screen, slave: pair.slave, before }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        wait::until(&format!("{text:?} was on the screen"), || self.shown().contains(text));
    }

    fn settings(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// The cursor and what was there before are back.
    #[track_caller]
    fn expect_whole(&self) {
        assert_eq!(self.settings(), self.before);
        self.wait_for("\x1b[?25h\x1b[?1049l");
        assert!(self.shown().starts_with("\x1b[?1049h\x1b[?25l\x1b[H"));
    }
}

/// A row without what clears or moves.
fn plain(row: &str) -> String {
    let mut parts = row.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(0);
        text.push_str(part.get(end + 1..).unwrap_or_default());
    }
    text
}
