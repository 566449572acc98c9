//! Being stopped by a signal: a program that is half written goes away first.
//!
//! A signal is only noted. Whoever slices looks at the note after every layer, lets go of the file without a name, and then
//! ends as the signal would have ended it ([`obey`]), so that shells and farms see what they expect. A second signal does not
//! wait for that.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// The signal that came, 0 for none.
static CAUGHT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Notes signals from here on.
pub fn listen() {
    CAUGHT.get_or_init(|| {
        let (caught, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        for signal in SIGNALS {
            // Where one cannot be noted, it ends the program as ever. They are run in this order.
            let _ = flag::register_conditional_default(signal, Arc::clone(&again));
            let _ = flag::register(signal, Arc::clone(&again));
            let _ = flag::register_usize(signal, Arc::clone(&caught), signal.cast_unsigned() as usize);
        }
        caught
    });
}

/// True when a signal came.
pub fn caught() -> bool {
    CAUGHT.get().is_some_and(|c| c.load(Ordering::Relaxed) != 0)
}

/// Ends the program as the signal that came would have; does nothing when none came.
pub fn obey() {
    let signal = CAUGHT.get().map_or(0, |c| c.load(Ordering::Relaxed));
    if signal != 0 {
        let _ = low_level::emulate_default_handler(signal as i32);
    }
}
