//! Takes each request to the policy, and what the policy wants to the kernel.

use idl::pmu::{Description, EventSpec, PmuError, PmuServer, Reading, Samples};
use idl::supervisor::SupervisorClient;
use idl_runtime::{Caller, Connection};
use pmu_server_core::{
    Acquired, Admission, ClientId, CounterReading, CpuEvents, Demand, EventError, Guests,
    SampleStore, VmId,
};
use sel4::cap::PmuLease;

use crate::control::Control;
use crate::lives::Lives;
use crate::ring::Ring;
use crate::wire;

/// A virtual machine of this system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vm {
    /// What is armed when it gets the counters.
    pub(crate) lease: PmuLease,
    /// The badge of its VMM; `None`: it has none on this CPU.
    pub(crate) vmm: Option<u64>,
}

/// VMs of one CPU that this server knows.
const VMS: usize = 1;

/// One CPU's counters and everybody who wants them.
#[derive(Debug)]
pub(crate) struct Server {
    generation: u64,
    control: Control,
    ring: Ring,
    vms: [Vm; VMS],
    lives: Lives,
    /// `None`: this CPU's counters cannot be used.
    events: Option<CpuEvents>,
    samples: SampleStore,
    admission: Admission,
}

impl Server {
    /// Nobody has asked for anything yet. What an earlier life had programmed is stopped.
    pub(crate) fn new(
        generation: u64,
        control: Control,
        ring: Ring,
        vms: [Vm; VMS],
        supervisor: SupervisorClient<Connection>,
    ) -> Self {
        let mut server = Self {
            generation,
            events: control.layout().map(CpuEvents::new),
            control,
            ring,
            vms,
            lives: Lives::new(supervisor),
            samples: SampleStore::new(),
            admission: Admission::default(),
        };
        server.load();
        server
    }

    /// Brings the events up to date, changes them, and has the kernel count what they want now.
    fn change<R>(
        &mut self,
        change: impl FnOnce(&mut CpuEvents, &CounterReading) -> Result<R, EventError>,
    ) -> Result<R, PmuError> {
        let at = self.control.read();
        // Records name counters, so they find their events only before these move. What overflows after this reading is counted by
        // nobody who stops now, and is no sample of his.
        self.sort_samples(at.now);
        let events = self.events.as_mut().ok_or(PmuError::NotSupported)?;
        let result = change(events, &at).map_err(wire::error)?;
        self.load();
        Ok(result)
    }

    fn load(&mut self) {
        let Some(events) = &mut self.events else {
            return;
        };
        self.control.load(&events.take_image());
        self.control.set_demand(if events.has_demand() {
            Demand::Events
        } else {
            Demand::None
        });
    }

    /// Gives the samples taken by `until` to their events.
    fn sort_samples(&mut self, until: u64) {
        let Some(events) = &self.events else { return };
        while let Some(record) = self.ring.take_until(until) {
            self.samples.add(record, events);
        }
        self.samples.add_lost(self.ring.take_lost(), events);
    }

    /// Takes back what tasks held that have died. Before somebody new gets something: he may be a later life of the same.
    fn bury_the_dead(&mut self) {
        while let Some(task) = self.lives.take_dead() {
            if let Some((id, vm)) = self.vm_of(task)
                && self.admission.release(id)
            {
                self.control.disarm(vm.lease);
            }
            let client = ClientId(task);
            for event in self.events.iter().flat_map(|all| all.of_client(client)) {
                self.samples.forget(event);
            }
            let closed = self.change(|events, at| Ok(events.close_all(client, at)));
            debug_assert!(
                closed.is_ok() || self.events.is_none(),
                "closing is refused to nobody"
            );
        }
    }

    fn vm_of(&self, task: u64) -> Option<(VmId, Vm)> {
        (0..)
            .map(VmId)
            .zip(self.vms)
            .find(|(_, vm)| vm.vmm == Some(task))
    }
}

impl PmuServer for Server {
    fn describe(&mut self, _: Caller) -> Result<Description, PmuError> {
        let Self { control, .. } = self;
        Ok(wire::description(control.layout(), control.tsc_hz()))
    }

    fn open(&mut self, caller: Caller, asked: EventSpec) -> Result<u32, PmuError> {
        self.bury_the_dead();
        let spec = wire::spec(&asked)?;
        if spec.guests == Guests::Include {
            self.admission
                .admit_including_guests()
                .map_err(wire::error)?;
        }
        let events = self.events.as_mut().ok_or(PmuError::NotSupported)?;
        let id = events
            .open(ClientId(caller.badge), spec)
            .map_err(wire::error)?;
        self.lives.remember(caller.badge);
        Ok(wire::number(self.generation, id))
    }

    fn enable(&mut self, caller: Caller, event: u32) -> Result<(), PmuError> {
        let id = wire::event(self.generation, event)?;
        self.change(|events, at| events.enable(ClientId(caller.badge), id, at))
    }

    fn disable(&mut self, caller: Caller, event: u32) -> Result<(), PmuError> {
        let id = wire::event(self.generation, event)?;
        self.change(|events, at| events.disable(ClientId(caller.badge), id, at))
    }

    fn read(&mut self, caller: Caller, event: u32) -> Result<Reading, PmuError> {
        let id = wire::event(self.generation, event)?;
        let events = self.events.as_mut().ok_or(PmuError::NotSupported)?;
        let reading = events.read(ClientId(caller.badge), id, &self.control.read());
        reading.map(wire::reading).map_err(wire::error)
    }

    fn close(&mut self, caller: Caller, event: u32) -> Result<(), PmuError> {
        let id = wire::event(self.generation, event)?;
        self.change(|events, at| events.close(ClientId(caller.badge), id, at))?;
        self.samples.forget(id);
        Ok(())
    }

    fn take_samples(&mut self, caller: Caller, event: u32) -> Result<Samples, PmuError> {
        let id = wire::event(self.generation, event)?;
        self.sort_samples(u64::MAX);
        let events = self.events.as_ref().ok_or(PmuError::NotSupported)?;
        if !events.has(ClientId(caller.badge), id) {
            return Err(PmuError::NoSuchEvent);
        }
        Ok(wire::samples(&self.samples.take(id)))
    }

    fn acquire_lease(&mut self, caller: Caller) -> Result<u64, PmuError> {
        self.bury_the_dead();
        let (id, vm) = self.vm_of(caller.badge).ok_or(PmuError::Denied)?;
        let events = self.events.as_ref().ok_or(PmuError::NotSupported)?;
        match self.admission.acquire(id, events.including_guests()) {
            Acquired::Granted => {
                self.lives.remember(caller.badge);
                Ok(self.control.arm(vm.lease))
            }
            Acquired::Busy => Err(PmuError::Busy),
            Acquired::Unknown => Err(PmuError::Denied),
        }
    }

    fn release_lease(&mut self, caller: Caller) -> Result<(), PmuError> {
        let (id, vm) = self.vm_of(caller.badge).ok_or(PmuError::Denied)?;
        if self.admission.release(id) {
            self.control.disarm(vm.lease);
        }
        Ok(())
    }
}
