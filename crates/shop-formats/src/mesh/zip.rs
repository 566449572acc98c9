//! Packages: the part of ZIP (PKWARE APPNOTE 6.3) that 3MF and AMF files use, entries stored or deflated, with sizes
//! beyond 4 GiB where they occur.
//!
//! Entries are unpacked block by block, so that nothing larger than a block is ever held, and an entry that swells
//! beyond all measure is refused as it swells. A package whose directory is gone, since it was cut short, is read by
//! the headers that stand before its entries.

use super::text::Found;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Bytes unpacked at a time: a power of two, as the ring buffer of the unpacker wants it, and more than the 32 KiB that
/// deflate looks back.
const BLOCK: usize = 1 << 20;
/// An entry may be this much larger than what it is packed in; XML of meshes comes to about ten times.
const MOST_SWELL: u64 = 200;
/// Entries up to this size may swell as they like.
const SMALL: u64 = 16 << 20;
/// Entries that a package may have.
const MOST_ENTRIES: usize = 100_000;

/// A package and what is in it.
#[derive(Debug)]
pub(super) struct Package<'a> {
    /// The entries in the order of the directory.
    pub entries: Vec<Entry<'a>>,
    /// True when the directory is gone or does not fit, and the entries were looked for one by one.
    pub without_directory: bool,
    /// Entries that cannot be read, and where.
    pub unreadable: Found,
}

/// An entry of a package.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// Its path, with `/` and without one in front.
    pub name: String,
    /// Where its data begins in the package.
    pub start: usize,
    packed: &'a [u8],
    deflated: bool,
    /// What the directory says that it comes to.
    size: Option<u64>,
    crc: Option<u32>,
}

/// Why the end of an entry is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// The data ends before the entry does.
    Short,
    /// The data cannot be unpacked from here on.
    Broken,
    /// What was unpacked is not what was packed.
    Checksum,
    /// It swells beyond all measure.
    Bomb,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}

/// Reads the directory of a package.
pub(super) fn open(bytes: &[u8]) -> Package<'_> {
    match directory(bytes) {
        Some((entries, unreadable)) => Package { entries, without_directory: false, unreadable },
        None => scan(bytes),
    }
}

/// Returns the entries by the directory at the end, unless it is missing or leads astray.
fn directory(bytes: &[u8]) -> Option<(Vec<Entry<'_>>, Found)> {
    // The record at the end is followed by a remark of at most 64 KiB.
    let tail = bytes.len().saturating_sub(22 + 65535);
    let end = tail + memchr::memmem::rfind(&bytes[tail..], b"PK\x05\x06")?;
    let mut at = u64::from(u32_at(bytes, end + 16)?);
    let mut count = u64::from(u16_at(bytes, end + 10)?);
    // Sizes beyond 32 bits are in a record before it, which a locator points to.
    if let Some(locator) = end.checked_sub(20).filter(|l| bytes[*l..].starts_with(b"PK\x06\x07")) {
        let record = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
        if bytes.get(record..)?.starts_with(b"PK\x06\x06") {
            (count, at) = (u64_at(bytes, record + 32)?, u64_at(bytes, record + 48)?);
        }
    }
    let mut at = usize::try_from(at).ok()?;
    let mut entries = Vec::new();
    let mut unreadable = Found::default();
    for _ in 0..count.min(MOST_ENTRIES as u64) {
        if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
            return None;
        }
        let lengths =
            [u16_at(bytes, at + 28)?, u16_at(bytes, at + 30)?, u16_at(bytes, at + 32)?].map(usize::from);
        let name = bytes.get(at + 46..at + 46 + lengths[0])?;
        let extra = bytes.get(at + 46 + lengths[0]..at + 46 + lengths[0] + lengths[1])?;
        let head = Head {
            flags: u16_at(bytes, at + 8)?,
            method: u16_at(bytes, at + 10)?,
            crc: u32_at(bytes, at + 16)?,
            packed: u64::from(u32_at(bytes, at + 20)?),
            size: u64::from(u32_at(bytes, at + 24)?),
            offset: u64::from(u32_at(bytes, at + 42)?),
        }
        .widened(extra);
        match entry(bytes, name, &head) {
            Some(entry) => entries.push(entry),
            None => unreadable.one(at),
        }
        at += 46 + lengths.iter().sum::<usize>();
    }
    (!entries.is_empty()).then_some((entries, unreadable))
}

