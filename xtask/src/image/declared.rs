//! Holds what a program declares against what the system gives it.

use std::collections::BTreeMap;
use std::ops::Range;

use sel4_sys::{CapRights, ObjectKind};
use sysdesc::{DeclarationKind, Interrupt, Port};

use super::description::Description;
use super::guests::Guests;
use super::objects::{Grant, Memory, Plan};
use super::plan::Member;
use super::problem::{Problem, choice};
use super::program::Declaration;
use crate::board::Device;

/// Turns declarations into capabilities, and makes the objects that only they name.
pub(crate) struct Resolver<'a> {
    description: &'a Description,
    devices: &'a BTreeMap<String, Device>,
    members: &'a [Member<'a>],
    /// Shared objects by name, each with its index.
    endpoints: BTreeMap<String, u16>,
    notifications: BTreeMap<String, u16>,
    ports: BTreeMap<&'a str, u16>,
    interrupts: BTreeMap<&'a str, (u16, &'a str)>,
    guests: Guests,
    /// Index of the first endpoint, notification and region of our own.
    first_endpoint: u16,
    first_notification: u16,
    replies: u16,
}

/// What a system gives for a name: one word, or a table with more.
pub(crate) struct Gift<'a> {
    /// The name of a task, a device, a frame, a virtual machine or a shared object.
    pub(crate) name: &'a str,
    table: Option<&'a toml::Table>,
    pub(crate) span: Range<usize>,
}

impl Gift<'_> {
    /// What else stands beside the name, if it is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.table?.get(key)?.as_str()
    }

    /// Whether a key beside the name says `true`.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.table
            .and_then(|table| table.get(key)?.as_bool())
            .unwrap_or(false)
    }
}

