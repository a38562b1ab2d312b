//! Tells an emulator's own log lines from what its machine says.
//!
//! Bochs logs to standard error until it has read where else to log to, and standard error is its machine's console. A log line begins
//! with 11 digits, a letter and a bracket: `00000000000i[      ] reading configuration from bochsrc`.

/// How a log line begins: a test for each byte.
const BEGINNING: [fn(u8) -> bool; 13] = {
    const DIGIT: fn(u8) -> bool = |byte| byte.is_ascii_digit();
    const LETTER: fn(u8) -> bool = |byte| byte.is_ascii_lowercase();
    const BRACKET: fn(u8) -> bool = |byte| byte == b'[';
    [
        DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, LETTER,
        BRACKET,
    ]
};

/// Takes the console's bytes as they come, and parts them.
#[derive(Debug, Default)]
pub(crate) struct Chatter {
    /// The beginning of a line that may still become a log line.
    held: Vec<u8>,
    place: Place,
    /// The log lines.
    logged: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Beginning,
    InLog,
    InText,
}

impl Chatter {
    /// What of `bytes`, and of those held back before, the machine has said.
    pub(crate) fn part(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        for &byte in bytes {
            self.take(byte, &mut said);
        }
        said
    }

    /// The end: what is still held back was text, and the log lines.
    pub(crate) fn finish(self) -> (Vec<u8>, String) {
        let log = String::from_utf8_lossy(&self.logged).into_owned();
        (self.held, log)
    }

    fn take(&mut self, byte: u8, said: &mut Vec<u8>) {
        match self.place {
            Place::Beginning => {
                let fits = BEGINNING
                    .get(self.held.len())
                    .is_some_and(|fits| fits(byte));
                self.held.push(byte);
                if !fits {
                    said.append(&mut self.held);
                    self.place = Place::InText;
                } else if self.held.len() == BEGINNING.len() {
                    self.logged.append(&mut self.held);
                    self.place = Place::InLog;
                }
            }
            Place::InLog => self.logged.push(byte),
            Place::InText => said.push(byte),
        }
        if byte == b'\n' {
            self.place = Place::Beginning;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(pieces: &[&str]) -> (String, String) {
        let mut chatter = Chatter::default();
        let mut said = Vec::new();
        for piece in pieces {
            said.extend(chatter.part(piece.as_bytes()));
        }
        let (rest, log) = chatter.finish();
        said.extend(rest);
        (String::from_utf8(said).expect("text"), log)
    }

    #[test]
    fn log_lines_are_taken_out_wherever_the_pieces_end() {
        let pieces = [
            "00000",
            "000000i[  ] reading\nhel",
            "lo\n\n",
            "00000000000e[x",
        ];
        let (said, log) = parted(&pieces);
        assert_eq!(said, "hello\n\n");
        assert_eq!(log, "00000000000i[  ] reading\n00000000000e[x");
    }

    #[test]
    fn a_machine_may_say_numbers() {
        let text = "12345678901 ticks\n123\n00000000000i";
        assert_eq!(parted(&[text]), (text.to_owned(), String::new()));
    }
}
