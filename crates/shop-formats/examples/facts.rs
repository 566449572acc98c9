//! Prints what can be said about a DXF file: `cargo run --example facts -- [--json] FILE...`

#[path = "../../shopctl/info.rs"]
mod info;

use shop_formats::dxf::{ReadOptions, read_with_facts};
use shop_formats::facts::facts;
use shop_report::SourceId;

fn main() -> std::io::Result<()> {
    let mut json = false;
    for file in std::env::args().skip(1) {
        if file == "--json" {
            json = true;
            continue;
        }
        let bytes = std::fs::read(&file)?;
        let (checked, dxf) = read_with_facts(SourceId(0), &bytes, &ReadOptions::default());
        let f = facts(&checked.value, Some(&dxf));
        if json {
            println!("{}", info::facts_json(&file, bytes.len() as u64, &checked.value, &f));
        } else {
            print!("{}", info::facts_text(&file, bytes.len() as u64, &checked.value, &f));
            for d in &checked.diagnostics {
                let line = d.span.map_or(0, |s| s.line_in(&bytes));
                println!("{}[{}] line {line} x{}: {}", d.severity, d.code, d.count, d.message);
            }
        }
    }
    Ok(())
}
