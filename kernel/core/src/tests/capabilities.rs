//! Operations of CNodes, held against a model that anybody can check by reading.
//!
//! The model knows no links: a capability has a number and the number of the one it came from. All that
//! the kernel's tree does with four links in a slot, the model does by looking at everything.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sel4_sys::{CNodeOp, CapRights, Error, ObjectKind, slot};

use super::invariants;
use super::machine::Machine;
use super::system::{Number, SLOTS, System};
use crate::object::Id;

/// The slots that the operations name: `FIRST` and those after it, of both CNodes.
const FIRST: u64 = 16;
const USED: u64 = 7;
/// Where the only running task has the other one's CNode.
const OTHER: u64 = 42;

/// CNode and index.
type Place = (Number, u64);

#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    parent: Option<u32>,
    kind: ObjectKind,
    object: Number,
    rights: CapRights,
    badge: u64,
}

#[derive(Default)]
struct Model {
    slots: BTreeMap<Place, Known>,
    made: u32,
}

impl Model {
    fn add(&mut self, place: Place, capability: Known) {
        let number = self.made;
        self.made += 1;
        self.slots.insert(
            place,
            Known {
                number,
                ..capability
            },
        );
    }

    fn delete(&mut self, place: Place) {
        if let Some(gone) = self.slots.remove(&place) {
            for other in self
                .slots
                .values_mut()
                .filter(|c| c.parent == Some(gone.number))
            {
                other.parent = gone.parent;
            }
        }
    }

    fn revoke(&mut self, place: Place) {
        let Some(top) = self.slots.get(&place).map(|c| c.number) else {
            return;
        };
        while let Some(child) = self.place_of_child(top) {
            self.delete(child);
        }
    }

    fn place_of_child(&self, number: u32) -> Option<Place> {
        let found = self.slots.iter().find(|(_, c)| c.parent == Some(number));
        found.map(|(&place, _)| place)
    }

    /// What the kernel must answer; the model has done it then.
    fn act(&mut self, step: &Step) -> u64 {
        let exists = |(_, index): Place| index != 0 && index < u64::from(SLOTS);
        match step.operation {
            CNodeOp::DELETE if exists(step.destination) => self.delete(step.destination),
            CNodeOp::REVOKE if exists(step.destination) => self.revoke(step.destination),
            CNodeOp::DELETE | CNodeOp::REVOKE => return Error::FailedLookup.label(),
            _ => return self.transfer(step).map_or_else(Error::label, |()| 0),
        }
        0
    }

