//! Every DXF of the corpus against its `truth.json`, under the definitions of the corpus' README.
//!
//! Where we differ we say why: each entry of [`EXPLAINED`] names a file, the fields that differ there and the
//! reason. A difference that is not explained fails, and so does an explanation that explains nothing any more.
//! Without the corpus beside the repository the test says so and passes.

#[path = "../crates/shopctl/info.rs"]
#[allow(dead_code)]
mod info;

use serde_json::Value;
use shop_formats::dxf::{ReadOptions, read_with_facts};
use shop_formats::facts::facts;
use shop_report::SourceId;
use std::path::{Path, PathBuf};

/// Fields that are compared.
const FIELDS: [&str; 33] = [
    "format",
    "newline",
    "non_ascii",
    "bom",
    "acadver_raw",
    "codepage",
    "has_header",
    "has_eof",
    "insunits_in_file",
    "insunits",
    "units",
    "modelspace",
    "paperspace",
    "block_definitions",
    "in_block_definitions",
    "expanded",
    "mirrored_inserts",
    "nonuniform_inserts",
    "negative_extrusion_entities",
    "geometry_paths",
    "geometry_by_layer",
    "bbox",
    "bbox_mm",
    "length",
    "length_mm",
    "closed_contours",
    "closed_contours_raw",
    "closed_in_themselves",
    "closed_by_chaining",
    "open_chains",
    "branching_components",
    "duplicate_paths",
    "paths_dropped_short",
];

const SHAPE: &[&str] = &[
    "expanded",
    "mirrored_inserts",
    "negative_extrusion_entities",
    "geometry_paths",
    "geometry_by_layer",
    "bbox",
    "bbox_mm",
    "length",
    "length_mm",
    "closed_contours",
    "closed_contours_raw",
    "closed_in_themselves",
    "closed_by_chaining",
    "open_chains",
];

const Z_SCALE_0: &str = "an INSERT with z scale 0, which ezdxf cannot expand; CAD programs read 0 as 1";
const UNIFORM_CLOSED: &str = "a closed uniform spline: by the B-spline's definition it is closed, ezdxf draws it \
    over its whole knot vector, open and 15 % too long";
const OLD_LINE: &str = "a 3DLINE, which R9 writes for a LINE in space, is a line";

/// (file, fields, why).
const EXPLAINED: [(&str, &[&str], &str); 13] = [
    ("ezdxf__ASCII_R12.dxf", &["geometry_by_layer"], "the layer's name with its \\U+ escapes resolved"),
    (
        "openscad__nothing-decimal-comma-separated.dxf",
        SHAPE,
        "2,5 is shown as two and a half and is an error; ezdxf's recovery reads 2",
    ),
    ("bjnortier-dxf__array-rotated.dxf", SHAPE, Z_SCALE_0),
    ("bjnortier-dxf__arrayed-holes.dxf", SHAPE, Z_SCALE_0),
    ("bjnortier-dxf__blocks2.dxf", SHAPE, Z_SCALE_0),
    ("bjnortier-dxf__supported_entities.dxf", SHAPE, UNIFORM_CLOSED),
    ("qcad__entities.dxf", SHAPE, UNIFORM_CLOSED),
    ("dxf-parser__arcs-as-splines.dxf", SHAPE, "three good splines that ezdxf refuses for want of a header"),
    (
        "dxf-parser__splines.dxf",
        &["geometry_by_layer"],
        "the layer is PLOTLINES; ezdxf loses it for want of a header",
    ),
    ("libredwg__r2.6-entities.dxf", SHAPE, OLD_LINE),
    ("libredwg__r9-entities.dxf", SHAPE, OLD_LINE),
    ("libredwg__r10-entities.dxf", SHAPE, OLD_LINE),
    ("libredwg__r2.6-entities.dxf", &["has_eof"], "it has an EOF, followed by DOS' end-of-file byte"),
];

fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    corpus.is_dir().then_some(corpus)
}

#[test]
fn every_drawing_of_the_corpus_is_read_as_its_truth_says() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: there is no ../shared/corpus beside this repository");
        return;
    };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    let mut used = [false; EXPLAINED.len()];
    for (folder, truth) in [("dxf", "dxf/truth.json"), ("designs", "designs/dxf-truth.json")] {
        let text = std::fs::read_to_string(corpus.join(truth)).expect("the truth beside its drawings");
        let records: Vec<Value> = serde_json::from_str(&text).expect("a list of records");
        for record in &records {
            let name = record["file"].as_str().expect("a file name");
            let bytes = std::fs::read(corpus.join(folder).join(name)).expect("a drawing");
            let ours = ours(name, &bytes);
            compared += 1;
            if record["loader"] == "failed" {
                continue;
            }
            for field in FIELDS {
                let (Some(want), got) = (record.get(field), &ours[field]) else { continue };
                if agree(record, field, want, got) {
                    continue;
                }
                match EXPLAINED.iter().position(|(f, fields, _)| *f == name && fields.contains(&field)) {
                    Some(i) => used[i] = true,
                    None => wrong.push(format!("{name}: {field} is {got}, not {want}")),
                }
            }
        }
    }
    for (used, (name, _, why)) in used.iter().zip(EXPLAINED) {
        if !used {
            wrong.push(format!("{name}: no difference that `{why}` would explain"));
        }
    }
    assert!(wrong.is_empty(), "of {compared} drawings:\n{}", wrong.join("\n"));
    eprintln!("{compared} drawings compared");
}

fn ours(name: &str, bytes: &[u8]) -> Value {
    let (checked, dxf) = read_with_facts(SourceId(0), bytes, &ReadOptions::default());
    // A result or a clear error: something is drawn, or it is said why not.
    let said = !checked.diagnostics.is_empty() || !checked.value.ignored.is_empty();
    assert!(!checked.value.shapes.is_empty() || said || bytes.len() < 100_000, "{name}: nothing, in silence");
    let f = facts(&checked.value, Some(&dxf));
    info::facts_json(name, bytes.len() as u64, &checked.value, &f)
}

fn agree(record: &Value, field: &str, want: &Value, got: &Value) -> bool {
    let numbers = |v: &Value| -> Option<Vec<f64>> { v.as_array()?.iter().map(Value::as_f64).collect() };
    match field {
        "bbox" | "bbox_mm" => match (numbers(want), numbers(got)) {
            (Some(want), Some(got)) => {
                let extent = want.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                want.iter().zip(&got).all(|(a, b)| (a - b).abs() <= f64::max(0.01, 1e-6 * extent))
            }
            (want, got) => want == got,
        },
        "length" | "length_mm" => match (want.as_f64(), got.as_f64()) {
            // Three decimals of rounding beside the relative tolerance.
            (Some(want), Some(got)) => (want - got).abs() <= 1e-4 * want.abs() + 1e-3,
            _ => false,
        },
        // ezdxf adds its own 20 arrow blocks when it upgrades R13 and R14, and definitions for undefined names.
        "block_definitions" | "in_block_definitions" => {
            let upgraded = record["dxfversion"] == "AC1015" && record["acadver_raw"] != "AC1015";
            upgraded || record["format"] == "binary" || added_definitions(record) || want == got
        }
        _ => want == got,
    }
}

/// True for R12 drawings that insert what they do not define.
fn added_definitions(record: &Value) -> bool {
    record["release"] == "R12"
        && record["in_block_definitions"].as_object().is_some_and(serde_json::Map::is_empty)
}
