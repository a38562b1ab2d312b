//! The machine: made, loaded, and run until its guest ends.

use core::fmt;

use idl::pmu::PmuError;
use idl::supervisor::Verdict as Told;
use sel4::Error;
use sel4_sys::vcpu::{VcpuReturn, VcpuState};
use testproto::End;
use vmm_server_core::load::{LoadError, load};
use vmm_server_core::vpmu::EventFilter;
use vmm_server_core::{Next, Vcpu, Verdict, Vm, VmConfig};

use crate::caps;
use crate::counters::{cpuid, of_guest};
use crate::environment::Environment;
use crate::lease::{Answer, Leases};
use crate::lines::Lines;
use crate::memory::{File, Memory};
use crate::page::Page;
use crate::verdict_of;

/// Why there is no machine to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failure {
    /// pmu-server does not say what CPU this is.
    NoDescription(PmuError),
    /// The kernel refused something that this VMM needs.
    Kernel(&'static str, Error),
    /// The guest's file.
    Load(LoadError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDescription(why) => {
                write!(f, "pmu-server does not describe the CPU: {why:?}")
            }
            Self::Kernel(what, why) => write!(f, "the kernel refuses to {what}: {why:?}"),
            Self::Load(why) => write!(f, "{why}"),
        }
    }
}

/// The guest's machine while it runs.
#[derive(Debug)]
struct Machine {
    page: Page,
    state: VcpuState,
    vm: Vm,
    vcpu: Vcpu,
    environment: Environment,
    leases: Leases,
}

/// Runs the guest, says how it ended, and answers what to tell the supervisor.
pub(crate) fn run() -> Told {
    let mut leases = Leases::from(caps::pmu);
    let failure = match leases.describe() {
        Ok(host) => match Machine::new(leases, &host) {
            Ok(machine) => return machine.run(),
            Err(failure) => failure,
        },
        Err(why) => Failure::NoDescription(why),
    };
    Lines::to(caps::console).say(format_args!("{failure}"));
    Told::Failed
}

impl Machine {
    fn new(leases: Leases, host: &idl::pmu::Description) -> Result<Self, Failure> {
        let kernel = |what| move |why| Failure::Kernel(what, why);
        let config = VmConfig {
            tsc_hz: host.tsc_hz,
            tsc_deadline: true,
            pmu: of_guest(host),
        };
        let page = Page::open().map_err(kernel("map the virtual CPU's page"))?;
        let file = File::open().map_err(kernel("map the guest's file"))?;
        let mut memory = Memory::open().map_err(kernel("map the guest's memory"))?;
        let start = load(&file, "", &mut memory).map_err(Failure::Load)?;
        let vm = Vm::new(&config, cpuid);
        let vcpu = Vcpu::new(&config, &vm, EventFilter::allow_all());
        let mut state = start.state();
        let mut environment =
            Environment::new(Lines::to(caps::console), host.tsc_hz, config.pmu.is_some());
        vcpu.start(&mut state, &mut environment);
        Ok(Self {
            page,
            state,
            vm,
            vcpu,
            environment,
            leases,
        })
    }

    fn run(mut self) -> Told {
        let verdict = loop {
            let next = match self.enter() {
                Ok(next) => next,
                Err(why) => {
                    let failure = Failure::Kernel("enter the guest", why);
                    self.environment.lines.say(format_args!("{failure}"));
                    return Told::Failed;
                }
            };
            match next {
                Next::Enter => {}
                Next::NeedLease => self.ask_for_lease(),
                Next::Stop(verdict) => break verdict,
            }
        };
        self.report(verdict)
    }

    /// Enters the guest once and handles what came of it.
    fn enter(&mut self) -> sel4::Result<Next> {
        self.page.store(&self.state);
        let (returned, _): (VcpuReturn, _) = caps::vcpu.enter()?;
        self.page.load(&mut self.state);
        let Self {
            vm,
            state,
            environment,
            ..
        } = self;
        Ok(self.vcpu.handle(vm, returned, state, environment))
    }

    /// The guest's counters are enabled and the lease is not armed: the guest stalls until it is.
    fn ask_for_lease(&mut self) {
        match self.leases.acquire() {
            Answer::Granted => {}
            Answer::Later => sel4::r#yield(),
            Answer::Never(why) => {
                self.environment.lines.say(format_args!(
                    "the guest runs with its counters stopped: {why:?}"
                ));
                // A kernel that refuses this answers the next entry with the same question.
                let _ = caps::vcpu.set_blind(true);
            }
        }
    }

    fn report(mut self, verdict: Verdict) -> Told {
        self.leases.release();
        let passed = u32::from(End::Passed.port_value());
        let has_passed = matches!(verdict, Verdict::Exit { code } if code == passed);
        if !has_passed {
            self.environment.show_unusual();
        }
        let lines = &mut self.environment.lines;
        match verdict {
            Verdict::Exit { .. } if has_passed => lines.say(format_args!("the guest passed")),
            verdict => lines.say(format_args!("{verdict}")),
        }
        lines.say(format_args!(
            "{} exits, {} requests for the counters",
            self.state.exits, self.leases.requests
        ));
        verdict_of(has_passed)
    }
}
