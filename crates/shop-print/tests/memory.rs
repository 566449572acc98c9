//! Memory does not follow the height of a part, whatever stands under it. A binary of its own: what it counts is alive in
//! the whole process.

#[path = "common.rs"]
#[allow(dead_code, reason = "what other tests need as well")]
mod common;
mod counting;

use common::{FILAMENT_MM, block, together};
use shop_print::Print;
use shop_print::settings::{Settings, SupportStyle};

/// Returns the most bytes alive while a post with a plate on it is printed, on one thread.
fn most(height: f64, settings: &Settings) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let post = block([-5.0, -5.0, 0.0], [5.0, 5.0, height]);
    let plate = block([-15.0, -15.0, height - 0.01], [15.0, 15.0, height + 2.0]);
    let mesh = together([post, plate]);
    let before = counting::begin();
    pool.install(|| {
        let print = Print::new(mesh, settings.clone(), FILAMENT_MM);
        print.run(|s| s.section.commands.len(), |_| true).expect("nobody stopped it");
    });
    (counting::most() - before) as f64
}

#[test]
fn memory_does_not_follow_the_height() {
    for style in [SupportStyle::Normal, SupportStyle::Tree] {
        for support_on_bed_only in [false, true] {
            let settings =
                Settings { supports: true, support_style: style, support_on_bed_only, ..Settings::default() };
            let [low, high] = [24.0, 120.0].map(|height| most(height, &settings));
            // Less than 500 bytes for each of 480 layers more.
            let each = (high - low) / 480.0;
            assert!(
                each < 500.0,
                "{style:?} {support_on_bed_only}: {low} bytes, and {each} for every layer more"
            );
        }
    }
}