/// What stands in the directory about an entry.
struct Head {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

impl Head {
    /// Takes the numbers that did not fit into 32 bits from the extra field 1, where they stand in this order.
    fn widened(mut self, mut extra: &[u8]) -> Head {
        while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let field = extra.get(4..4 + usize::from(length)).unwrap_or_default();
            if kind == 1 {
                let mut at = 0;
                for value in [&mut self.size, &mut self.packed, &mut self.offset] {
                    if *value == u64::from(u32::MAX)
                        && let Some(wide) = u64_at(field, at)
                    {
                        *value = wide;
                        at += 8;
                    }
                }
            }
            extra = extra.get(4 + usize::from(length)..).unwrap_or_default();
        }
        self
    }
}

fn entry<'a>(bytes: &'a [u8], name: &[u8], head: &Head) -> Option<Entry<'a>> {
    let local = usize::try_from(head.offset).ok()?;
    let encrypted = head.flags & 1 != 0;
    if !bytes.get(local..)?.starts_with(b"PK\x03\x04") || encrypted || !matches!(head.method, 0 | 8) {
        return None;
    }
    let start =
        local + 30 + usize::from(u16_at(bytes, local + 26)?) + usize::from(u16_at(bytes, local + 28)?);
    let end = start.saturating_add(usize::try_from(head.packed).ok()?).min(bytes.len());
    Some(Entry {
        name: plain_name(name),
        start,
        packed: bytes.get(start..end)?,
        deflated: head.method == 8,
        size: Some(head.size),
        crc: Some(head.crc),
    })
}

fn plain_name(name: &[u8]) -> String {
    String::from_utf8_lossy(name).replace('\\', "/").trim_start_matches('/').to_owned()
}

/// Looks for entries by the headers before them. An entry goes on to the next header, or to the end.
fn scan(bytes: &[u8]) -> Package<'_> {
    let mut package = Package { entries: Vec::new(), without_directory: true, unreadable: Found::default() };
    let mut heads = memchr::memmem::find_iter(bytes, b"PK\x03\x04").take(MOST_ENTRIES).peekable();
    while let Some(at) = heads.next() {
        let end = heads.peek().copied().unwrap_or(bytes.len());
        let read = || {
            let lengths = [u16_at(bytes, at + 26)?, u16_at(bytes, at + 28)?].map(usize::from);
            let name = bytes.get(at + 30..at + 30 + lengths[0])?;
            let start = at + 30 + lengths[0] + lengths[1];
            let (flags, method) = (u16_at(bytes, at + 6)?, u16_at(bytes, at + 8)?);
            let packed = u32_at(bytes, at + 18)? as usize;
            // With bit 3 the sizes come after the data; a stored entry's end is then not known exactly.
            let sizes = flags & 8 == 0 && packed != u32::MAX as usize;
            let end = if sizes && start + packed <= bytes.len() { start + packed } else { end };
            let good = flags & 1 == 0 && matches!(method, 0 | 8);
            good.then_some(())?;
            Some(Entry {
                name: plain_name(name),
                start,
                packed: bytes.get(start..end)?,
                deflated: method == 8,
                size: if sizes { u32_at(bytes, at + 22).map(u64::from) } else { None },
                crc: if sizes { u32_at(bytes, at + 14) } else { None },
            })
        };
        match read() {
            Some(entry) => {
                // Nothing inside an entry is a header.
                while heads.peek().is_some_and(|next| *next < entry.start + entry.packed.len()) {
                    heads.next();
                }
                package.entries.push(entry);
            }
            None => package.unreadable.one(at),
        }
    }
    package
}

