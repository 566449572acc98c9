//! Writing a journal while the machine moves.
//!
//! A record is handed to the system as soon as it is made, so that it outlives this process; a thread of its own sees
//! to it that it outlives the power, because a slow disk must not keep a line or a feed hold waiting. The journal is
//! written anew, shorter, when it has grown beyond [`LONGEST`]: whole, to a file beside it, then renamed.

use crate::history::History;
use crate::record::{Description, Progress, Record, State};
use crate::{JobError, store};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
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
    file: Arc<File>,
    length: u64,
    history: History,
    begun: Instant,
    line: String,
    disk: Disk,
    /// What the file does not have because it could not be written, and when to try again.
    behind: Option<Instant>,
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
            OpenOptions::new().append(true).create_new(true).open(&path).map_err(JobError::system(&path))?;
        (&file).write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(JobError::system(&path))?;
        // The folder's own entry, or the file may be gone after a power cut.
        store::sync_folder(folder);
        Journal::new(path, file, text.len() as u64, history, claim)
    }

    /// Goes on with the journal of a job. What was torn is cut off first.
    pub(crate) fn reopen(
        folder: &Path,
        history: History,
        whole: u64,
        claim: File,
    ) -> Result<Journal, JobError> {
        let path = folder.join(store::JOURNAL);
        let file = OpenOptions::new().append(true).open(&path).map_err(JobError::system(&path))?;
        file.set_len(whole).map_err(JobError::system(&path))?;
        Journal::new(path, file, whole, history, claim)
    }

    fn new(
        path: PathBuf,
        file: File,
        length: u64,
        history: History,
        claim: File,
    ) -> Result<Journal, JobError> {
        let file = Arc::new(file);
        let disk = Disk::start(Arc::clone(&file)).map_err(JobError::system(&path))?;
        let line = String::with_capacity(256);
        Ok(Journal {
            path,
            file,
            length,
            history,
            begun: Instant::now(),
            line,
            disk,
            behind: None,
            _claim: claim,
        })
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
        self.append(&Record::Attempt { from_line, work_offset_mm })?;
        self.state(State::Running, "")?;
        self.disk.sync_and_wait()
    }

    /// Says that the state changed; the disk follows at once, and for an end it is waited for.
    pub fn state(&mut self, state: State, why: &str) -> io::Result<()> {
        let record = Record::State { at: self.begun.elapsed(), state, why: why.to_owned() };
        let written = self.append(&record);
        if matches!(state, State::Done | State::Failed) {
            return written.and(self.disk.sync_and_wait());
        }
        self.disk.sync_soon(Duration::ZERO);
        written
    }

    /// Says how far the job is. To be called before lines leave and after they are acknowledged. An error (a full disk)
    /// loses nothing that was written before, and is made good as soon as there is room again.
    pub fn progress(&mut self, progress: Progress) -> io::Result<()> {
        if progress == self.history.progress {
            return Ok(());
        }
        let written = self.append(&Record::Progress { at: self.begun.elapsed(), progress });
        self.disk.sync_soon(SYNC_EVERY);
        written
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        self.history.follow(record);
        if let Some(again) = self.behind {
            if Instant::now() < again {
                return Ok(());
            }
            return self.rewrite();
        }
        if self.length > LONGEST {
            return self.rewrite();
        }
        self.line.clear();
        record.write(&mut self.line);
        match (&*self.file).write(self.line.as_bytes()) {
            Ok(n) if n == self.line.len() => {
                self.length += n as u64;
                Ok(())
            }
            written => {
                // Half a record is taken back, so that the next one begins a line.
                let _ = self.file.set_len(self.length);
                self.behind = Some(Instant::now() + RETRY);
                Err(written.err().unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
            }
        }
    }

    /// Writes all that is known to a new file in the place of the old one.
    fn rewrite(&mut self) -> io::Result<()> {
        let written = self.write_anew();
        self.behind = written.is_err().then(|| Instant::now() + RETRY);
        written
    }

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
        self.length = file.stream_position()?;
        let file = OpenOptions::new().append(true).open(&self.path)?;
        self.file = Arc::new(file);
        self.disk.change(Arc::clone(&self.file));
        Ok(())
    }
}

/// The thread that waits for the disk.
#[derive(Debug)]
struct Disk {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Debug)]
struct Wanted {
    file: Arc<File>,
    /// When what was written must be on the disk.
    due: Option<Instant>,
    /// Counts requests and what came of them.
    asked: u64,
    done: u64,
    fault: Option<io::ErrorKind>,
    over: bool,
}

impl Disk {
    fn start(file: Arc<File>) -> io::Result<Disk> {
        let wanted = Wanted { file, due: None, asked: 0, done: 0, fault: None, over: false };
        let shared = Arc::new(Shared { wanted: Mutex::new(wanted), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("journal".into()).stack_size(64 << 10);
        let thread = builder.spawn(move || theirs.run())?;
        Ok(Disk { shared, thread: Some(thread) })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Wanted) -> T) -> T {
        change(&mut self.shared.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sees to it that the disk has everything within this time. Wakes nobody when that is promised already.
    fn sync_soon(&self, within: Duration) {
        let due = Instant::now() + within;
        let sooner = self.with(|w| {
            let sooner = w.due.is_none_or(|d| due < d);
            if sooner {
                w.due = Some(due);
            }
            sooner
        });
        if sooner {
            self.shared.changed.notify_all();
        }
    }

    fn sync_and_wait(&self) -> io::Result<()> {
        let mut wanted = self.shared.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.due = Some(Instant::now());
        wanted.asked += 1;
        let mine = wanted.asked;
        self.shared.changed.notify_all();
        while wanted.done < mine {
            wanted = self.shared.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
        wanted.fault.take().map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn change(&self, file: Arc<File>) {
        self.with(|w| w.file = file);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.with(|w| w.over = true);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            match wanted.due {
                Some(due) if due <= now || wanted.over => {
                    (wanted.due, wanted.fault) = (None, None);
                    let (asked, file) = (wanted.asked, Arc::clone(&wanted.file));
                    drop(wanted);
                    let fault = file.sync_data().err().map(|e| e.kind());
                    wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                    wanted.done = asked;
                    wanted.fault = fault;
                    self.changed.notify_all();
                }
                _ if wanted.over => return,
                Some(due) => {
                    wanted = self
                        .changed
                        .wait_timeout(wanted, due - now)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
                None => wanted = self.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
