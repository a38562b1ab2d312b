//! Moving a message: words and capabilities.

use sel4_sys::{IpcBuffer, MESSAGE_REGISTERS, MSG_MAX_CAPS, MSG_MAX_LENGTH, MessageInfo};

use crate::Kernel;
use crate::cap::{Capability, SlotId};
use crate::object::{CNode, EndpointId, ThreadId};

/// A message on its way. Its words and its info are in the sender's registers and IPC buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) from: ThreadId,
    pub(super) to: ThreadId,
    /// What the receiver learns of the capability that was used.
    pub(super) badge: u64,
    /// Whether capabilities travel.
    pub(super) grant: bool,
    /// The endpoint that it goes through; a capability to this very endpoint is unwrapped. `None` for an answer.
    pub(super) endpoint: Option<EndpointId>,
}

/// What became of a message's capabilities.
#[derive(Clone, Copy, Default)]
struct Moved {
    count: u64,
    unwrapped: u64,
}

impl Kernel {
    /// Moves a message. All four register words travel, whatever length the sender claims.
    pub(super) fn transfer(&mut self, letter: Letter) {
        let Some((from, to)) = self.threads.pair(letter.from, letter.to) else {
            return;
        };
        let info = from.context.system_call().info.of_task();
        to.context.set_message(from.context.message());
        let wanted = usize::try_from(info.length())
            .unwrap_or(0)
            .min(MSG_MAX_LENGTH);
        let length = match (from.buffer, to.buffer) {
            _ if wanted <= MESSAGE_REGISTERS => wanted,
            (Some(source), Some(target)) => {
                for i in MESSAGE_REGISTERS..wanted {
                    let word = IpcBuffer::MSG_WORD + i;
                    target.set_word(word, source.word(word));
                }
                wanted
            }
            _ => MESSAGE_REGISTERS,
        };
        let moved = if letter.grant && info.extra_caps() > 0 {
            self.transfer_capabilities(letter, info)
        } else {
            Moved::default()
        };
        let context = &mut self.threads[letter.to].context;
        context.set_badge(letter.badge);
        context.set_info(MessageInfo::new(
            info.label(),
            moved.unwrapped,
            moved.count,
            length as u64,
        ));
    }

    /// Moves capabilities in order, up to the first that cannot be moved: its slot is empty, or the receiver has no empty slot for it.
    fn transfer_capabilities(&mut self, letter: Letter, info: MessageInfo) -> Moved {
        let (sender, receiver) = (&self.threads[letter.from], &self.threads[letter.to]);
        let (Some(source), Some(target)) = (sender.buffer, receiver.buffer) else {
            return Moved::default();
        };
        let cspace = sender.cspace;
        let receive_cnode =
            self.receive_cnode(letter.to, target.word(IpcBuffer::RECEIVE_CNODE_WORD));
        let mut free = target.word(IpcBuffer::RECEIVE_INDEX_WORD);
        let mut moved = Moved::default();
        let wanted = usize::try_from(info.extra_caps())
            .unwrap_or(0)
            .min(MSG_MAX_CAPS);
        for i in 0..wanted {
            let word = IpcBuffer::CAPS_WORD + i;
            let Some((slot, capability)) = self.look_up(cspace, source.word(word)) else {
                break;
            };
            if letter.endpoint.is_some() && capability.endpoint() == letter.endpoint {
                target.set_word(word, capability.badge);
                moved.unwrapped |= 1 << i;
            } else if let Some(destination) = self.empty_slot(receive_cnode, free) {
                self.slots.insert(destination, capability, Some(slot));
                free = free.wrapping_add(1);
            } else {
                break;
            }
            moved.count += 1;
        }
        moved
    }

    /// The CNode that a receiver names for capabilities; it must be allowed to write there.
    fn receive_cnode(&self, receiver: ThreadId, pointer: u64) -> Option<CNode> {
        let (_, capability) = self.look_up(self.threads[receiver].cspace, pointer)?;
        let id = capability.cnode()?;
        Some(self.cnodes[id])
    }

    fn empty_slot(&self, cnode: Option<CNode>, index: u64) -> Option<SlotId> {
        let slot = cnode.filter(|_| index != 0)?.slot(index)?;
        self.slots.capability(slot).is_none().then_some(slot)
    }

    /// The slot and capability that a pointer names in a CSpace.
    #[inline]
    pub(crate) fn look_up(&self, cspace: CNode, pointer: u64) -> Option<(SlotId, Capability)> {
        let slot = cspace.slot(pointer)?;
        Some((slot, self.slots.capability(slot)?))
    }
}
