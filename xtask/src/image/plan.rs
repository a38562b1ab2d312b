//! Gives every object its index, and finds what is wrong with a system on the way.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::anyhow;
use sel4_sys::layout::{IPC_BUFFER, STACK_TOP, TASK_TABLE, TASK_TABLE_PAGES};
use sel4_sys::{CapRights, ObjectKind, slot};
use sysdesc::{
    AddressSpace, CNode, Mapping, NONE, Name, PAGE, SchedContext, Task, Thread, ThreadFlags,
};
use toml::Spanned;
use zerocopy::IntoBytes as _;

use super::declared::{Resolver, shared_frames};
use super::description::{self, Description};
use super::guests;
use super::objects::{Capabilities, Grant, Memory, Plan};
use super::problem::Problem;
use super::program::{Declaration, Program};
use crate::board::Device;

/// The name of the task that the kernel starts and that supervises the others.
const ROOT: &str = "root";

/// The largest stack, in KiB: as much as lies free below it.
const MOST_STACK_KIB: u32 = 1024;

/// The shortest budget that the kernel keeps, in µs.
const LEAST_BUDGET_US: u32 = 10;

/// The budget of a task that names none, in µs.
const BUDGET_US: u32 = 10_000;

/// A task with its program and the indices of its objects.
///
/// Thread, CNode, address space, notification and reply have the task's own index.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) index: u16,
    pub(crate) task: &'a description::Task,
    /// Where its table stands.
    pub(crate) span: Range<usize>,
    pub(crate) program: &'a Program,
    /// Its scheduling context, unless it is passive.
    pub(crate) sched_context: Option<u16>,
    /// The endpoint that it serves on, if it serves anybody.
    pub(crate) service: Option<u16>,
}

impl Member<'_> {
    pub(crate) fn name(&self) -> &str {
        self.task.name.get_ref()
    }

    pub(crate) fn priority(&self) -> u8 {
        *self.task.priority.get_ref()
    }

    pub(crate) fn is_root(&self) -> bool {
        self.index == 0
    }

    /// The badge of its messages: its position in the supervisor's table, from 1.
    ///
    /// Root has none, and is number 0.
    pub(crate) fn badge(&self) -> u16 {
        self.index
    }

    /// The interfaces that its program serves.
    pub(crate) fn serves(&self) -> impl Iterator<Item = &str> {
        let is_service = |d: &&Declaration| d.kind == sysdesc::DeclarationKind::Serve;
        self.program
            .declarations
            .iter()
            .filter(is_service)
            .map(Declaration::interface)
    }
}

/// Plans the image of a system.
///
/// # Errors
/// Everything that is wrong with the description, at once.
pub(crate) fn plan(
    description: &Description,
    devices: &BTreeMap<String, Device>,
    programs: &BTreeMap<String, Program>,
) -> anyhow::Result<Plan> {
    let mut problems = Vec::new();
    let members = members(description, programs, &mut problems);
    let mut resolver = Resolver::new(description, devices, &members, &mut problems);
    guests::check(description, &mut problems);
    let Some(root) = members.first() else {
        return Err(description.source.refuse(problems));
    };
    let declared_by_root = u16::try_from(root.program.declarations.len())?;
    let mut capabilities = Capabilities::new(root.index, declared_by_root);
    let mut plan = Plan {
        system: Name::new(&description.name)
            .ok_or_else(|| anyhow!("the name {} is longer than 31 bytes", description.name))?,
        root_thread: root.index,
        endpoints: 0,
        notifications: u16::try_from(members.len())?,
        replies: u16::try_from(members.len())?,
        regions: shared_frames(description, &mut problems),
        mappings: Vec::new(),
        address_spaces: Vec::new(),
        cnodes: Vec::new(),
        threads: Vec::new(),
        sched_contexts: Vec::new(),
        interrupts: Vec::new(),
        ports: Vec::new(),
        capabilities: Vec::new(),
        tasks: Vec::new(),
        guest_spaces: Vec::new(),
        vcpus: Vec::new(),
        pmu_controls: Vec::new(),
        pmu_leases: Vec::new(),
    };
    for member in &members {
        check(member, root, &mut problems);
        plan_member(member, root, &mut plan, &mut capabilities, &mut problems)?;
        for declaration in &member.program.declarations {
            if let Some(grant) = resolver.resolve(member, declaration, &mut problems) {
                capabilities.give(member.index, declaration.slot, grant);
            }
        }
        resolver.refuse_unasked(member, &mut problems);
    }
    resolver.finish(&mut plan);
    if !problems.is_empty() {
        return Err(description.source.refuse(problems));
    }
    map_task_table(root, &mut plan)?;
    if let Some(cnode) = plan.cnodes.first_mut() {
        cnode.slots = capabilities.root_slots();
    }
    plan.capabilities = capabilities.into_records();
    Ok(plan)
}

