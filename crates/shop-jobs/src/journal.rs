//! Writing a journal while the machine moves.
//!
//! What is told is stored at once where it outlives this process ([`crate::latest`]); a thread of its own writes it down
//! and sees to it that it outlives the power, because a slow disk must not keep a line or a feed hold waiting. The journal
//! is written anew, shorter, when it has grown beyond [`LONGEST`], or when it could not be written: whole, to a file beside
//! it, then renamed.
//!
//! ```text
//!  told ──▶ latest (a page, at once)
//!     └───▶ thread ──▶ journal, on the disk within 250 ms
//! ```

use crate::history::History;
use crate::latest::{self, Latest};
use crate::record::{Description, Progress, Record, State};
use crate::{JobError, store};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing stays away from the disk longer than this.
const SYNC_EVERY: Duration = Duration::from_millis(250);
/// A journal that is longer is written anew, bytes.
const LONGEST: u64 = 16 << 20;
/// How soon a disk that was full is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The journal of a job that runs.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    history: History,
    begun: Instant,
    latest: Latest,
    writer: Writer,
    /// Held for as long as the job is ours.
    _claim: File,
}

impl Journal {
    /// Begins the journal of a new job in its empty folder.
    pub(crate) fn create(folder: &Path, description: Description, claim: File) -> Result<Journal, JobError> {
        let path = folder.join(store::JOURNAL);
        let mut text = String::new();
        Record::Job(Box::new(description)).write(&mut text);
        let history = History::read(text.as_bytes()).expect("it was just written");
        let file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(JobError::system(&path))?;
        (&file).write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(JobError::system(&path))?;
        let journal = Journal::new(path, file, text.len() as u64, history, claim);
        // The folder's own entries, or the files may be gone after a power cut.
        store::sync_folder(folder);
        journal
    }

    /// Goes on with the journal of a job, of which `whole` bytes are sound. What was torn is cut off first, and what only
    /// the page knows is written down.
    pub(crate) fn reopen(
        folder: &Path,
        history: History,
        whole: u64,
        claim: File,
    ) -> Result<Journal, JobError> {
        let path = folder.join(store::JOURNAL);
        let mut file = OpenOptions::new().write(true).open(&path).map_err(JobError::system(&path))?;
        file.set_len(whole)
            .and_then(|()| file.seek(SeekFrom::Start(whole)))
            .map_err(JobError::system(&path))?;
        let progress = Record::Progress { at: history.ran, progress: history.progress };
        let mut journal = Journal::new(path, file, whole, history, claim)?;
        if journal.history.attempts > 0 {
            journal.append(progress);
            journal.writer.write_and_wait().map_err(JobError::system(&journal.path))?;
        }
        Ok(journal)
    }

    fn new(
        path: PathBuf,
        file: File,
        length: u64,
        history: History,
        claim: File,
    ) -> Result<Journal, JobError> {
        let page = path.with_file_name(store::LATEST);
        let latest = Latest::open(&page).map_err(JobError::system(&page))?;
        let own = OnDisk { path: path.clone(), file, length, history: history.clone(), behind: false };
        let writer = Writer::start(own).map_err(JobError::system(&path))?;
        Ok(Journal { path, history, begun: Instant::now(), latest, writer, _claim: claim })
    }

    /// Returns all that the journal says.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that lines are sent from `from_line` on, and waits until that is on the disk.
    pub fn attempt(&mut self, from_line: u64, work_offset_mm: Option<[f64; 3]>) -> io::Result<()> {
        self.begun = Instant::now();
        self.latest.clear();
        self.append(Record::Attempt { from_line, work_offset_mm });
        self.append(Record::State { at: Duration::ZERO, state: State::Running, why: String::new() });
        self.writer.write_and_wait()
    }

    /// Says that the state changed; the disk follows at once, and for an end it is waited for. An error says that what
    /// was told before could not be written yet.
    pub fn state(&mut self, state: State, why: &str) -> io::Result<()> {
        self.append(Record::State { at: self.begun.elapsed(), state, why: why.to_owned() });
        if matches!(state, State::Done | State::Failed) {
            return self.writer.write_and_wait();
        }
        self.writer.write_within(Duration::ZERO)
    }

    /// Says how far the job is; to be called before lines leave and after they are acknowledged. When it returns, that
    /// outlives this process. An error (a full disk) says that it could not be written down yet, and would not outlive
    /// the power; it is made good as soon as there is room again.
    pub fn progress(&mut self, progress: Progress) -> io::Result<()> {
        if progress == self.history.progress {
            return self.writer.health();
        }
        let at = self.begun.elapsed();
        self.history.add(Record::Progress { at, progress });
        self.latest.store(self.history.attempts, at, progress);
        self.writer.with(|wanted| wanted.progress = Some((at, progress)));
        self.writer.write_within(SYNC_EVERY)
    }

