//! The profiles built into the program. A test holds this list against the folder.

macro_rules! profiles {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../machines/", $name, ".toml")))),+]
    };
}

/// Names and texts, in the order of names.
pub const PROFILES: &[(&str, &str)] = profiles![
    "genmitsu-3018",
    "k40-smoothie",
    "knife-grbl",
    "langmuir-crossfire-pro",
    "laser-grbl",
    "laser-grblhal-co2",
    "longmill-mk2-30x30",
    "lowrider-fluidnc",
    "maslow-4",
    "mpcnc-fluidnc",
    "mpcnc-marlin",
    "openbuilds-acro-1010-laser",
    "openbuilds-lead-1010",
    "openbuilds-lead-1010-plasma",
    "openbuilds-lead-1515",
    "openbuilds-workbee-1010",
    "ortur-laser-master-2",
    "plasma-grbl",
    "plasma-linuxcnc-proma",
    "plasma-qtplasmac",
    "printer-ender-3",
    "printer-klipper",
    "printer-marlin",
    "printer-prusa-mk3s",
    "printer-reprapfirmware",
    "printer-smoothie",
    "printer-voron-2-300",
    "printnc",
    "router-grbl",
    "router-linuxcnc",
    "sculpfun-s9",
    "shapeoko-3",
    "shapeoko-4-xxl",
    "shapeoko-5-pro-4x4",
    "sienci-altmill-4x4",
    "x-carve-1000",
];

/// Returns the text of a built-in profile.
pub fn text(name: &str) -> Option<&'static str> {
    PROFILES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}