impl<'a> Resolver<'a> {
    /// Knows the members' own objects; shared ones get the indices behind them.
    pub(crate) fn new(
        description: &'a Description,
        devices: &'a BTreeMap<String, Device>,
        members: &'a [Member<'a>],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let count = u16::try_from(members.len()).unwrap_or(u16::MAX);
        let services = members
            .iter()
            .filter(|member| member.service.is_some())
            .count();
        let mut names = BTreeMap::new();
        for frame in &description.system.frames {
            let name = &frame.get_ref().name;
            if names.insert(name.get_ref(), ()).is_some() {
                let cause = format!("there are two frames `{}`", name.get_ref());
                let suggestion = "give each frame a name of its own";
                problems.push(Problem::new(&name.span(), cause, suggestion));
            }
        }
        Self {
            description,
            devices,
            members,
            endpoints: BTreeMap::new(),
            notifications: BTreeMap::new(),
            ports: BTreeMap::new(),
            interrupts: BTreeMap::new(),
            guests: Guests::default(),
            first_endpoint: u16::try_from(services).unwrap_or(u16::MAX),
            first_notification: count,
            replies: count,
        }
    }

    /// The capability for one declaration; nothing for an empty slot or after a problem.
    pub(crate) fn resolve(
        &mut self,
        member: &'a Member<'a>,
        declaration: &'a Declaration,
        problems: &mut Vec<Problem>,
    ) -> Option<Grant> {
        let resolved = match declaration.kind {
            DeclarationKind::Serve => member
                .service
                .map(|service| Ok(Grant::all(ObjectKind::Endpoint, service).with(CapRights::READ))),
            DeclarationKind::Reply => {
                self.replies += 1;
                Some(Ok(Grant::all(ObjectKind::Reply, self.replies - 1)))
            }
            DeclarationKind::Empty => None,
            DeclarationKind::Endpoint => Some(self.shared(member, declaration)),
            DeclarationKind::Notification => Some(self.shared(member, declaration)),
            _ => Some(self.given(member, declaration)),
        };
        match resolved? {
            Ok(grant) => Some(grant),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// Gifts that the program does not declare.
    pub(crate) fn refuse_unasked(&self, member: &Member<'_>, problems: &mut Vec<Problem>) {
        let names: Vec<&str> = member
            .program
            .declarations
            .iter()
            .filter(|declaration| takes_gift(declaration.kind))
            .map(|declaration| declaration.name.as_str())
            .collect();
        for name in member
            .task
            .gets
            .keys()
            .filter(|name| !names.contains(&name.get_ref().as_str()))
        {
            let program = member.task.program().get_ref();
            let cause = format!(
                "the program `{program}` does not ask for `{}`",
                name.get_ref()
            );
            problems.push(Problem::new(
                &name.span(),
                cause,
                choice(name.get_ref(), &names),
            ));
        }
    }

    /// Adds the objects that declarations named to the plan.
    pub(crate) fn finish(self, plan: &mut Plan) {
        let count = |names: &BTreeMap<String, u16>| u16::try_from(names.len()).unwrap_or(u16::MAX);
        plan.endpoints = self.first_endpoint + count(&self.endpoints);
        plan.notifications = self.first_notification + count(&self.notifications);
        plan.replies = self.replies;
        self.guests.finish(self.description, plan);
        let mut ports: Vec<_> = self.ports.iter().collect();
        ports.sort_by_key(|(_, index)| **index);
        plan.ports.extend(ports.into_iter().filter_map(|(name, _)| {
            let (first, count) = self.devices.get(*name)?.ports?;
            Some(Port {
                first,
                count,
                reserved: 0,
            })
        }));
        let mut interrupts: Vec<_> = self.interrupts.iter().collect();
        interrupts.sort_by_key(|(_, (index, _))| *index);
        plan.interrupts
            .extend(interrupts.into_iter().filter_map(|(name, _)| {
                let device = self.devices.get(*name)?;
                let flags = u32::from(device.level_triggered) | u32::from(device.active_low) << 1;
                Some(Interrupt {
                    line: device.line?,
                    flags,
                })
            }));
    }
}

impl<'a> Resolver<'a> {
    /// An object of its own, shared by every task that gives it the same name.
    fn shared(&mut self, member: &Member<'_>, declaration: &Declaration) -> Result<Grant, Problem> {
        let name = match member.task.gift(&declaration.name) {
            Some(_) => self.gift(member, declaration)?.name.to_owned(),
            None => declaration.name.clone(),
        };
        let (kind, names, first) = match declaration.kind {
            DeclarationKind::Endpoint => (
                ObjectKind::Endpoint,
                &mut self.endpoints,
                self.first_endpoint,
            ),
            _ => (
                ObjectKind::Notification,
                &mut self.notifications,
                self.first_notification,
            ),
        };
        Ok(Grant::all(kind, first + numbered(names, name)))
    }

    /// What the system must give.
    fn given(
        &mut self,
        member: &'a Member<'a>,
        declaration: &'a Declaration,
    ) -> Result<Grant, Problem> {
        let gift = self.gift(member, declaration)?;
        match declaration.kind {
            DeclarationKind::Call => self.call(member, declaration, &gift),
            DeclarationKind::Signal => {
                let bit = gift
                    .table
                    .and_then(|table| table.get("bit")?.as_integer())
                    .unwrap_or(0);
                let bit = u32::try_from(bit)
                    .ok()
                    .filter(|bit| *bit < 64)
                    .ok_or_else(|| {
                        Problem::new(
                            &gift.span,
                            format!("bit {bit} does not exist"),
                            "use 0 to 63",
                        )
                    })?;
                let target = self.member(&gift)?.index;
                let grant = Grant::all(ObjectKind::Notification, target);
                Ok(grant.with(CapRights::WRITE).badged(1 << bit))
            }
            DeclarationKind::Thread => {
                Ok(Grant::all(ObjectKind::Thread, self.member(&gift)?.index))
            }
            DeclarationKind::SchedContext => {
                let target = self.member(&gift)?;
                target
                    .sched_context
                    .map(|at| Grant::all(ObjectKind::SchedContext, at))
                    .ok_or_else(|| {
                        let cause = format!("`{}` is passive: it has none", target.name());
                        Problem::new(&gift.span, cause, "name a task with a budget")
                    })
            }
            DeclarationKind::Frame => self.frame(&gift),
            kind @ (DeclarationKind::GuestSpace
            | DeclarationKind::Vcpu
            | DeclarationKind::PmuControl
            | DeclarationKind::PmuLease) => {
                self.guests.resolve(self.description, member, kind, &gift)
            }
            _ => self.device(member, declaration.kind, &gift),
        }
    }

    /// A server's endpoint, badged with who calls.
    fn call(
        &self,
        member: &Member<'_>,
        declaration: &Declaration,
        gift: &Gift<'_>,
    ) -> Result<Grant, Problem> {
        let server = self.member(gift)?;
        let interface = declaration.interface();
        let serves: Vec<&str> = server.serves().collect();
        let Some(service) = server.service.filter(|_| serves.contains(&interface)) else {
            let cause = format!("`{}` does not serve `{interface}`", server.name());
            return Err(Problem::new(&gift.span, cause, self.servers_of(interface)));
        };
        if server.priority() <= member.priority() {
            let cause = format!(
                "`{}` with priority {} would call `{}` with {}",
                member.name(),
                member.priority(),
                server.name(),
                server.priority()
            );
            let suggestion = "calls go uphill: give the server a higher priority";
            return Err(Problem::new(&gift.span, cause, suggestion));
        }
        let mut rights = CapRights::WRITE | CapRights::GRANT_REPLY;
        rights.set(CapRights::GRANT, gift.flag("grant"));
        let endpoint = Grant::all(ObjectKind::Endpoint, service);
        Ok(endpoint.with(rights).badged(u64::from(member.badge())))
    }

    fn frame(&self, gift: &Gift<'_>) -> Result<Grant, Problem> {
        let frames = self.description.system.frames.iter();
        let names: Vec<&str> = frames
            .map(|frame| frame.get_ref().name.get_ref().as_str())
            .collect();
        let at = names
            .iter()
            .position(|name| *name == gift.name)
            .ok_or_else(|| {
                let cause = format!("there is no frame `{}`", gift.name);
                Problem::new(&gift.span, cause, choice(gift.name, &names))
            })?;
        // Shared frames are the image's first regions, in the order of the file.
        let grant = Grant::all(ObjectKind::Frame, u16::try_from(at).unwrap_or(u16::MAX));
        Ok(if gift.flag("read-only") {
            grant.with(CapRights::READ)
        } else {
            grant
        })
    }

    /// I/O ports or an interrupt line of one of the board's devices.
    fn device(
        &mut self,
        member: &'a Member<'a>,
        kind: DeclarationKind,
        gift: &Gift<'_>,
    ) -> Result<Grant, Problem> {
        let Some((name, device)) = self.devices.get_key_value(gift.name) else {
            let names: Vec<&str> = self.devices.keys().map(String::as_str).collect();
            let cause = format!("this board has no device `{}`", gift.name);
            return Err(Problem::new(&gift.span, cause, choice(gift.name, &names)));
        };
        let lacks = |what| {
            let cause = format!("the device `{name}` has no {what}");
            Problem::new(&gift.span, cause, "see [devices] in the board's board.toml")
        };
        if kind == DeclarationKind::Port {
            device.ports.ok_or_else(|| lacks("I/O ports"))?;
            let next = u16::try_from(self.ports.len()).unwrap_or(u16::MAX);
            let at = *self.ports.entry(name).or_insert(next);
            return Ok(Grant::all(ObjectKind::Port, at));
        }
        device.line.ok_or_else(|| lacks("interrupt line"))?;
        let next = u16::try_from(self.interrupts.len()).unwrap_or(u16::MAX);
        let (at, owner) = *self.interrupts.entry(name).or_insert((next, member.name()));
        if owner != member.name() {
            let cause = format!("`{owner}` has the interrupt line of `{name}` already");
            return Err(Problem::new(
                &gift.span,
                cause,
                "a line has one task that handles it",
            ));
        }
        Ok(Grant::all(ObjectKind::Interrupt, at))
    }

    /// The task that a gift names.
    fn member(&self, gift: &Gift<'_>) -> Result<&'a Member<'a>, Problem> {
        self.members
            .iter()
            .find(|member| member.name() == gift.name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.members.iter().map(Member::name).collect();
                let cause = format!("there is no task `{}`", gift.name);
                Problem::new(&gift.span, cause, choice(gift.name, &names))
            })
    }

    /// Reads what the system gives for a declaration.
    fn gift<'b>(
        &self,
        member: &'b Member<'_>,
        declaration: &Declaration,
    ) -> Result<Gift<'b>, Problem> {
        let Declaration { kind, name, .. } = declaration;
        let (word, more) = shape(*kind);
        let Some((value, span)) = member.task.gift(name) else {
            let asked = format!("{} {name}", kind.word());
            let cause = format!(
                "`{}` declares `{asked}`, but gets nothing for it",
                member.name()
            );
            let suggestion = match kind {
                DeclarationKind::Call => self.servers_of(declaration.interface()),
                _ => format!("add gets.{name} = \"…\" with the name of a {word}"),
            };
            return Err(Problem::new(&member.span, cause, suggestion));
        };
        let wrong = |cause: String| {
            let keys = more.map_or(String::new(), |key| {
                format!(", or {{ {word} = \"…\", {key} = … }}")
            });
            let suggestion = format!("write the name of a {word} in quotes{keys}");
            Problem::new(&span, cause, suggestion)
        };
        match value {
            toml::Value::String(text) => Ok(Gift {
                name: text,
                table: None,
                span,
            }),
            toml::Value::Table(table) => {
                let is_known = |key: &&String| *key == word || Some(key.as_str()) == more;
                if let Some(key) = table.keys().find(|key| !is_known(key)) {
                    return Err(wrong(format!(
                        "`{key}` means nothing for `{} {name}`",
                        kind.word()
                    )));
                }
                let text = table.get(word).and_then(toml::Value::as_str);
                let text = text.ok_or_else(|| wrong(format!("`{name}` names no {word}")))?;
                Ok(Gift {
                    name: text,
                    table: Some(table),
                    span,
                })
            }
            other => Err(wrong(format!(
                "`{name}` gets no name ({})",
                other.type_str()
            ))),
        }
    }

    /// The suggestion for a call: who serves that interface.
    fn servers_of(&self, interface: &str) -> String {
        let members = self.members.iter();
        let serves = |member: &&Member<'_>| member.serves().any(|served| served == interface);
        let names: Vec<&str> = members.filter(serves).map(Member::name).collect();
        if names.is_empty() {
            format!("no task of this system serves `{interface}`: add one that does")
        } else {
            format!("`{interface}` is served by: {}", names.join(", "))
        }
    }
}

