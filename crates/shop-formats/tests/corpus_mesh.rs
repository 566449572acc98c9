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

const SINGLE: &[Truth] = &[
    ("20mmbox-CR.stl", 12, 8, [20.0, 20.0, 20.0], 8000.0),
    ("20mmbox-nonstandard.stl", 12, 8, [20.0, 20.0, 20.0], 8000.0),
    ("bracket.stl", 10372, 5154, [80.0, 50.0, 58.0], 51880.369),
];

#[test]
fn single_meshes_are_what_another_reader_sees() {
    let Some(folder) = folder() else { return };
    for &(name, triangles, points, size, volume) in SINGLE {
        let read = scene(&folder, name);
        assert_eq!(read.diagnostics, [], "{name}");
        let mesh = &read.value.objects[0].parts[0].mesh;
        assert_eq!((mesh.triangles.len(), mesh.points.len()), (triangles, points), "{name}");
        let (low, high) = mesh.bounds().expect("points");
        assert!((0..3).all(|i| ((high - low)[i] - size[i]).abs() < 1e-3), "{name}: {low} {high}");
        assert!((mesh.volume() - volume).abs() < 1e-6 * volume, "{name}: {}", mesh.volume());
    }
}

#[test]
fn a_file_cut_short_is_read_as_far_as_it_goes() {
    let Some(folder) = folder() else { return };
    let read = scene(&folder, "broken-truncated.stl");
    assert_eq!(read.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["mesh/truncated"]);
    assert_eq!(read.value.triangles(), 9334);
}
