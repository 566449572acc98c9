//! Journals as they are found after something went wrong.

use proptest::prelude::*;
use shop_jobs::{Description, History, Progress, State, Store};
use std::path::PathBuf;

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
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path());
    let (name, mut journal) = store.create(description()).expect("room");
    journal.attempt(1, None).expect("room");
    for line in 1..=acknowledged {
        journal.progress(progress(line, line)).expect("room");
    }
    let path: PathBuf = journal.path().to_owned();
    drop(journal);
    assert!(path.starts_with(folder.path().join(&name)));
    let bytes = std::fs::read(path).expect("written");
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    (bytes, ends)
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
    let last = 400_000;
    for line in 1..=last {
        journal.progress(progress(line, line)).expect("room");
    }
    assert!(std::fs::metadata(journal.path()).expect("there").len() < 17 << 20);
    drop(journal);
    let history = store.find(&name).expect("one").history;
    assert_eq!(history.progress, progress(last, last));
    assert_eq!((history.attempts, history.work_offset_mm), (1, Some([1.0, 2.0, 3.0])));
}
