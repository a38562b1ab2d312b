//! One CPU's host events: open, enable, read, disable, close.

use pmu_drv::{Counter, Layout};

use crate::assign::{MAX_EVENTS, assign};
use crate::error::EventError;
use crate::event::{ClientId, EventId, EventSpec, Guests, position};
use crate::image::HostImage;
use crate::reading::{CounterReading, EventReading};

#[derive(Clone, Copy, Debug)]
struct Event {
    client: ClientId,
    spec: EventSpec,
    enabled: bool,
    counter: Option<Counter>,
    /// It is new on its counter, which must be given its first value.
    is_fresh: bool,
    /// What its counter read when the event was last brought up to date.
    base: u64,
    /// How often that counter had overflowed then.
    overflows: u64,
    total: EventReading,
    /// When it was last brought up to date.
    now: u64,
    guest_time: u64,
}

/// The host events of one CPU.
///
/// Every change goes the same way: the shell has the kernel read the counters, calls the method with the reading, and
/// has the kernel load [`Self::take_image`]. Values and times are brought up to date before anything moves.
#[derive(Debug)]
pub struct CpuEvents {
    layout: Layout,
    events: [Option<Event>; MAX_EVENTS],
}

impl CpuEvents {
    /// No events.
    #[must_use]
    pub const fn new(layout: Layout) -> Self {
        Self {
            layout,
            events: [None; MAX_EVENTS],
        }
    }

    /// Opens an event. It does not count yet.
    ///
    /// # Errors
    /// Those of [`EventSpec::check`]; [`EventError::TooMany`].
    pub fn open(&mut self, client: ClientId, spec: EventSpec) -> Result<EventId, EventError> {
        spec.check(&self.layout)?;
        let (id, place) = (0..)
            .zip(&mut self.events)
            .find(|(_, place)| place.is_none())
            .ok_or(EventError::TooMany)?;
        *place = Some(Event {
            client,
            spec,
            enabled: false,
            counter: None,
            is_fresh: false,
            base: 0,
            overflows: 0,
            total: EventReading::default(),
            now: 0,
            guest_time: 0,
        });
        Ok(EventId(id))
    }

    /// Starts counting. An event that is enabled already goes on as it is.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`].
    pub fn enable(
        &mut self,
        client: ClientId,
        id: EventId,
        at: &CounterReading,
    ) -> Result<(), EventError> {
        self.find(client, id)?;
        self.bring_up_to_date(at);
        let event = self.find(client, id)?;
        if !event.enabled {
            (event.enabled, event.now, event.guest_time) = (true, at.now, at.guest_time);
        }
        self.reassign(at);
        Ok(())
    }

    /// Stops counting; the value stays.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`].
    pub fn disable(
        &mut self,
        client: ClientId,
        id: EventId,
        at: &CounterReading,
    ) -> Result<(), EventError> {
        self.find(client, id)?;
        self.bring_up_to_date(at);
        self.find(client, id)?.enabled = false;
        self.reassign(at);
        Ok(())
    }

    /// The event now.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`].
    pub fn read(
        &mut self,
        client: ClientId,
        id: EventId,
        at: &CounterReading,
    ) -> Result<EventReading, EventError> {
        self.find(client, id)?;
        self.bring_up_to_date(at);
        self.find(client, id).map(|event| event.total)
    }

    /// Closes the event.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`].
    pub fn close(
        &mut self,
        client: ClientId,
        id: EventId,
        at: &CounterReading,
    ) -> Result<(), EventError> {
        self.find(client, id)?;
        self.bring_up_to_date(at);
        if let Some(place) = self.events.get_mut(usize::from(id.0)) {
            *place = None;
        }
        self.reassign(at);
        Ok(())
    }

    /// Closes everything of a client that has died. Says how many events that were.
    pub fn close_all(&mut self, client: ClientId, at: &CounterReading) -> usize {
        self.bring_up_to_date(at);
        let mut closed = 0;
        for place in &mut self.events {
            if place.is_some_and(|event| event.client == client) {
                *place = None;
                closed += 1;
            }
        }
        self.reassign(at);
        closed
    }

    /// Whether any event wants this CPU's counters.
    #[must_use]
    pub fn has_demand(&self) -> bool {
        self.events.iter().flatten().any(|event| event.enabled)
    }

    /// Open events that must see guests. They exclude every VM that holds a lease here.
    #[must_use]
    pub fn including_guests(&self) -> usize {
        self.events
            .iter()
            .flatten()
            .filter(|event| event.spec.guests == Guests::Include)
            .count()
    }

