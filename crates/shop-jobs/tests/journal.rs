//! Journals as they are found after something went wrong.

use proptest::prelude::*;
use shop_jobs::{Description, History, Progress, Record, State, Store};
use std::time::Duration;

fn description() -> Description {
    Description {
        created_s: 1_700_000_000,
        program: "/shop/part one.nc".into(),
        sha256: "00".repeat(32),
        bytes: 1000,
        lines: 100,
        machine: "router-grbl".into(),
        port: "usb:1A86:7523".into(),
        options: [("pause".to_owned(), "prompt".to_owned())].into(),
    }
}

fn progress(sent: u64, acknowledged: u64) -> Progress {
    Progress { sent, acknowledged, position_mm: Some([sent as f64, -1.5, 0.0]) }
}

#[test]
fn a_job_is_found_again_as_it_was_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path().join("jobs"));
    let (name, mut journal) = store.create(description()).expect("room");
    assert_eq!(name, "20231114-221320-part-one");
    journal.attempt(1, Some([-10.0, -20.0, -3.0])).expect("room");
    for line in 1..=50 {
        journal.progress(progress(line + 3, line)).expect("room");
    }
    let running = store.find("last").expect("one");
    assert!(running.running && !running.interrupted());
    assert!(store.reopen(&name).is_err(), "another process has it");
    drop(journal);
    let left = store.find("2023").expect("one");
    assert!(left.interrupted());
    assert_eq!(left.history.progress, progress(53, 50));
    assert_eq!(left.history.description, description());
    assert_eq!(left.history.work_offset_mm, Some([-10.0, -20.0, -3.0]));
    let mut journal = store.reopen(&name).expect("free");
    journal.attempt(40, None).expect("room");
    journal.progress(progress(100, 100)).expect("room");
    journal.state(State::Done, "").expect("room");
    drop(journal);
    let done = store.find(&name).expect("one");
    assert!(!done.interrupted());
    assert_eq!((done.history.state, done.history.attempts), (State::Done, 2));
}

#[test]
fn names_do_not_collide_and_the_shortest_unique_one_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path());
    let (first, _a) = store.create(description()).expect("room");
    let (second, _b) = store.create(description()).expect("room");
    assert_eq!(second, format!("{first}-2"));
    assert_eq!(store.find(&first).expect("whole names win").name, first);
    assert!(store.find("2023").is_err());
    assert!(store.find("none").is_err());
    assert_eq!(store.list().len(), 2);
    assert!(Store::new(folder.path().join("empty")).find("last").is_err());
}

#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").expect("room");
    let e = Store::new(blocked.join("jobs")).create(description()).expect_err("no folder there");
    assert!(e.to_string().contains("file"), "{e}");
}

/// A whole journal and where its lines end.
fn sample(acknowledged: u64) -> (Vec<u8>, Vec<usize>) {
    let mut records = vec![
        Record::Job(Box::new(description())),
        Record::Attempt { from_line: 1, work_offset_mm: None },
        Record::State { at: Duration::ZERO, state: State::Running, why: String::new() },
    ];
    let at = Duration::from_millis;
    records.extend((1..=acknowledged).map(|n| Record::Progress { at: at(n), progress: progress(n, n) }));
    let mut text = String::new();
    let ends = records.iter().map(|record| {
        record.write(&mut text);
        text.len()
    });
    let ends = ends.collect();
    (text.into_bytes(), ends)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever was cut off: what is left is what had been written, and the journal goes on from there.
    #[test]
    fn a_torn_journal_tells_what_it_had(cut in 0.0f64..1.0) {
        let (bytes, ends) = sample(20);
        let cut = (bytes.len() as f64 * cut) as usize;
        let whole = ends.iter().filter(|e| **e <= cut).count();
        let read = History::read(&bytes[..cut]);
        prop_assert_eq!(read.is_some(), whole > 0);
        let Some(history) = read else { return Ok(()) };
        // The job, the attempt and the state come first.
        prop_assert_eq!(history.progress.acknowledged, (whole as u64).saturating_sub(3));
        prop_assert!(!history.damaged);

        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("job")).expect("room");
        std::fs::write(folder.path().join("job").join("journal"), &bytes[..cut]).expect("room");
        let store = Store::new(folder.path());
        let mut journal = store.reopen("job").expect("free");
        journal.attempt(5, None).expect("room");
        journal.progress(progress(30, 30)).expect("room");
        drop(journal);
        let after = store.find("job").expect("one").history;
        prop_assert_eq!(after.progress.acknowledged, 30);
        prop_assert_eq!(after.attempts, history.attempts + 1);
        prop_assert!(!after.damaged);
    }

    /// A damaged byte in the middle costs one record, and is said.
    #[test]
    fn a_damaged_record_is_left_out_and_said(line in 3usize..20, at in 0usize..12) {
        let (mut bytes, ends) = sample(20);
        bytes[ends[line] + at] ^= 1;
        let history = History::read(&bytes).expect("it begins well");
        prop_assert!(history.damaged);
        prop_assert_eq!(history.progress.acknowledged, 20);
    }
}