    fn transfer(&mut self, step: &Step) -> Result<(), Error> {
        let exists = |(_, index): Place| index != 0 && index < u64::from(SLOTS);
        let is_move = step.operation == CNodeOp::MOVE;
        let rights = CapRights::from_bits(step.rights);
        if rights.is_none() && !is_move {
            return Err(Error::InvalidArgument);
        }
        if !exists(step.destination) || !exists(step.source) {
            return Err(Error::FailedLookup);
        }
        if self.slots.contains_key(&step.destination) {
            return Err(Error::DeleteFirst);
        }
        let source = *self.slots.get(&step.source).ok_or(Error::FailedLookup)?;
        if is_move {
            self.slots.remove(&step.source);
            self.slots.insert(step.destination, source);
            return Ok(());
        }
        let mut copy = source;
        copy.parent = Some(source.number);
        copy.rights &= rights.unwrap();
        if step.operation == CNodeOp::MINT && step.badge != 0 {
            let takes = matches!(source.kind, ObjectKind::Endpoint | ObjectKind::Notification);
            if !takes || source.badge != 0 {
                return Err(Error::IllegalOperation);
            }
            copy.badge = step.badge;
        }
        self.add(step.destination, copy);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Step {
    operation: CNodeOp,
    destination: Place,
    source: Place,
    rights: u8,
    badge: u64,
}

fn a_place() -> impl Strategy<Value = Place> {
    let index = prop_oneof![
        20 => FIRST..FIRST + USED,
        1 => prop_oneof![Just(0), Just(u64::from(SLOTS)), Just(u64::MAX)],
    ];
    (0..2_u16, index)
}

fn a_step() -> impl Strategy<Value = Step> {
    let operation = prop_oneof![
        5 => Just(CNodeOp::COPY),
        5 => Just(CNodeOp::MINT),
        3 => Just(CNodeOp::MOVE),
        3 => Just(CNodeOp::DELETE),
        1 => Just(CNodeOp::REVOKE),
    ];
    let rights = prop_oneof![4 => Just(15_u8), 4 => 0..16_u8, 1 => any::<u8>()];
    (operation, a_place(), a_place(), rights, 0..3_u64).prop_map(
        |(operation, destination, source, rights, badge)| Step {
            operation,
            destination,
            source,
            rights,
            badge,
        },
    )
}

/// Two tasks, of which one runs and has both CNodes; the same capabilities in the model.
fn world() -> (Machine, Model) {
    let mut system = System::new();
    system.task(20);
    system.task(10);
    let endpoint = system.endpoint();
    system.give(0, OTHER, ObjectKind::CNode, 1);
    let mut model = Model::default();
    for (place, kind, object) in [
        ((0, FIRST), ObjectKind::Endpoint, endpoint),
        ((0, FIRST + 1), ObjectKind::Frame, 0),
        ((1, FIRST), ObjectKind::Notification, 1),
        ((1, FIRST + 1), ObjectKind::SchedContext, 1),
    ] {
        let (task, index) = place;
        system.give(task, index, kind, object);
        let known = Known {
            number: 0,
            parent: None,
            kind,
            object,
            rights: CapRights::all(),
            badge: 0,
        };
        model.add(place, known);
    }
    (Machine::boot(&system), model)
}

/// The running task does what the step says; the label of the answer.
fn invoke(m: &mut Machine, step: &Step) -> u64 {
    let cnode = |task: Number| if task == 0 { slot::CNODE } else { OTHER };
    let (target, destination) = step.destination;
    let (from, source) = step.source;
    let all = [destination, source, step.rights.into(), step.badge];
    let (count, caps) = match step.operation {
        CNodeOp::COPY => (3, vec![cnode(from)]),
        CNodeOp::MINT => (4, vec![cnode(from)]),
        CNodeOp::MOVE => (2, vec![cnode(from)]),
        _ => (1, Vec::new()),
    };
    m.invoke(0, cnode(target), step.operation.0, &all[..count], &caps)
        .0
}

fn compare(m: &Machine, model: &Model) {
    let places: Vec<Place> = (0..2)
        .flat_map(|task| (FIRST..FIRST + USED).map(move |index| (task, index)))
        .collect();
    let place_of = |id| {
        let found = places
            .iter()
            .find(|&&(task, index)| m.slot_id(task, index) == Some(id));
        *found.expect("parents lie in the slots that the test uses")
    };
    for &(task, index) in &places {
        let slot = m.slot(task, index);
        let real = slot.capability.map(|c| {
            let object = Number::try_from(crate::object::FrameId::from_raw(c.object).index());
            let parent = slot.parent.map(place_of);
            (c.kind, object.unwrap(), c.rights, c.badge, parent)
        });
        let known = model.slots.get(&(task, index)).map(|c| {
            let is_parent = |(_, other): &(&Place, &Known)| Some(other.number) == c.parent;
            let parent = model.slots.iter().find(is_parent).map(|(&place, _)| place);
            (c.kind, c.object, c.rights, c.badge, parent)
        });
        assert_eq!(real, known, "slot {index} of CNode {task}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_on_cnodes_does_what_a_naive_model_says(
        steps in proptest::collection::vec(a_step(), 1..60)
    ) {
        let (mut m, mut model) = world();
        compare(&m, &model);
        for step in &steps {
            let answer = invoke(&mut m, step);
            let expected = model.act(step);
            prop_assert_eq!(answer, expected, "{:?}", step);
            compare(&m, &model);
            invariants::tree(&m.k);
        }
    }
}
