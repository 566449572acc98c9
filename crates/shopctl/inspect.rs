//! `shopctl info`: what is in a drawing or a mesh.

use crate::input::{self, Scale, UnitFlag, read_bytes, read_with_facts};
use crate::report::{self, Colour, Sources, Style};
use crate::{exit, info};
use anyhow::Result;
use clap::Args;
use shop_formats::facts::facts;
use shop_formats::mesh;
use shop_report::{Diagnostic, Severity};
use std::path::{Path, PathBuf};

/// Show what is in a drawing or a mesh
#[derive(Args, Clone, Debug)]
pub struct InfoArgs {
    /// Drawings (DXF, SVG) or meshes (STL, OBJ, 3MF, AMF), - for standard input
    #[arg(required = true, value_name = "DRAWING")]
    inputs: Vec<PathBuf>,
    /// Unit of the file, when it is silent or wrong
    #[arg(long, value_enum)]
    units: Option<UnitFlag>,
    /// Pixels per inch of an SVG without a physical size (default: 96, or what the program that wrote it uses)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(f64))]
    dpi: Option<f64>,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// Runs the verb; returns the exit code.
pub fn run(args: &InfoArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    let mut code = exit::DONE;
    let mut reports = Vec::new();
    for path in &args.inputs {
        let mut sources = Sources::new();
        let id = sources.add(path.display().to_string(), read_bytes(path)?);
        let bytes = sources.bytes(id).unwrap_or_default();
        let name = path.display().to_string();
        let size = bytes.len() as u64;
        if let Some(format) = mesh_format(path, bytes) {
            let options = mesh::ReadOptions {
                mm_per_unit: args.units.map(UnitFlag::mm),
                ..mesh::ReadOptions::default()
            };
            let mut found: Vec<Diagnostic> = Vec::new();
            let scene = mesh::read(id, bytes, &options).drain_into(&mut found);
            let about = info::mesh::scene_facts(&scene);
            let parts = info::mesh::look(scene).drain_into(&mut found);
            if found.iter().any(|d| d.severity == Severity::Error) {
                code = code.max(exit::INPUT);
            }
            if args.json {
                let mut value = info::mesh::json(&name, size, format, &about, &parts);
                value["diagnostics"] = report::to_json(&found, &sources);
                reports.push(value);
            } else {
                eprint!("{}", report::render(&found, &sources, style));
                print!("{}", info::mesh::text(&name, size, format, &about, &parts));
            }
            continue;
        }
        let (drawing, in_file) = read_with_facts(path, id, bytes, Scale { units: args.units, dpi: args.dpi });
        if drawing.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            code = code.max(exit::INPUT);
        }
        let facts = facts(&drawing.value, in_file.as_ref());
        if args.json {
            let mut value = info::facts_json(&name, size, &drawing.value, &facts);
            value["ignored"] = sources.ignored_json(&drawing.value.ignored);
            value["diagnostics"] = report::to_json(&drawing.diagnostics, &sources);
            reports.push(value);
        } else {
            eprint!("{}", report::render(&drawing.diagnostics, &sources, style));
            print!("{}", info::facts_text(&name, size, &drawing.value, &facts, &|s| sources.place(s)));
        }
    }
    if args.json {
        let all = if reports.len() == 1 { reports.remove(0) } else { serde_json::Value::Array(reports) };
        println!("{all:#}");
    }
    Ok(code)
}

/// Returns the format of a mesh. Bytes without any sign of their own are taken for a cut-off STL only when they are no
/// drawing.
fn mesh_format(path: &Path, bytes: &[u8]) -> Option<mesh::Format> {
    let format = mesh::format_of(bytes)?;
    let unsure = format == mesh::Format::StlBinary && input::format_of(path, bytes).is_some();
    (!unsure).then_some(format)
}
