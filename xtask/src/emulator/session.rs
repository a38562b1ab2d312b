//! Attends one run: reads what the machine says until it ends or the time is up.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use testproto::{Decoder, End};

use super::chatter::Chatter;
use super::outcome::{Ended, Fingerprint, Outcome, Report};
use super::{Console, INSTRUCTIONS_FILE, Launch};
use crate::process::{announce, hex, storage};

/// What the user sees of the console while the machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Nothing: the outcome has it all.
    Silent,
    /// Everything, as it comes.
    Stream,
    /// Everything, and what is typed goes to the machine.
    Interact,
}

/// How long the machine's last bytes may take to arrive after the emulator has ended.
const DRAIN: Duration = Duration::from_secs(2);

enum Event {
    TestPort(Vec<u8>),
    TestPortClosed,
    Console(Vec<u8>),
    ConsoleClosed,
}

/// Starts the emulator and stays until it ends, or stops it at the limit.
pub(crate) fn attend(
    launch: Launch,
    folder: &Path,
    limit: Option<Duration>,
    watch: Watch,
) -> anyhow::Result<Outcome> {
    let Launch {
        mut command,
        console,
    } = launch;
    let complaints = folder.join("complaints");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    match console {
        Console::Socket(_) => {
            command.stderr(File::create(&complaints).map_err(|e| storage(&e, &complaints))?);
        }
        Console::StandardError => {
            command.stderr(Stdio::piped());
            if watch == Watch::Interact {
                command.stdin(Stdio::piped());
            }
        }
    }
    announce(&command);
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut emulator = Running(child);
    let chatter = matches!(console, Console::StandardError).then(Chatter::default);
    let events = listen(&mut emulator.0, console, watch);
    let mut heard = Heard {
        report: Report::default(),
        console: Vec::new(),
        output: Sha256::new(),
        watch,
        chatter,
    };
    let status = heard
        .until_closed(&events, limit)
        .then(|| emulator.0.wait())
        .transpose();
    let status = status.context("cannot wait for the emulator")?;
    drop(emulator);
    heard.drain(&events);
    let logged = heard.finish();
    let ended = status.map_or(Ended::Hung(limit.unwrap_or_default()), how_it_ended);
    let complaints = fs::read_to_string(&complaints).unwrap_or_default() + &logged;
    let Heard {
        mut report,
        console,
        output,
        ..
    } = heard;
    let fingerprint = Fingerprint {
        output: hex(&output.finalize()),
        instructions: instructions_of(folder),
    };
    if ended != Ended::ByItself(End::Passed) {
        report.give_up_running(&ended.to_string());
    }
    Ok(Outcome {
        ended,
        report,
        console,
        complaints,
        fingerprint,
    })
}

/// What an emulator that counts has written when it ended: a line for each CPU.
fn instructions_of(folder: &Path) -> Vec<u64> {
    let text = fs::read_to_string(folder.join(INSTRUCTIONS_FILE)).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The emulator's process. Existing means running: it is stopped, by its number, on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What an emulator's exit status says about the run.
fn how_it_ended(status: ExitStatus) -> Ended {
    match status.code().and_then(End::from_status) {
        Some(end) => Ended::ByItself(end),
        None if status.success() => Ended::WithoutVerdict(
            "the machine was reset or switched off (a triple fault resets it)".into(),
        ),
        None => Ended::WithoutVerdict(format!("the emulator ended with {status}")),
    }
}

/// Threads that turn what the machine says into events.
fn listen(child: &mut Child, console: Console, watch: Watch) -> Receiver<Event> {
    let (send, events) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        let send = send.clone();
        thread::spawn(move || {
            pump(output, &send, Event::TestPort);
            let _ = send.send(Event::TestPortClosed);
        });
    }
    let (typed, error) = (child.stdin.take(), child.stderr.take());
    thread::spawn(move || {
        match (console, error) {
            (Console::Socket(listener), _) => attend_socket(&listener, &send, watch),
            (Console::StandardError, Some(error)) => {
                if let Some(input) = typed {
                    thread::spawn(move || forward_typing(input));
                }
                pump(error, &send, Event::Console);
            }
            (Console::StandardError, None) => {}
        }
        let _ = send.send(Event::ConsoleClosed);
    });
    events
}

