//! Being stopped by a signal: a program that is half written goes away first.
//!
//! A signal is only noted. Whoever slices looks at the note after every layer, lets go of the file without a name, and then
//! ends as the signal would have ended it ([`obey`]), so that shells and farms see what they expect. Where nothing is to be
//! cleared away, as when the program goes into a pipe, nobody listens, and signals end it as ever.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// The signal that came, 0 for none; and whether signals are not waited for any more.
static HEARD: OnceLock<(Arc<AtomicUsize>, Arc<AtomicBool>)> = OnceLock::new();

/// Notes signals from here on.
pub fn listen() {
    let (_, at_once) = HEARD.get_or_init(|| {
        let (caught, at_once) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let ignored = ignored();
        for signal in SIGNALS.into_iter().filter(|s| ignored >> (s - 1) & 1 == 0) {
            // Where one cannot be noted, it ends the program as ever.
            let _ = flag::register_conditional_default(signal, Arc::clone(&at_once));
            let _ = flag::register_usize(signal, Arc::clone(&caught), signal.cast_unsigned() as usize);
        }
        (caught, at_once)
    });
    at_once.store(false, Ordering::Relaxed);
}

/// Returns the signals that whoever began the program wants to be ignored, as after nohup: a bit for each, the lowest for
/// the first. Where the system does not tell, none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok()).unwrap_or(0)
}

/// Lets signals end the program as ever: there is nothing to clear away any more, and whoever takes the program may be slow.
pub fn let_go() {
    if let Some((_, at_once)) = HEARD.get() {
        at_once.store(true, Ordering::Relaxed);
    }
}

/// Returns the signal that came, 0 for none.
fn signal() -> usize {
    HEARD.get().map_or(0, |(caught, _)| caught.load(Ordering::Relaxed))
}

/// True when a signal came.
pub fn caught() -> bool {
    signal() != 0
}

/// Ends the program as the signal that came would have; does nothing when none came.
pub fn obey() {
    if caught() {
        let _ = low_level::emulate_default_handler(signal() as i32);
    }
}