    /// Hands a record to the thread.
    fn append(&mut self, record: Record) {
        self.history.add(record.clone());
        self.writer.with(|wanted| {
            wanted.gather();
            wanted.records.push(record);
        });
    }
}

/// Returns what a page adds to the journal beside it: more than was written down when the process died.
pub(crate) fn add_latest(history: &mut History, folder: &Path) {
    let Ok(page) = std::fs::read(folder.join(store::LATEST)) else { return };
    let Some((at, mut progress)) = latest::read(&page, history.attempts) else { return };
    if at < history.ran {
        // After a power cut the page may be the older one. Lines only grow; where the machine was does not.
        progress.position_mm = None;
    }
    history.add(Record::Progress { at, progress });
}

/// The thread that writes.
#[derive(Debug)]
struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Wanted {
    /// In this order, and then the newest progress.
    records: Vec<Record>,
    progress: Option<(Duration, Progress)>,
    /// When it must be on the disk.
    due: Option<Instant>,
    /// Counts who waits for that, and for whom it was done.
    asked: u64,
    done: u64,
    fault: Option<io::ErrorKind>,
    over: bool,
}

impl Wanted {
    /// Puts the newest progress behind the records.
    fn gather(&mut self) {
        self.records.extend(self.progress.take().map(|(at, progress)| Record::Progress { at, progress }));
    }

    fn health(&self) -> io::Result<()> {
        self.fault.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Writer {
    fn start(file: OnDisk) -> io::Result<Writer> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("journal".into()).stack_size(128 << 10);
        let thread = builder.spawn(move || theirs.run(file))?;
        Ok(Writer { shared, thread: Some(thread) })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Wanted) -> T) -> T {
        change(&mut self.shared.lock())
    }

    fn health(&self) -> io::Result<()> {
        self.with(|wanted| wanted.health())
    }

    /// Sees to it that the disk has everything within this time. Wakes nobody when that is promised already.
    fn write_within(&self, time: Duration) -> io::Result<()> {
        let due = Instant::now() + time;
        let (sooner, health) = self.with(|wanted| {
            let sooner = wanted.due.is_none_or(|d| due < d);
            // A disk that was full is left alone for a while.
            let sooner = sooner && (wanted.due.is_none() || wanted.fault.is_none());
            if sooner {
                wanted.due = Some(due);
            }
            (sooner, wanted.health())
        });
        if sooner {
            self.shared.changed.notify_all();
        }
        health
    }

    fn write_and_wait(&self) -> io::Result<()> {
        let mut wanted = self.shared.lock();
        wanted.due = Some(Instant::now());
        wanted.asked += 1;
        let mine = wanted.asked;
        self.shared.changed.notify_all();
        while wanted.done < mine {
            wanted = self.shared.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
        wanted.health()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.with(|wanted| wanted.over = true);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut file: OnDisk) {
        let mut wanted = self.lock();
        loop {
            let now = Instant::now();
            match wanted.due {
                Some(due) if due <= now || wanted.over => {
                    wanted.gather();
                    let (records, asked) = (std::mem::take(&mut wanted.records), wanted.asked);
                    wanted.due = None;
                    drop(wanted);
                    let fault = file.write(records).err().map(|e| e.kind());
                    wanted = self.lock();
                    (wanted.done, wanted.fault) = (asked, fault);
                    if fault.is_some() && !wanted.over {
                        let again = Instant::now() + RETRY;
                        wanted.due = Some(wanted.due.map_or(again, |due| due.max(again)));
                    }
                    self.changed.notify_all();
                }
                _ if wanted.over => return,
                Some(due) => {
                    let woken = self.changed.wait_timeout(wanted, due - now);
                    wanted = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => wanted = self.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// The journal's file, as the thread has it.
#[derive(Debug)]
struct OnDisk {
    path: PathBuf,
    file: File,
    length: u64,
    /// All that was to be written.
    history: History,
    /// The file does not have all of it.
    behind: bool,
}

impl OnDisk {
    /// Writes records, and waits until the disk has them.
    fn write(&mut self, records: Vec<Record>) -> io::Result<()> {
        let mut text = String::new();
        for record in records {
            record.write(&mut text);
            self.history.add(record);
        }
        if self.behind || self.length + text.len() as u64 > LONGEST {
            let written = self.write_anew();
            self.behind = written.is_err();
            return written;
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if written.is_ok() {
            self.length += text.len() as u64;
            return Ok(());
        }
        // Half a record is taken back, so that the file ends with a whole one.
        let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
        self.behind = true;
        written
    }

    /// Writes all that is known to a new file in the place of the old one.
    fn write_anew(&mut self) -> io::Result<()> {
        let mut text = String::new();
        for record in self.history.records() {
            record.write(&mut text);
        }
        let beside = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        (self.file, self.length) = (file, text.len() as u64);
        Ok(())
    }
}
