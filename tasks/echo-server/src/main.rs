//! Gives back what it is given: the service of the demo and the IPC benchmarks.
//!
//! It has one bug, on purpose: `increment(0)` divides by zero. The demo shows what that costs: the task,
//! which is started anew, and its callers an error.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use idl::echo::{Direction, EchoError, EchoServer, Marker, dispatch};
use idl_runtime::{Bytes, Caller, Service, cap};
use sel4::{Cap, init_slot};

sel4::task! {
    main = run;
    serves { echo: echo }
    // Three in a row: where capabilities of requests arrive.
    caps { first: empty, second: empty, third: empty }
}

/// Positions of the strip that [`Marker`] walks on.
const STRIP: u32 = 100;
/// Where the counter ends.
const LIMIT: u64 = 1_000_000;

/// The server's whole memory: a restart loses it.
struct Echo {
    counter: u64,
}

fn run(_: sel4::Start) -> ! {
    let mut server = Echo { counter: 0 };
    Service::new(caps::echo, Cap::from_bits(init_slot::REPLY))
        .receiving(Cap::from_bits(init_slot::CNODE), caps::first.bits())
        .serve(|buffer, request| dispatch(&mut server, buffer, request))
}

impl EchoServer for Echo {
    fn ping(&mut self, _: Caller) {}

    fn echo_word(&mut self, _: Caller, word: u64) -> u64 {
        word
    }

    fn echo_words(&mut self, _: Caller, words: [u64; 4]) -> [u64; 4] {
        words
    }

    fn echo_long(&mut self, _: Caller, words: [u64; 12]) -> [u64; 12] {
        words
    }

    fn sum(&mut self, _: Caller, bytes: Bytes<64>) -> u32 {
        bytes.iter().map(|&byte| u32::from(byte)).sum()
    }

    fn swap(&mut self, _: Caller, first: Bytes<64>, second: Bytes<16>) -> (Bytes<16>, Bytes<64>) {
        (second, first)
    }

    fn step(
        &mut self,
        _: Caller,
        marker: Marker,
        by: u16,
        wrap: bool,
    ) -> Result<Marker, EchoError> {
        let by = u32::from(by) % STRIP;
        let from = marker.position % STRIP;
        let (position, laps) = match marker.direction {
            Direction::Right if from + by < STRIP => (from + by, [0, 0]),
            Direction::Right => (from + by - STRIP, [1, 0]),
            Direction::Left if from >= by => (from - by, [0, 0]),
            Direction::Left => (from + STRIP - by, [0, 1]),
        };
        if laps != [0, 0] && !wrap {
            return Err(EchoError::Full);
        }
        let [right, left] = marker.laps;
        let [more_right, more_left] = laps;
        Ok(Marker {
            position,
            laps: [right.wrapping_add(more_right), left.wrapping_add(more_left)],
            ..marker
        })
    }

    fn increment(&mut self, _: Caller, by: u32) -> Result<u64, EchoError> {
        let by = u64::from(by);
        // The bug: nobody thought of steps of 0.
        let steps_left = (LIMIT - self.counter) / by;
        if steps_left == 0 {
            return Err(EchoError::Full);
        }
        self.counter += by;
        Ok(self.counter)
    }

    fn fail(&mut self, _: Caller, full: bool) -> Result<(), EchoError> {
        Err(if full {
            EchoError::Full
        } else {
            EchoError::AsRequested
        })
    }

    fn signal(
        &mut self,
        _: Caller,
        times: u8,
        notification: cap::Notification,
    ) -> Result<(), EchoError> {
        (0..times).for_each(|_| notification.signal());
        Ok(())
    }

    fn take(
        &mut self,
        _: Caller,
        endpoint: cap::Endpoint,
        notification: cap::Notification,
    ) -> Result<bool, EchoError> {
        // A capability that can be copied is there. The copy goes where the third would have come.
        let cnode: cap::CNode = Cap::from_bits(init_slot::CNODE);
        let both = [endpoint.bits(), notification.bits()];
        Ok(both.into_iter().all(|slot| {
            let spare = caps::third.bits();
            let is_there = cnode
                .copy(spare, cnode, slot, sel4::CapRights::all())
                .is_ok();
            is_there && cnode.delete(spare).is_ok()
        }))
    }
}
