//! Makes whole lines of what several clients write in pieces.
//!
//! Each client has a line of its own that grows until it is complete; then it is sent in one go, behind
//! the client's name. So lines of two clients never mix, however they cut their text.

/// The longest line in bytes; a longer one continues on the next.
pub const LONGEST_LINE: usize = 240;
/// Clients that are told apart; when more write, the one that has been silent longest is forgotten.
const CLIENTS: usize = 16;
/// Bytes of a task's name.
const NAME_BYTES: usize = 32;
/// Between a name and its text.
const SEPARATOR: &[u8] = b": ";

/// A task's name, padded with zero bytes.
pub type Name = [u8; NAME_BYTES];

/// What one client has written of its line.
#[derive(Clone, Copy, Debug)]
struct Line {
    badge: u64,
    /// Counts writes of all clients; the smallest is the one that was silent longest.
    last_write: u64,
    /// Name, separator and text.
    bytes: [u8; NAME_BYTES + SEPARATOR.len() + LONGEST_LINE],
    /// Bytes of the name and the separator.
    start: usize,
    /// Bytes in all.
    end: usize,
}

/// The unfinished lines of all clients.
#[derive(Debug)]
pub struct Lines {
    lines: [Option<Line>; CLIENTS],
    writes: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Lines {
    /// Nobody has written anything.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lines: [None; CLIENTS],
            writes: 0,
        }
    }

    /// Adds text of the client with this badge, and gives `send` each line that becomes complete,
    /// line feed included. `name` is asked for a client's name when it is new.
    ///
    /// # Errors
    /// The first of `send`'s; the lines after it are lost.
    pub fn add<E>(
        &mut self,
        badge: u64,
        text: &[u8],
        name: impl FnOnce() -> Name,
        mut send: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.writes += 1;
        let writes = self.writes;
        let Some(line) = self.line_of(badge, name) else {
            return Ok(());
        };
        line.last_write = writes;
        for &byte in text {
            line.push(shown(byte));
            if byte == b'\n' {
                line.complete(&mut send)?;
            } else if line.is_full() {
                line.push(b'\n');
                line.complete(&mut send)?;
            }
        }
        Ok(())
    }

    fn line_of(&mut self, badge: u64, name: impl FnOnce() -> Name) -> Option<&mut Line> {
        let known = self
            .lines
            .iter()
            .position(|line| line.is_some_and(|line| line.badge == badge));
        let place = known.or_else(|| {
            let quietest = (0..CLIENTS).min_by_key(|&i| self.last_write_in(i))?;
            *self.lines.get_mut(quietest)? = Some(Line::of(badge, &name()));
            Some(quietest)
        })?;
        self.lines.get_mut(place)?.as_mut()
    }

    /// 0 for a place that is free.
    fn last_write_in(&self, place: usize) -> u64 {
        let line = self.lines.get(place).copied().flatten();
        line.map_or(0, |line| line.last_write)
    }
}

impl Line {
    fn of(badge: u64, name: &Name) -> Self {
        let mut line = Self {
            badge,
            last_write: 0,
            bytes: [0; _],
            start: 0,
            end: 0,
        };
        let length = name.iter().position(|&b| b == 0).unwrap_or(NAME_BYTES);
        name.iter()
            .take(length)
            .chain(SEPARATOR)
            .for_each(|&byte| line.push(shown(byte)));
        line.start = line.end;
        line
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.end) {
            *place = byte;
            self.end += 1;
        }
    }

    /// One byte of room is kept for the line feed.
    fn is_full(&self) -> bool {
        self.end - self.start == LONGEST_LINE - 1
    }

    fn complete<E>(&mut self, send: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let whole = self.bytes.get(..self.end).unwrap_or_default();
        let sent = send(whole);
        self.end = self.start;
        sent
    }
}

/// Control characters could move the cursor into another task's line, or look like a record to the test
/// runner; they are shown as a dot.
fn shown(byte: u8) -> u8 {
    match byte {
        b'\n' | b'\t' | b' '..=b'~' | 0x80.. => byte,
        _ => b'.',
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_LINE, Lines, Name};

    fn name(text: &str) -> Name {
        let mut name = [0; 32];
        name[..text.len()].copy_from_slice(text.as_bytes());
        name
    }

    /// Writes (badge, text) pairs, with names "task1" and so on; gives what was sent.
    fn sent(writes: &[(u64, &str)]) -> String {
        let mut lines = Lines::new();
        let mut out = Vec::new();
        for (badge, text) in writes {
            let send = |line: &[u8]| {
                out.extend_from_slice(line);
                Ok::<_, ()>(())
            };
            let task = || name(&format!("task{badge}"));
            lines.add(*badge, text.as_bytes(), task, send).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_appears_when_it_is_complete_behind_its_writers_name() {
        assert_eq!(
            sent(&[(1, "one "), (2, "two\nthr"), (1, "line\n")]),
            "task2: two\ntask1: one line\n"
        );
    }

    #[test]
    fn a_long_line_continues_on_the_next_and_loses_nothing() {
        let long = "x".repeat(LONGEST_LINE + 10);
        let shown = sent(&[(1, &long), (1, "\n")]);
        assert_eq!(shown.matches('x').count(), long.len());
        assert_eq!(shown.matches("task1: ").count(), 2);
        assert!(shown.lines().all(|line| line.len() < LONGEST_LINE + 7));
    }

    #[test]
    fn control_characters_cannot_imitate_another_task() {
        assert_eq!(
            sent(&[(1, "a\rroot: b\x1e\x1b[2J\n")]),
            "task1: a.root: b..[2J\n"
        );
    }

    #[test]
    fn the_seventeenth_client_displaces_the_one_that_was_silent_longest() {
        let mut writes: Vec<(u64, &str)> = (1..=16).map(|badge| (badge, "x")).collect();
        writes.extend([(1, "y"), (17, "new\n"), (1, "\n"), (2, "z\n")]);
        assert_eq!(sent(&writes), "task17: new\ntask1: xy\ntask2: z\n");
    }
}
