//! The meshes of the corpus against figures of an independent reader (trimesh 4, corners merged): triangles, box and
//! volume. The corpus lies beside the repository (`../shared/corpus/stl`, or where `SHOPCTL_CORPUS` says); without it
//! the test says so and passes.

use shop_formats::mesh::{ReadOptions, Scene, read};
use shop_report::{Checked, SourceId};
use std::path::{Path, PathBuf};

fn folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("SHOPCTL_CORPUS").map_or_else(beside, Into::into).join("stl");
    if !folder.is_dir() {
        eprintln!("skipped: no corpus at {}", folder.display());
        return None;
    }
    Some(folder)
}

fn scene(folder: &Path, name: &str) -> Checked<Scene> {
    let bytes = std::fs::read(folder.join(name)).expect("a mesh of the corpus");
    read(SourceId(0), &bytes, &ReadOptions::default())
}

/// What trimesh says: triangles, points, size in mm, volume in mm³.
type Truth = (&'static str, usize, usize, [f64; 3], f64);

const BRACKET: [f64; 3] = [80.0, 50.0, 58.0];

/// Files that are read without a word. Those that trimesh does not read (CR, tabs, AMF) or misreads (negative indices)
/// stand with the figures of the part that they are made from.
const CLEAN: &[Truth] = &[
    ("20mmbox-CR.stl", 12, 8, [20.0, 20.0, 20.0], 8000.0),
    ("20mmbox-nonstandard.stl", 12, 8, [20.0, 20.0, 20.0], 8000.0),
    ("3DBenchy.3mf", 225154, 112565, [60.001, 31.004, 48.0], 15550.498),
    ("Einsy-base.stl", 9142, 4408, [128.5, 101.0, 38.0], 41661.759),
    ("b_drive_frame_lower.stl", 34126, 17043, [53.0306, 116.0, 17.004], 23237.638),
    ("box_prod.3mf", 12, 8, [10.0, 20.0, 30.0], 6000.0),
    ("bracket.stl", 10372, 5154, BRACKET, 51880.369),
    ("broken-ascii-tabs.stl", 10372, 5154, BRACKET, 51880.369),
    ("broken-ascii-upper.stl", 10372, 5154, BRACKET, 51880.369),
    ("broken-negindex.obj", 10372, 5154, BRACKET, 51880.369),
    ("broken-solidheader.stl", 10372, 5154, BRACKET, 51880.369),
    ("broken-jitter.stl", 10372, 31116, [80.004, 50.004, 58.0039], f64::NAN),
    ("exhaust_filter_housing.stl", 43928, 21948, [143.7084, 154.8, 44.9995], 69156.837),
    ("extruder-body.stl", 21464, 10702, [62.0, 84.5, 19.9973], 28564.046),
    ("extruder_idler_quads.obj", 7344, 3660, [32.4218, 17.8392, 37.9513], f64::NAN),
    ("fan-shroud.stl", 12588, 6288, [43.3, 27.6316, 19.9], 3416.502),
    ("gearbox.stl", 143980, 71954, [84.0136, 84.0136, 18.0], 38366.937),
    ("heartgears.3mf", 30636, 15184, [79.5711, 47.6672, 76.4322], 120179.298),
    ("overhangs.stl", 2016, 1006, [100.0, 50.0, 28.0], 21867.590),
    ("pins.stl", 36012, 18008, [80.0, 80.0, 30.5], 26166.826),
    ("thinwalls.amf", 6480, 3242, [90.0, 60.0, 12.0], 18127.058),
    ("thinwalls.stl", 6480, 3242, [90.0, 60.0, 12.0], 18127.058),
    ("torus.3mf", 2200, 1100, [24.0, 23.9526, 3.9593], 776.831),
    ("x-end-motor.stl", 8202, 4079, [39.965, 82.499, 58.0], 48980.176),
];

#[test]
fn meshes_are_what_another_reader_sees() {
    let Some(folder) = folder() else { return };
    for &(name, triangles, points, size, volume) in CLEAN {
        let read = scene(&folder, name);
        assert_eq!(read.diagnostics, [], "{name}");
        assert_eq!(read.value.objects.len(), 1, "{name}");
        let mesh = &read.value.objects[0].parts[0].mesh;
        assert_eq!((mesh.triangles.len(), mesh.points.len()), (triangles, points), "{name}");
        let (low, high) = read.value.bounds().expect("points");
        assert!((0..3).all(|i| ((high - low)[i] - size[i]).abs() < 1e-4), "{name}: {low} {high}");
        // The volume of a mesh with holes depends on whom one asks.
        assert!(
            volume.is_nan() || (mesh.volume() - volume).abs() < 1e-6 * volume,
            "{name}: {}",
            mesh.volume()
        );
    }
}

#[test]
fn a_file_cut_short_is_read_as_far_as_it_goes() {
    let Some(folder) = folder() else { return };
    let read = scene(&folder, "broken-truncated.stl");
    assert_eq!(read.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["mesh/truncated"]);
    assert_eq!(read.value.triangles(), 9334);
}