impl<'a> Package<'a> {
    /// Returns the entry of this path; the case of letters does not count (OPC, ECMA-376-2 §6.2.2.3).
    pub fn entry(&self, path: &str) -> Option<&Entry<'a>> {
        let path = path.trim_start_matches('/');
        self.entries.iter().find(|e| e.name.eq_ignore_ascii_case(path))
    }
}

impl<'a> Entry<'a> {
    /// True when the name ends so, in letters of either case.
    pub fn ends_with(&self, ending: &str) -> bool {
        let name = self.name.as_bytes();
        name.len()
            .checked_sub(ending.len())
            .is_some_and(|at| name[at..].eq_ignore_ascii_case(ending.as_bytes()))
    }

    /// Returns the entry's contents, block by block.
    pub fn unpack(&self) -> Unpack<'a> {
        Unpack {
            rest: self.packed,
            packed: self.packed.len() as u64,
            inflate: self.deflated.then(|| Box::new((DecompressorOxide::new(), vec![0; BLOCK]))),
            out: 0,
            size: self.size,
            crc: self.crc,
            hash: crc32fast::Hasher::new(),
            end: None,
        }
    }

    /// Returns what can be unpacked of the entry, up to `most` bytes.
    pub fn whole(&self, most: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut unpack = self.unpack();
        while out.len() < most && unpack.next(&mut out) {}
        out.truncate(most);
        out
    }
}

/// An entry on its way out of the package.
pub(super) struct Unpack<'a> {
    rest: &'a [u8],
    packed: u64,
    /// The unpacker and the ring in which it works.
    inflate: Option<Box<(DecompressorOxide, Vec<u8>)>>,
    out: u64,
    size: Option<u64>,
    crc: Option<u32>,
    hash: crc32fast::Hasher,
    end: Option<Result<(), Damage>>,
}

impl Unpack<'_> {
    /// Appends the next block; false when there is none left.
    pub fn next(&mut self, to: &mut Vec<u8>) -> bool {
        if self.end.is_some() {
            return false;
        }
        let before = to.len();
        let done = match self.inflate.as_deref_mut() {
            None => {
                let (block, rest) = self.rest.split_at(self.rest.len().min(BLOCK));
                to.extend_from_slice(block);
                self.rest = rest;
                rest.is_empty().then_some(Ok(()))
            }
            Some((state, ring)) => {
                let (status, read, written) = decompress(state, self.rest, ring, 0, 0);
                to.extend_from_slice(&ring[..written]);
                self.rest = &self.rest[read.min(self.rest.len())..];
                match status {
                    TINFLStatus::Done => Some(Ok(())),
                    TINFLStatus::HasMoreOutput => None,
                    TINFLStatus::FailedCannotMakeProgress => Some(Err(Damage::Short)),
                    _ => Some(Err(Damage::Broken)),
                }
            }
        };
        self.hash.update(&to[before..]);
        self.out += (to.len() - before) as u64;
        if self.out > SMALL && self.out / MOST_SWELL > self.packed {
            self.end = Some(Err(Damage::Bomb));
            return true;
        }
        self.end = done.map(|end| end.and_then(|()| self.is_whole()));
        true
    }

    fn is_whole(&self) -> Result<(), Damage> {
        if self.size.is_some_and(|size| size > self.out) {
            return Err(Damage::Short);
        }
        let hash = self.hash.clone().finalize();
        if self.crc.is_some_and(|crc| crc != hash) { Err(Damage::Checksum) } else { Ok(()) }
    }

    /// Returns what is wrong with the entry, once its last block has come out.
    pub fn damage(&self) -> Option<Damage> {
        self.end.and_then(Result::err)
    }
}
