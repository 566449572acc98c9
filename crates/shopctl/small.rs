//! Staying small: for verbs that run for hours beside other work, and do little.

/// Verbs that get no huge pages, which cost 2 MiB each however little is in them: those that stay for hours beside other
/// work, and those whose workers have many small rooms: without, a check or an estimate of a print of 100 MB takes 20 MB
/// besides, with them up to 80.
#[cfg(target_os = "linux")]
const SMALL: [&str; 7] = ["send", "resume", "machine", "print", "slice", "check", "estimate"];
/// Of these, the ones for which even the first huge page is too much.
#[cfg(target_os = "linux")]
const SMALLEST: [&str; 2] = ["send", "resume"];

/// Sees to it that little takes little.
#[cfg(target_os = "linux")]
pub fn begin() {
    use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};
    let verb = std::env::args_os().nth(1).unwrap_or_default();
    if !SMALL.iter().any(|small| verb == *small) || transparent_huge_pages_are_disabled().unwrap_or(true) {
        return;
    }
    // An old kernel that knows no such switch takes the memory.
    if disable_transparent_huge_pages(true).is_ok() && SMALLEST.iter().any(|small| verb == *small) {
        // The allocator took its first huge page before this line; the switch outlives an exec, the page does not.
        // Where that is not possible, the page stays.
        use std::os::unix::process::CommandExt as _;
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_default();
        let _ = std::process::Command::new("/proc/self/exe").arg0(name).args(args).exec();
    }
}

/// Does nothing where the system has no such switch.
#[cfg(not(target_os = "linux"))]
pub fn begin() {}

/// Takes the program's own code out of this process's memory: reading flags and profiles touches much of it once. What is
/// needed comes back page by page from where the system keeps it anyway. To be called between stages.
#[cfg(target_os = "linux")]
pub fn forget_code() {
    use rustix::mm::{Advice, madvise};
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let Ok(own) = std::env::current_exe() else { return };
    for line in maps.lines() {
        // `55d0-55e0 r-xp 0000 fe:00 1234   /usr/bin/shopctl`. Only code: what was relocated cannot be read again.
        let mut words = line.split_ascii_whitespace();
        let (Some(range), Some("r-xp")) = (words.next(), words.next()) else { continue };
        let ours = words.nth(3).is_some_and(|path| std::path::Path::new(path) == own);
        let ends = range.split_once('-').filter(|_| ours);
        let Some((start, end)) = ends else { continue };
        let (Ok(start), Ok(end)) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16)) else {
            continue;
        };
        // SAFETY: the pages are a file's, mapped privately and never written to: what is read again is the same.
        let _ = unsafe { madvise(start as *mut _, end - start, Advice::LinuxDontNeed) };
    }
}

/// Does nothing where the system has no such call.
#[cfg(not(target_os = "linux"))]
pub fn forget_code() {}