    /// What the kernel is to load. First values are given once: the caller passes the image on.
    #[must_use]
    pub fn take_image(&mut self) -> HostImage {
        let mut image = HostImage::default();
        for event in self.events.iter_mut().flatten() {
            let Some(counter) = event.counter else {
                continue;
            };
            image.add(&event.spec, counter);
            if core::mem::take(&mut event.is_fresh)
                && let Some(start) = image.starts.get_mut(position(counter))
            {
                *start = Some(event.base);
            }
        }
        image
    }

    /// The counter that counts event `id`, if it is on one.
    #[must_use]
    pub fn counter(&self, id: EventId) -> Option<Counter> {
        self.events
            .get(usize::from(id.0))
            .copied()
            .flatten()?
            .counter
    }

    /// The event that `counter` counts, and its sampling period.
    #[must_use]
    pub fn on_counter(&self, counter: Counter) -> Option<(EventId, ClientId, Option<u64>)> {
        (0..).zip(&self.events).find_map(|(id, event)| {
            let event = event
                .as_ref()
                .filter(|event| event.counter == Some(counter))?;
            Some((EventId(id), event.client, event.spec.period))
        })
    }

    /// The events that take samples.
    pub fn sampling(&self) -> impl Iterator<Item = EventId> {
        (0..).zip(&self.events).filter_map(|(id, event)| {
            let event = event.as_ref().filter(|event| event.spec.period.is_some())?;
            event.enabled.then_some(EventId(id))
        })
    }

    /// The clients that have events open, each at least once.
    pub fn clients(&self) -> impl Iterator<Item = ClientId> {
        self.events.iter().flatten().map(|event| event.client)
    }

    /// Whether this client has such an event.
    #[must_use]
    pub fn has(&self, client: ClientId, id: EventId) -> bool {
        let event = self.events.get(usize::from(id.0)).and_then(Option::as_ref);
        event.is_some_and(|event| event.client == client)
    }

    /// The events of a client.
    pub fn of_client(&self, client: ClientId) -> impl Iterator<Item = EventId> {
        (0..)
            .zip(&self.events)
            .filter_map(move |(id, event)| match event {
                Some(event) if event.client == client => Some(EventId(id)),
                _ => None,
            })
    }

    fn find(&mut self, client: ClientId, id: EventId) -> Result<&mut Event, EventError> {
        self.events
            .get_mut(usize::from(id.0))
            .and_then(Option::as_mut)
            .filter(|event| event.client == client)
            .ok_or(EventError::NoSuchEvent)
    }

    fn bring_up_to_date(&mut self, at: &CounterReading) {
        for event in self
            .events
            .iter_mut()
            .flatten()
            .filter(|event| event.enabled)
        {
            let blind = at.guest_time.saturating_sub(event.guest_time);
            let passed = at.now.saturating_sub(event.now).saturating_sub(blind);
            event.total.time_enabled += passed;
            event.total.time_blind += blind;
            if let Some(counter) = event.counter {
                let (value, overflows) = reading_of(at, counter);
                // Each overflow of a sampling counter set it back by one period.
                let set_back = overflows
                    .wrapping_sub(event.overflows)
                    .wrapping_mul(event.spec.period.unwrap_or(0));
                let counted = value.wrapping_sub(event.base).wrapping_add(set_back);
                event.total.value += counted & self.layout.mask(counter);
                event.total.time_running += passed;
                (event.base, event.overflows) = (value, overflows);
            }
            event.now = at.now;
            event.guest_time = at.guest_time;
        }
    }

    /// Takes the counters of events that no longer want them, and gives the free ones to those that wait, the
    /// oldest place first. An event on a counter stays there: moving it would begin a sampling period anew.
    fn reassign(&mut self, at: &CounterReading) {
        let mut free = self.layout.counters;
        for event in self.events.iter_mut().flatten() {
            event.counter = event.counter.filter(|_| event.enabled);
            free = event.counter.map_or(free, |counter| free.without(counter));
        }
        for event in self
            .events
            .iter_mut()
            .flatten()
            .filter(|event| event.enabled)
        {
            if event.counter.is_none()
                && let Some(counter) = assign(&event.spec, free)
            {
                free = free.without(counter);
                event.counter = Some(counter);
                event.is_fresh = true;
                event.base = event.spec.start(self.layout.mask(counter));
                (_, event.overflows) = reading_of(at, counter);
            }
        }
    }
}

/// A counter's value and overflows.
fn reading_of(at: &CounterReading, counter: Counter) -> (u64, u64) {
    let position = position(counter);
    let of = |array: &[u64; 12]| array.get(position).copied().unwrap_or(0);
    (of(&at.values), of(&at.overflows))
}