/// Whether the system says what a declaration of this kind stands for.
fn takes_gift(kind: DeclarationKind) -> bool {
    !matches!(
        kind,
        DeclarationKind::Serve | DeclarationKind::Reply | DeclarationKind::Empty
    )
}

/// What a gift of this kind names, and what else may stand beside it.
fn shape(kind: DeclarationKind) -> (&'static str, Option<&'static str>) {
    match kind {
        DeclarationKind::Call => ("task", Some("grant")),
        DeclarationKind::Signal => ("task", Some("bit")),
        DeclarationKind::Thread | DeclarationKind::SchedContext => ("task", None),
        DeclarationKind::Frame | DeclarationKind::PmuControl => ("frame", Some("read-only")),
        DeclarationKind::GuestSpace | DeclarationKind::PmuLease => ("vm", None),
        DeclarationKind::Vcpu => ("vm", Some("state")),
        DeclarationKind::Port | DeclarationKind::Interrupt => ("device", None),
        DeclarationKind::Endpoint => ("endpoint", None),
        DeclarationKind::Notification => ("notification", None),
        DeclarationKind::Serve | DeclarationKind::Reply | DeclarationKind::Empty => ("", None),
    }
}

/// The number of a name: those seen first come first.
fn numbered(names: &mut BTreeMap<String, u16>, name: String) -> u16 {
    let next = u16::try_from(names.len()).unwrap_or(u16::MAX);
    *names.entry(name).or_insert(next)
}