fn attend_socket(listener: &UnixListener, send: &Sender<Event>, watch: Watch) {
    // If the emulator dies before it connects, this thread waits until xtask ends.
    let Ok((stream, _)) = listener.accept() else {
        return;
    };
    if let (Watch::Interact, Ok(mut input)) = (watch, stream.try_clone()) {
        thread::spawn(move || io::copy(&mut io::stdin(), &mut input));
    }
    pump(stream, send, Event::Console);
}

fn forward_typing(mut input: ChildStdin) {
    // Ends with the machine: writing to it fails then.
    let _ = io::copy(&mut io::stdin(), &mut input);
}

/// Sends on what can be read, in the pieces in which it comes, until there is no more.
fn pump(mut from: impl Read, send: &Sender<Event>, event: impl Fn(Vec<u8>) -> Event) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let piece = buffer.get(..count).unwrap_or_default().to_vec();
        if send.send(event(piece)).is_err() {
            return;
        }
    }
}

/// What has been heard so far.
struct Heard {
    report: Report,
    console: Vec<u8>,
    /// The bytes of the test port.
    output: Sha256,
    watch: Watch,
    /// Parts the emulator's log lines from the console, where both come on one stream.
    chatter: Option<Chatter>,
}

impl Heard {
    /// Listens until the test port closes (the emulator ends); `false` when time ran out.
    fn until_closed(&mut self, events: &Receiver<Event>, limit: Option<Duration>) -> bool {
        let start = Instant::now();
        let mut decoder = Decoder::new();
        let closed = loop {
            let left = limit.map(|limit| limit.saturating_sub(start.elapsed()));
            let event = match left {
                Some(left) => events.recv_timeout(left),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(Event::TestPort(bytes)) => {
                    self.output.update(&bytes);
                    let mut take = |item: testproto::Item<'_>| self.report.add(item);
                    bytes
                        .into_iter()
                        .for_each(|byte| decoder.push(byte, &mut take));
                }
                Ok(Event::Console(bytes)) => self.hear(&bytes),
                Ok(Event::ConsoleClosed) => {}
                Ok(Event::TestPortClosed) | Err(RecvTimeoutError::Disconnected) => break true,
                Err(RecvTimeoutError::Timeout) => break false,
            }
        };
        decoder.finish(&mut |item| self.report.add(item));
        closed
    }

    /// Takes the console's last bytes, which another thread may still be reading.
    fn drain(&mut self, events: &Receiver<Event>) {
        let start = Instant::now();
        while let Ok(event) = events.recv_timeout(DRAIN.saturating_sub(start.elapsed())) {
            match event {
                Event::Console(bytes) => self.hear(&bytes),
                Event::ConsoleClosed => return,
                Event::TestPort(_) | Event::TestPortClosed => {}
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        match &mut self.chatter {
            Some(chatter) => {
                let said = chatter.part(bytes);
                self.show(&said);
            }
            None => self.show(bytes),
        }
    }

    /// There is no more: what was held back is text, and the log lines are handed over.
    fn finish(&mut self) -> String {
        let Some(chatter) = self.chatter.take() else {
            return String::new();
        };
        let (rest, logged) = chatter.finish();
        self.show(&rest);
        logged
    }

    fn show(&mut self, bytes: &[u8]) {
        self.console.extend(bytes);
        if self.watch != Watch::Silent {
            // A closed pipe on our side is no reason to stop the machine.
            let mut output = io::stdout().lock();
            let _ = output.write_all(bytes).and_then(|()| output.flush());
        }
    }
}

#[cfg(test)]
mod tests;