/// The tasks, root first, then in the order of the file; empty if there is no root.
fn members<'a>(
    description: &'a Description,
    programs: &'a BTreeMap<String, Program>,
    problems: &mut Vec<Problem>,
) -> Vec<Member<'a>> {
    let tasks = &description.system.tasks;
    let mut names: BTreeMap<&str, ()> = BTreeMap::new();
    for task in tasks {
        let name = &task.get_ref().name;
        if names.insert(name.get_ref(), ()).is_some() {
            let cause = format!("there are two tasks `{}`", name.get_ref());
            problems.push(Problem::new(
                &name.span(),
                cause,
                "give each task a name of its own",
            ));
        }
        if Name::new(name.get_ref()).is_none() {
            let cause = format!("the name `{}` does not have 1 to 31 bytes", name.get_ref());
            problems.push(Problem::new(&name.span(), cause, "choose a shorter one"));
        }
    }
    let is_root = |task: &&Spanned<description::Task>| task.get_ref().name.get_ref() == ROOT;
    let Some(root) = tasks.iter().find(is_root) else {
        let suggestion = "add a [[task]] with name = \"root\": it starts the others";
        problems.push(Problem::new(
            &(0..0),
            "no task is called `root`",
            suggestion,
        ));
        return Vec::new();
    };
    let others = tasks.iter().filter(|task| !is_root(task));
    let mut sched_contexts = 0..u16::MAX;
    let mut endpoints = 0..u16::MAX;
    let members = std::iter::once(root)
        .chain(others)
        .zip(0_u16..)
        .filter_map(|(task, index)| {
            let span = task.span();
            let task = task.get_ref();
            let program = programs.get(task.program().get_ref())?;
            let sched_context = if task.passive {
                None
            } else {
                sched_contexts.next()
            };
            let mut member = Member {
                index,
                task,
                span,
                program,
                sched_context,
                service: None,
            };
            if index == 0 || member.serves().next().is_some() {
                member.service = endpoints.next();
            }
            Some(member)
        });
    members.collect()
}

/// What can be wrong with a task by itself.
fn check(member: &Member<'_>, root: &Member<'_>, problems: &mut Vec<Problem>) {
    let task = member.task;
    let mut object = |at: &Range<usize>, cause: String, suggestion: &str| {
        problems.push(Problem::new(at, cause, suggestion));
    };
    let name = member.name();
    if !member.is_root() && member.priority() >= root.priority() {
        let cause = format!(
            "`{name}` has priority {}, but root, which it calls, has {}",
            member.priority(),
            root.priority()
        );
        object(
            &task.priority.span(),
            cause,
            "calls go uphill: give root a higher priority",
        );
    }
    let max = task.max_priority.as_ref();
    if let Some(max) = max.filter(|max| *max.get_ref() < member.priority()) {
        let cause = format!(
            "max-priority {} is below the task's own priority",
            max.get_ref()
        );
        object(&max.span(), cause, "raise it, or leave it out");
    }
    if task.passive && member.service.is_none() {
        let cause = format!("`{name}` is passive, but serves nobody whose time it could use");
        object(
            &member.span,
            cause,
            "leave out `passive`, or let the program serve an interface",
        );
    }
    if task.passive && (task.budget_us.is_some() || task.period_us.is_some()) {
        let cause = format!("`{name}` is passive and has a budget");
        object(&member.span, cause, "leave out either");
    }
    let (budget, period) = times(task);
    if budget < LEAST_BUDGET_US {
        let at = task
            .budget_us
            .as_ref()
            .map_or(member.span.clone(), Spanned::span);
        let cause = format!("a budget of {budget} µs is shorter than {LEAST_BUDGET_US} µs");
        object(
            &at,
            cause,
            "the kernel keeps no shorter one: raise budget-us",
        );
    }
    if period < budget {
        let at = task
            .period_us
            .as_ref()
            .map_or(member.span.clone(), Spanned::span);
        let cause = format!("the period of {period} µs is shorter than the budget of {budget} µs");
        object(&at, cause, "raise period-us to the budget or more");
    }
    let stack = task.stack_kib();
    if stack == 0 || stack > MOST_STACK_KIB || !stack.is_multiple_of(4) {
        let at = task
            .stack_kib
            .as_ref()
            .map_or(member.span.clone(), Spanned::span);
        let cause = format!("a stack of {stack} KiB cannot be");
        object(&at, cause, "stack-kib is a multiple of 4, from 4 to 1024");
    }
}

