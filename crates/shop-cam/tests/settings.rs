//! What is settled for a run, and what is said about it.
#![allow(missing_docs, reason = "tests")]

use shop_cam::Speed;
use shop_cam::machine::{Axis, Cut, Machine, MachineKind, Material};
use shop_cam::settings::{Choice, Settings, settle};

fn plasma() -> Machine {
    let cut = |thickness, feed| Cut {
        thickness,
        number: None,
        kerf: 1.2,
        feed: Speed::from_mm_per_min(feed),
        pierce_height: 3.8,
        pierce_delay: 0.2,
        cut_height: 1.5,
        amps: 45.0,
        volts: 120.0,
        power: 0.0,
        passes: 1,
    };
    let cuts = vec![cut(1.0, 10_000.0), cut(3.0, 4000.0)];
    let steel = Material { name: "steel".into(), source: String::new(), price_per_m2_mm: None, cuts };
    Machine { materials: vec![steel], ..Machine::example(MachineKind::Plasma) }
}

fn run(machine: &Machine, choice: &Choice) -> (Settings, Vec<(&'static str, String)>) {
    let checked = settle(machine, choice);
    (checked.value, checked.diagnostics.into_iter().map(|d| (d.code, d.message)).collect())
}

#[test]
fn a_sheet_that_nobody_named_is_said_to_be_assumed() {
    let (settings, notes) = run(&plasma(), &Choice::default());
    assert!(settings.material_assumed);
    assert_eq!((settings.material.as_deref(), settings.thickness), (Some("steel"), Some(1.0)));
    let said = notes.iter().find(|n| n.0 == "cut/material-assumed").expect("it is said");
    assert!(said.1.contains("1 mm steel"), "{said:?}");
    let choice = Choice { material: Some("steel".into()), thickness: Some(3.0), ..Choice::default() };
    let (settings, notes) = run(&plasma(), &choice);
    assert!(!settings.material_assumed && notes.is_empty(), "{notes:?}");
    assert_eq!(settings.feed.mm_per_min(), 4000.0);
}

#[test]
fn no_feed_is_faster_than_the_slower_axis() {
    let mut machine = plasma();
    machine.axes[1] = Axis { rapid: Speed::from_mm_per_min(3000.0), ..machine.axes[1] };
    let choice = Choice { material: Some("steel".into()), thickness: Some(3.0), ..Choice::default() };
    let (settings, notes) = run(&machine, &choice);
    assert_eq!(settings.feed.mm_per_min(), 3000.0);
    assert_eq!(notes.iter().map(|n| n.0).collect::<Vec<_>>(), ["cut/feed-above-axes"]);
    let slow = Choice { feed: Some(Speed::from_mm_per_min(2500.0)), ..choice };
    let (settings, notes) = run(&machine, &slow);
    assert!(settings.feed.mm_per_min() == 2500.0 && notes.is_empty());
}
