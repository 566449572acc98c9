//! What must hold for router plans.

mod common_lines;
mod laws;
#[path = "../../shop-cam/tests/sheet/mod.rs"]
mod sheet;

use shop_cam::feature::Operations;
use shop_cam::settings::Settings;
use shop_mill::{Options, Plan};

/// The plan of one who asks for nothing.
fn planned(made: &Operations, settings: &Settings) -> Plan {
    planned_with(made, settings, &Options::new(settings))
}

fn planned_with(made: &Operations, settings: &Settings, options: &Options) -> Plan {
    shop_mill::plan(made, settings, options, &shop_report::Silent).expect("nobody cancels")
}
