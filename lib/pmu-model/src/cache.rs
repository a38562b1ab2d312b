//! Which accesses reach the last-level cache, and which miss it.
//!
//! The rule is simple enough to count by hand. There are two levels. The first is one line:
//! an access to the line accessed last goes no further. Every other access is a reference to
//! the last level, which is direct-mapped, with 4096 lines of 64 bytes. Loads and stores are
//! alike; code fetches and page walks are not seen.

/// Bytes a line.
const LINE: u64 = 64;
/// Lines of the last level.
const LINES: u64 = 4096;
/// The mark of an empty place. No line has this number, since a line has 64 bytes.
const EMPTY: u64 = u64::MAX;

/// How far an access went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[must_use]
pub enum Reach {
    /// To the first level only: no event.
    FirstLevel,
    /// To the last level, which had the line: a reference.
    LastLevel,
    /// To memory: a reference and a miss.
    Memory,
}

/// One logical processor's caches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cache {
    last: u64,
    lines: [u64; 4096],
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            last: EMPTY,
            lines: [EMPTY; 4096],
        }
    }

    /// An access to physical address `address`. One that crosses the end of a line is an
    /// access to the line it begins in.
    ///
    /// An instruction with several accesses has the events of the one that reached furthest.
    pub fn access(&mut self, address: u64) -> Reach {
        let line = address / LINE;
        if line == self.last {
            return Reach::FirstLevel;
        }
        self.last = line;
        let place = usize::try_from(line % LINES)
            .ok()
            .and_then(|i| self.lines.get_mut(i));
        match place {
            Some(held) if *held != line => {
                *held = line;
                Reach::Memory
            }
            _ => Reach::LastLevel,
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_loads_of_four_bytes_are_one_reference_and_one_miss() {
        let mut cache = Cache::new();
        let reaches: Vec<Reach> = (0..16).map(|i| cache.access(0x1000 + 4 * i)).collect();
        assert_eq!(reaches[0], Reach::Memory);
        assert!(reaches[1..].iter().all(|&reach| reach == Reach::FirstLevel));
    }

    #[test]
    fn a_second_walk_through_256_kib_hits_and_through_more_than_that_misses_where_lines_collide() {
        let mut cache = Cache::new();
        let mut walk = |lines: u64| {
            (0..lines)
                .filter(|i| cache.access(i * LINE) == Reach::Memory)
                .count()
        };
        assert_eq!(walk(4096), 4096);
        assert_eq!(walk(4096), 0);
        assert_eq!(walk(4097), 1, "line 4096 takes the place of line 0");
        assert_eq!(
            walk(4097),
            2,
            "line 0 and line 4096 take it from each other"
        );
    }
}
