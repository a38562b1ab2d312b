//! The kernel's account of one CPU's counters, read as a whole.

use sel4::Window;
use sel4_sys::pmu::AccountingPage;
use zerocopy::transmute;

const WORDS: usize = size_of::<AccountingPage>() / 8;

/// The page, which only the kernel writes.
#[derive(Debug)]
pub struct Account {
    window: Window,
}

impl Account {
    /// The account in a mapped frame.
    #[must_use]
    pub const fn new(window: Window) -> Self {
        Self { window }
    }

    /// All numbers of one moment.
    ///
    /// # Panics
    /// If the window is no account: the system description is wrong.
    #[must_use]
    pub fn read(&self) -> AccountingPage {
        loop {
            let before = self.word(0);
            let page: AccountingPage = transmute!(self.words());
            // Odd while the kernel writes; another number when it has written meanwhile.
            if before.is_multiple_of(2) && self.word(0) == before {
                return page;
            }
        }
    }

    fn words(&self) -> [u64; WORDS] {
        let mut words = [0; WORDS];
        for (i, word) in (0..).zip(&mut words) {
            *word = self.word(i);
        }
        words
    }

    fn word(&self, index: u64) -> u64 {
        self.window
            .word(index * 8)
            .expect("the account is a page at least")
    }
}