/// The frames that tasks share, as the image's first regions.
pub(crate) fn shared_frames(description: &Description, problems: &mut Vec<Problem>) -> Vec<Memory> {
    let frames = description.system.frames.iter().map(toml::Spanned::get_ref);
    frames
        .map(|frame| {
            let (pages, at) = frame.pages();
            if pages == 0 {
                problems.push(Problem::new(
                    &at,
                    "a frame has at least one page",
                    "give its size in pages of 4 KiB, or a file that is not empty",
                ));
            }
            let size = u64::from(pages) * sysdesc::PAGE;
            if frame.contents.len() as u64 > size {
                let cause = format!(
                    "the frame has {size} bytes, and its file {}",
                    frame.contents.len()
                );
                problems.push(Problem::new(
                    &at,
                    cause,
                    "leave `pages` out: the file decides",
                ));
            }
            if let (Some(file), Some(_)) = (&frame.file, &frame.device) {
                let cause = "device memory has contents of its own";
                problems.push(Problem::new(
                    &file.span(),
                    cause,
                    "leave `file` or `device` out",
                ));
            }
            let device = frame
                .device
                .as_ref()
                .map_or(0, |address| *address.get_ref());
            if !device.is_multiple_of(sysdesc::PAGE)
                || frame.device.as_ref().is_some_and(|_| device == 0)
            {
                let at = frame.device.as_ref().map_or(0..0, toml::Spanned::span);
                let cause = format!("{device:#x} is not the address of a page of device memory");
                problems.push(Problem::new(&at, cause, "use a multiple of 0x1000 above 0"));
            }
            Memory {
                pages,
                data: frame.contents.clone(),
                device,
            }
        })
        .collect()
}
