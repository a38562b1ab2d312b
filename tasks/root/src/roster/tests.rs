use sysdesc::Name;

use super::{
    Action, Activity, End, EndReason, Event, RESTARTS, Roster, SupervisorError, Task, Verdict,
};

fn task(name: &str, flags: u8) -> Task {
    Task {
        name: Name::new(name).unwrap(),
        thread: 0,
        thread_slot: 0,
        cnode_slot: 0,
        address_space_slot: 0,
        first_frame_slot: 0,
        frames: 0,
        badge: 0,
        priority: 0,
        flags,
        summary: [0; 48],
    }
}

const DIED: Event = Event::Died(EndReason::Exception);
const PASSED: Event = Event::Finished(Verdict::Passed);
const FAILED: Event = Event::Finished(Verdict::Failed);

#[test]
fn a_task_that_dies_is_restarted_until_it_has_died_too_often() {
    let tasks = [task("a", 0)];
    let mut roster = Roster::new(&tasks);
    for generation in 1..=RESTARTS {
        assert_eq!(roster.on(1, DIED), Action::Restart);
        assert_eq!(roster.state(1).unwrap().activity, Activity::Restarting);
        roster.restarted(1, generation);
        assert_eq!(roster.state(1).unwrap().generation, generation);
        assert_eq!(roster.state(1).unwrap().activity, Activity::Alive);
    }
    assert_eq!(roster.on(1, DIED), Action::GiveUp);
    assert_eq!(roster.state(1).unwrap().activity, Activity::GivenUp);
}

#[test]
fn the_reason_of_the_last_death_is_remembered() {
    let tasks = [task("a", 0)];
    let mut roster = Roster::new(&tasks);
    assert_eq!(roster.state(1).unwrap().last_end, EndReason::StillFirst);
    roster.on(1, Event::Died(EndReason::Panicked));
    roster.restarted(1, 1);
    assert_eq!(roster.state(1).unwrap().last_end, EndReason::Panicked);
}

#[test]
fn an_essential_task_that_stops_for_good_ends_the_system() {
    let tasks = [task("a", Task::ESSENTIAL | Task::NO_RESTART)];
    assert_eq!(Roster::new(&tasks).on(1, DIED), Action::End(End::Failed));
}

#[test]
fn the_system_ends_when_the_last_essential_task_has_finished() {
    let tasks = [
        task("a", Task::ESSENTIAL),
        task("b", 0),
        task("c", Task::ESSENTIAL),
    ];
    for (a, c, end) in [
        (PASSED, PASSED, End::Passed),
        (FAILED, PASSED, End::Failed),
        (PASSED, FAILED, End::Failed),
    ] {
        let mut roster = Roster::new(&tasks);
        assert_eq!(roster.on(1, a), Action::None);
        assert_eq!(roster.on(2, FAILED), Action::None);
        assert_eq!(roster.on(3, c), Action::End(end));
    }
}

#[test]
fn a_task_cannot_take_its_verdict_back() {
    let tasks = [task("a", Task::ESSENTIAL), task("b", Task::ESSENTIAL)];
    let mut roster = Roster::new(&tasks);
    roster.on(1, FAILED);
    roster.on(1, PASSED);
    assert_eq!(roster.on(2, PASSED), Action::End(End::Failed));
}

#[test]
fn badges_of_nobody_have_no_consequence() {
    let tasks = [task("a", 0)];
    let mut roster = Roster::new(&tasks);
    for badge in [0, 2, u64::MAX] {
        assert_eq!(roster.on(badge, DIED), Action::None);
        assert_eq!(roster.state(badge), Err(SupervisorError::NoSuchTask));
        assert!(roster.task(badge).is_none());
    }
}
