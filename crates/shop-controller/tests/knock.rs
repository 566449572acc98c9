//! A Marlin takes the `?` that asks a GRBL for its state for a command, and answers it: nobody may be one answer ahead
//! for ever after.

use shop_controller::session::{Event, Options, Session};
use shop_controller::sim::{self, Kind, Machine};
use std::time::Duration;

#[test]
fn a_marlin_that_was_knocked_at_answers_each_command_itself() {
    let mut machine = Machine::new(Kind::Marlin, sim::Options { baud: 0, ..sim::Options::default() });
    let mut session = Session::new(None, Options::default());
    let mut now = Duration::ZERO;
    session.connect(now);
    let (mut asked_at, mut answered_at) = (None, None);
    while answered_at.is_none() && now < Duration::from_mins(1) {
        now += Duration::from_millis(10);
        let bytes = session.outbox().next().to_vec();
        session.outbox().sent(bytes.len());
        machine.receive(now, &bytes);
        machine.tick(now);
        let said = machine.outbox().next().to_vec();
        machine.outbox().sent(said.len());
        session.receive(now, &said);
        session.tick(now);
        while let Some(event) = session.next_event() {
            match event {
                Event::Ready(_) => {
                    session.command(now, b"G4 P2000");
                    asked_at = Some(now);
                }
                Event::Answered { .. } => answered_at = Some(now),
                Event::Failed(failure) => panic!("{failure:?}"),
                _ => {}
            }
        }
    }
    let waited = answered_at.zip(asked_at).map(|(answered, asked)| answered.saturating_sub(asked));
    assert!(waited.is_some_and(|w| w >= Duration::from_secs(2)), "answered after {waited:?}");
}
