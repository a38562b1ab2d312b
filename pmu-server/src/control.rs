//! The kernel's side: what the counters are, what they read, what they are to hold.

use pmu_drv::{CounterSet, Layout};
use pmu_server_core::{CounterReading, Demand, HostImage};
use sel4::LeaseMode;
use sel4::cap::{PmuControl, PmuLease};
use sel4_sys::pmu::HostProgram;

/// How long a guest stays at most while the host wants the counters, in µs: as long as Linux perf lets events stay before it
/// rotates them (`perf_event_mux_interval_ms`).
const SLICE: u64 = 4000;

/// One CPU's counters.
#[derive(Debug)]
pub(crate) struct Control {
    control: PmuControl,
    /// `None`: this CPU's counters cannot be handed over.
    layout: Option<Layout>,
    tsc_hz: u64,
    demand: Option<Demand>,
}

impl Control {
    /// Asks the kernel what there is.
    pub(crate) fn new(control: PmuControl) -> Self {
        let description = control.describe().expect("the kernel describes counters");
        let [gp_width, fixed_width] = [description.widths, description.widths >> 32]
            .map(|width| u8::try_from(width & u64::from(u32::MAX)).unwrap_or(0));
        let layout = Layout {
            counters: CounterSet::from_bits(description.counters),
            gp_width,
            fixed_width,
            version: u8::try_from(description.version).unwrap_or(0),
        };
        Self {
            control,
            layout: (description.unsupported == 0).then_some(layout),
            tsc_hz: description.tsc_hz,
            demand: None,
        }
    }

    /// The counters that can be used; `None`: there are none.
    pub(crate) const fn layout(&self) -> Option<Layout> {
        self.layout
    }

    /// Ticks of the time-stamp counter a second.
    pub(crate) const fn tsc_hz(&self) -> u64 {
        self.tsc_hz
    }

    /// All counters now.
    pub(crate) fn read(&self) -> CounterReading {
        let words = self.control.read().expect("the kernel reads counters");
        CounterReading {
            now: words.now,
            guest_time: words.guest_time,
            values: words.values,
            overflows: words.overflows,
        }
    }

    /// Has the counters hold `image` from now on.
    pub(crate) fn load(&self, image: &HostImage) {
        let mut program = HostProgram {
            selectors: image.selectors.map(u64::from),
            fixed_control: image.fixed_control.into(),
            global_control: image.global_control.into(),
            including_guests: image.including_guests.into(),
            periods: image.periods,
            ..HostProgram::default()
        };
        for (i, (value, start)) in program.values.iter_mut().zip(image.starts).enumerate() {
            if let Some(start) = start {
                *value = start;
                program.start |= 1 << i;
            }
        }
        self.control
            .program(&program)
            .expect("the policy asks for nothing that the kernel refuses");
    }

    /// Tells the kernel how long guests may stay, when that has changed.
    pub(crate) fn set_demand(&mut self, demand: Demand) {
        if self.demand.replace(demand) != Some(demand) {
            let mode = match demand {
                Demand::None => LeaseMode::Retain,
                Demand::Events => LeaseMode::Yield,
            };
            self.control
                .set_mode(mode, SLICE)
                .expect("the slice is in range");
        }
    }

    /// Lets a VM have the counters, and gives the epoch.
    pub(crate) fn arm(&self, lease: PmuLease) -> u64 {
        self.control
            .arm(lease)
            .expect("the lease is one of this CPU")
    }

    /// Takes the counters from a VM.
    pub(crate) fn disarm(&self, lease: PmuLease) {
        self.control
            .disarm(lease)
            .expect("the lease is one of this CPU");
    }
}