/// Budget and period, in µs.
fn times(task: &description::Task) -> (u32, u32) {
    let budget = task
        .budget_us
        .as_ref()
        .map_or(BUDGET_US, |value| *value.get_ref());
    let period = task
        .period_us
        .as_ref()
        .map_or(budget, |value| *value.get_ref());
    (budget, period)
}

/// Adds a task's objects, memory and fixed capabilities.
fn plan_member(
    member: &Member<'_>,
    root: &Member<'_>,
    plan: &mut Plan,
    capabilities: &mut Capabilities,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<()> {
    let (task, index) = (member.task, member.index);
    let thread_slot = capabilities.original(ObjectKind::Thread, index);
    let cnode_slot = capabilities.original(ObjectKind::CNode, index);
    let address_space_slot = capabilities.original(ObjectKind::AddressSpace, index);
    plan.address_spaces.push(AddressSpace {
        spare_tables: task.spare_tables,
        reserved: 0,
    });
    let declared = u32::try_from(member.program.declarations.len())?;
    plan.cnodes.push(CNode {
        slots: u32::try_from(slot::FIRST_DECLARED)? + declared,
        reserved: 0,
    });
    if member.sched_context.is_some() {
        let (budget_us, period_us) = times(task);
        plan.sched_contexts.push(SchedContext {
            budget_us,
            period_us,
        });
    }
    let Placed { frames, ipc_buffer } = place_memory(member, plan, problems)?;
    let slots: Vec<u16> = frames
        .iter()
        .map(|&frame| capabilities.original(ObjectKind::Frame, frame))
        .collect();
    let is_root = member.is_root();
    plan.threads.push(Thread {
        name: Name::new(member.name()).unwrap_or(plan.system),
        entry: member.program.entry,
        stack: STACK_TOP,
        ipc_buffer: IPC_BUFFER,
        fault_badge: if is_root {
            0
        } else {
            Task::FAULT_BADGE + u64::from(member.badge())
        },
        ipc_buffer_region: ipc_buffer,
        ipc_buffer_page: 0,
        address_space: index,
        cnode: index,
        sched_context: member.sched_context.unwrap_or(NONE),
        fault_endpoint: root.service.filter(|_| !is_root).unwrap_or(NONE),
        notification: index,
        priority: member.priority(),
        max_priority: task
            .max_priority
            .as_ref()
            .map_or(member.priority(), |max| *max.get_ref()),
        flags: flag(is_root, ThreadFlags::START) | flag(task.fpu, ThreadFlags::FPU),
        cpu: task.cpu,
        reserved: 0,
    });
    give_fixed(member, root, capabilities);
    if !is_root {
        let flags = flag(task.essential, u32::from(Task::ESSENTIAL))
            | flag(!task.restart, u32::from(Task::NO_RESTART))
            | flag(!task.start, u32::from(Task::NOT_STARTED));
        plan.tasks.push(Task {
            name: Name::new(member.name()).unwrap_or(plan.system),
            thread: index,
            thread_slot,
            cnode_slot,
            address_space_slot,
            first_frame_slot: slots.first().copied().unwrap_or(0),
            frames: u16::try_from(slots.len())?,
            badge: member.badge(),
            priority: member.priority(),
            flags: u8::try_from(flags)?,
            summary: summary(member),
        });
    }
    Ok(())
}

fn flag(is_set: bool, bit: u32) -> u32 {
    if is_set { bit } else { 0 }
}

/// The slots that every task has at the same place.
fn give_fixed(member: &Member<'_>, root: &Member<'_>, capabilities: &mut Capabilities) {
    let index = member.index;
    let mut give = |slot, grant| capabilities.give(index, slot, grant);
    give(slot::THREAD, Grant::all(ObjectKind::Thread, index));
    give(slot::CNODE, Grant::all(ObjectKind::CNode, index));
    give(
        slot::ADDRESS_SPACE,
        Grant::all(ObjectKind::AddressSpace, index),
    );
    give(slot::REPLY, Grant::all(ObjectKind::Reply, index));
    give(
        slot::NOTIFICATION,
        Grant::all(ObjectKind::Notification, index),
    );
    if let Some(sched_context) = member.sched_context {
        give(
            slot::SCHED_CONTEXT,
            // To look at: a task cannot give itself more time.
            Grant::all(ObjectKind::SchedContext, sched_context).with(CapRights::READ),
        );
    }
    if let Some(service) = member.service {
        give(
            slot::SERVICE,
            Grant::all(ObjectKind::Endpoint, service).with(CapRights::READ),
        );
    }
    if let (Some(supervisor), false) = (root.service, member.is_root()) {
        let grant = Grant::all(ObjectKind::Endpoint, supervisor)
            .with(CapRights::WRITE | CapRights::GRANT_REPLY)
            .badged(u64::from(member.badge()));
        give(slot::SUPERVISOR, grant);
    }
}

/// Where a task's memory came to lie.
struct Placed {
    /// The regions that it can write, which a restart resets.
    frames: Vec<u16>,
    /// The region of its IPC buffer.
    ipc_buffer: u16,
}

/// Adds a task's program, stack and IPC buffer.
fn place_memory(
    member: &Member<'_>,
    plan: &mut Plan,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<Placed> {
    let stack_pages = member.task.stack_kib().div_ceil(4).max(1);
    let stack = STACK_TOP.saturating_sub(u64::from(stack_pages) * PAGE);
    let read = u32::from(CapRights::READ.bits());
    let write = read | u32::from(CapRights::WRITE.bits());
    let mut frames = Vec::new();
    let mut place = |address, memory: Memory, rights| -> anyhow::Result<u16> {
        let region = u16::try_from(plan.regions.len())?;
        let pages = memory.pages;
        plan.regions.push(memory);
        let address_space = member.index;
        plan.mappings.push(Mapping {
            address,
            address_space,
            region,
            first_page: 0,
            pages,
            rights,
        });
        Ok(region)
    };
    for segment in &member.program.segments {
        // A page stays free below the stack, so that running over it is noticed.
        if segment.end() + PAGE > stack {
            let cause = format!("the program of `{}` runs into its stack", member.name());
            let suggestion = "make the stack or the program smaller";
            problems.push(Problem::new(&member.span, cause, suggestion));
        }
        let rights = match (segment.is_writable, segment.is_executable) {
            (true, _) => write,
            (false, true) => read | Mapping::EXECUTE,
            (false, false) => read,
        };
        let memory = Memory {
            pages: segment.pages,
            data: segment.data.clone(),
            device: 0,
        };
        let region = place(segment.address, memory, rights)?;
        if segment.is_writable {
            frames.push(region);
        }
    }
    let empty = |pages| Memory {
        pages,
        ..Memory::default()
    };
    frames.push(place(stack, empty(stack_pages), write)?);
    let ipc_buffer = place(IPC_BUFFER, empty(1), write)?;
    frames.push(ipc_buffer);
    Ok(Placed { frames, ipc_buffer })
}

/// What a task serves and calls, for people.
fn summary(member: &Member<'_>) -> [u8; 48] {
    let calls = member.program.declarations.iter();
    let calls = calls.filter(|d| d.kind == sysdesc::DeclarationKind::Call);
    let calls: Vec<&str> = calls.map(Declaration::interface).collect();
    let serves: Vec<&str> = member.serves().collect();
    let mut parts = Vec::new();
    for (word, names) in [("serves", serves), ("calls", calls)] {
        if !names.is_empty() {
            parts.push(format!("{word} {}", names.join(", ")));
        }
    }
    let text = parts.join("; ");
    let mut end = text.len().min(48);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut summary = [0; 48];
    summary
        .iter_mut()
        .zip(text.bytes().take(end))
        .for_each(|(to, from)| *to = from);
    summary
}

/// Maps a copy of the task table into root.
fn map_task_table(root: &Member<'_>, plan: &mut Plan) -> anyhow::Result<()> {
    let data: Vec<u8> = plan
        .tasks
        .iter()
        .flat_map(|task| task.as_bytes().to_vec())
        .collect();
    let pages = u32::try_from(u64::try_from(data.len())?.div_ceil(PAGE).max(1))?;
    if u64::from(pages) > TASK_TABLE_PAGES {
        return Err(anyhow!(
            "{} tasks are too many for root's table",
            plan.tasks.len()
        ));
    }
    let region = u16::try_from(plan.regions.len())?;
    plan.regions.push(Memory {
        pages,
        data,
        device: 0,
    });
    plan.mappings.push(Mapping {
        address: TASK_TABLE,
        address_space: root.index,
        region,
        first_page: 0,
        pages,
        rights: u32::from(CapRights::READ.bits()),
    });
    Ok(())
}