#[test]
fn a_journal_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path());
    let (name, mut journal) = store.create(description()).expect("room");
    journal.attempt(1, Some([1.0, 2.0, 3.0])).expect("room");
    let why = "x".repeat(2000);
    for line in 1..=20_000 {
        journal.progress(progress(line, line)).expect("room");
        journal.state(State::Held, &why).expect("room");
    }
    journal.attempt(7, None).expect("room");
    journal.progress(progress(9, 8)).expect("room");
    assert!(std::fs::metadata(journal.path()).expect("there").len() < 17 << 20);
    drop(journal);
    let history = store.find(&name).expect("one").history;
    assert_eq!((history.progress, history.from_line), (progress(9, 8), 7));
    assert_eq!((history.attempts, history.work_offset_mm), (2, None));
}

/// What a process that is killed leaves: the files as they are at this moment.
fn killed(store: &Store, name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let folder = copy.path().join(name);
    std::fs::create_dir(&folder).expect("room");
    for file in std::fs::read_dir(store.folder(name)).expect("there").flatten() {
        std::fs::copy(file.path(), folder.join(file.file_name())).expect("room");
    }
    copy
}

#[test]
fn a_line_that_was_said_to_be_sent_is_known_when_the_process_dies() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path());
    let (name, mut journal) = store.create(description()).expect("room");
    journal.attempt(1, None).expect("room");
    for line in 1..=300 {
        journal.progress(progress(line + 3, line)).expect("room");
        if line % 10 != 0 {
            continue;
        }
        let left = killed(&store, &name);
        let left = Store::new(left.path());
        let found = left.find(&name).expect("one");
        assert!(found.interrupted());
        assert_eq!(found.history.progress, progress(line + 3, line));
        // A second attempt goes back, and what the first had told does not count for it, though it is kept.
        let mut second = left.reopen(&name).expect("free");
        assert_eq!(second.history().progress, progress(line + 3, line));
        second.attempt(2, None).expect("room");
        let begun = left.find(&name).expect("one").history;
        assert_eq!((begun.attempts, begun.progress.sent, begun.progress.acknowledged), (2, 1, 1));
        drop(second);
    }
}

/// The page of an attempt that a power cut left behind, beside the journal of a later one.
#[test]
fn a_page_of_another_attempt_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path());
    let (name, mut journal) = store.create(description()).expect("room");
    journal.attempt(1, None).expect("room");
    journal.progress(progress(80, 70)).expect("room");
    let page = store.folder(&name).join("latest");
    let old = std::fs::read(&page).expect("there");
    drop(journal);
    let mut journal = store.reopen(&name).expect("free");
    journal.attempt(20, None).expect("room");
    drop(journal);
    std::fs::write(&page, old).expect("room");
    assert_eq!(store.find(&name).expect("one").history.progress.sent, 19);
}
