//! The architecture's invariants, each kept by a test (ARCHITECTURE.md names them).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The doing tower: text to machines. All other crates think.
const DOING: &[&str] = &["shop-controller", "shop-jobs"];

/// What the doing tower has in common with the thinking one.
const COMMON: &[&str] = &["shop-report"];

/// Layers, bottom first. A crate may import only from layers below its own.
const LAYERS: &[&[&str]] = &[
    &["shop-geom", "shop-report"],
    &["shop-cam", "shop-controller", "shop-formats"],
    &["shop-cut", "shop-gcode", "shop-jobs", "shop-mill", "shop-print", "shop-sim"],
];

/// `shop-geom` stands on `shop-report`, the one exception inside a layer: everything may talk back.
const EVERYONE_MAY_IMPORT: &str = "shop-report";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    sources(folder, &mut files);
    files.into_iter().map(|p| (p.clone(), std::fs::read_to_string(p).expect("source is readable"))).collect()
}

/// Source text without tests, which may do as they like.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn level(name: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&name))
}

#[test]
fn crates_import_only_from_layers_below() {
    let folder = root().join("crates");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("crates").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(manifest) = std::fs::read_to_string(entry.path().join("Cargo.toml")) else { continue };
        let own = level(&name).unwrap_or_else(|| panic!("{name} has no layer; add it to LAYERS"));
        let dependencies = manifest.split("[dev-dependencies]").next().expect("text");
        for import in
            dependencies.lines().filter_map(|l| l.split('.').next()).filter(|d| d.starts_with("shop-"))
        {
            if import == EVERYONE_MAY_IMPORT {
                continue;
            }
            let other = level(import).expect("imported crate has a layer");
            assert!(other < own, "{name} (layer {own}) imports {import} (layer {other})");
            let towers = DOING.contains(&name.as_str()) == DOING.contains(&import);
            assert!(towers || COMMON.contains(&import), "{name} and {import} meet only in shopctl");
        }
        seen += 1;
    }
    assert_eq!(seen, LAYERS.iter().map(|l| l.len()).sum::<usize>());
}

#[test]
fn the_thinking_crates_touch_nothing() {
    let forbidden = [
        "std::fs",
        "std::env::var",
        "std::process",
        "Instant::now",
        "SystemTime",
        "println!",
        "eprintln!",
        "std::net",
    ];
    for (path, text) in pure_folders().iter().flat_map(|folder| rust_files(folder)) {
        for word in forbidden {
            let code = shipped(&text).lines().filter(|l| !l.trim_start().starts_with("//"));
            assert!(!code.into_iter().any(|l| l.contains(word)), "{} uses {word}", path.display());
        }
    }
}

/// Where nothing may touch the world: the thinking crates whole; of the doing ones, what is a value.
fn pure_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for name in LAYERS.iter().flat_map(|l| l.iter()) {
        let source = root().join("crates").join(name).join("src");
        if DOING.contains(name) {
            folders.extend(["session", "sim", "codes", "handover"].map(|part| source.join(part)));
        } else {
            folders.push(source);
        }
    }
    folders
}

#[test]
fn planners_know_no_formats_and_posts_no_planners() {
    for (name, strangers) in [
        ("shop-cut", &["shop_formats", "shop_gcode"][..]),
        ("shop-mill", &["shop_formats", "shop_gcode"]),
        ("shop-formats", &["shop_cam"]),
        ("shop-gcode", &["shop_cut", "shop_mill", "shop_formats"]),
        ("shop-sim", &["shop_gcode", "shop_cut", "shop_mill"]),
    ] {
        for (path, text) in rust_files(&root().join("crates").join(name).join("src")) {
            for stranger in strangers {
                assert!(!shipped(&text).contains(stranger), "{} mentions {stranger}", path.display());
            }
        }
    }
}

#[test]
fn no_global_hash_order_reaches_the_output() {
    for layer in LAYERS {
        for name in *layer {
            for (path, text) in rust_files(&root().join("crates").join(name).join("src")) {
                for word in ["HashMap", "HashSet"] {
                    let code = shipped(&text).lines().filter(|l| !l.trim_start().starts_with("//"));
                    let found = code.into_iter().any(|l| l.contains(word));
                    assert!(
                        !found,
                        "{} uses {word}: take a BTreeMap, a sorted Vec or an index",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in rust_files(&root().join("crates")) {
        if path.components().any(|c| c.as_os_str() == "fuzz") {
            continue;
        }
        assert!(
            text.starts_with("//!") || text.starts_with("#!["),
            "{} does not open with //!",
            path.display()
        );
    }
}

#[test]
fn diagnostic_codes_have_one_shape() {
    let mut codes: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (path, text) in rust_files(&root().join("crates")) {
        for start in ["Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::info("] {
            for part in text.split(start).skip(1) {
                let Some(code) = part.trim_start().strip_prefix('"').and_then(|p| p.split('"').next()) else {
                    continue;
                };
                codes.insert(code.to_owned(), path.clone());
            }
        }
    }
    assert!(!codes.is_empty());
    for (code, path) in codes {
        let lawful =
            code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '/');
        assert!(lawful && code.matches('/').count() == 1, "{code} in {}", path.display());
    }
}
