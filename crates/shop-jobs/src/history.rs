//! What a journal says in the end.

use crate::record::{Description, Progress, Record, State};
use std::time::Duration;

/// A job as its journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What it is.
    pub description: Description,
    /// The last state written down; [`State::Running`] without a process means that it was interrupted.
    pub state: State,
    /// Why it is in it.
    pub why: String,
    /// How far it is, over all attempts.
    pub progress: Progress,
    /// How long the last attempt had run when it last wrote.
    pub ran: Duration,
    /// How often lines were sent: 1 is the first attempt, 0 none yet.
    pub attempts: u32,
    /// Where the last attempt began.
    pub from_line: u64,
    /// Work zero when the last attempt began, machine coordinates, mm.
    pub work_offset_mm: Option<[f64; 3]>,
    /// Records after a damaged one were lost: more than a torn last line.
    pub damaged: bool,
}

impl History {
    /// Reads a journal as far as it is whole. Nothing, when it does not begin with what the job is.
    pub fn read(journal: &[u8]) -> Option<History> {
        // A last line without its end is torn, however whole it looks: whoever goes on with the journal cuts it off.
        let whole = journal.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);

        let mut lines = journal[..whole]
            .split(|b| *b == b'\n')
            .map(|l| std::str::from_utf8(l).ok().and_then(Record::read));
        let Some(Some(Record::Job(description))) = lines.next() else { return None };
        let mut history = History {
            description: *description,
            state: State::Running,
            why: String::new(),
            progress: Progress::default(),
            ran: Duration::ZERO,
            attempts: 0,
            from_line: 1,
            work_offset_mm: None,
            damaged: false,
        };
        let mut torn = false;
        for record in lines {
            match record {
                // What follows a line that is no record cannot be trusted to be the next thing that happened, but it
                // happened: progress only grows.
                Some(record) => {
                    history.damaged |= torn;
                    history.add(record);
                }
                None => torn = true,
            }
        }
        Some(history)
    }

    /// Takes the next thing that happened.
    pub(crate) fn add(&mut self, record: Record) {
        match record {
            Record::Job(_) => {}
            Record::Attempt { from_line, work_offset_mm } => {
                self.attempts += 1;
                self.from_line = from_line;
                self.work_offset_mm = work_offset_mm;
                self.ran = Duration::ZERO;
                // A later attempt goes back over lines that were done; how far the part is does not shrink by it.
                let done = from_line.saturating_sub(1);
                self.progress = Progress { sent: done, acknowledged: done, position_mm: None };
            }
            Record::State { at, state, why } => {
                (self.state, self.why) = (state, why);
                self.ran = self.ran.max(at);
            }
            Record::Progress { at, progress } => {
                self.ran = self.ran.max(at);
                self.progress.sent = self.progress.sent.max(progress.sent);
                self.progress.acknowledged = self.progress.acknowledged.max(progress.acknowledged);
                self.progress.position_mm = progress.position_mm.or(self.progress.position_mm);
            }
        }
    }

    /// Returns the records that say the same, for a journal that has grown too long.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut all = vec![Record::Job(Box::new(self.description.clone()))];
        for _ in 0..self.attempts {
            all.push(Record::Attempt { from_line: self.from_line, work_offset_mm: self.work_offset_mm });
        }
        if self.attempts > 0 {
            all.push(Record::Progress { at: self.ran, progress: self.progress });
        }
        all.push(Record::State { at: self.ran, state: self.state, why: self.why.clone() });
        all
    }
}
