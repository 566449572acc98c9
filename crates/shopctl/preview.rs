//! `shopctl preview`: a picture of any program.

use crate::program::{self, Seen};
use crate::report::{self, Colour, Sources, Style};
use crate::setup::{self, SetupArgs, Stock};
use crate::{Refusal, check, exit, output};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use shop_sim::{Estimator, Plot, PlotColour, PlotView};
use std::path::{Path, PathBuf};

/// Draw a program: picture or interactive page
#[derive(Args, Clone, Debug)]
pub struct PreviewArgs {
    /// Program: G-code of any dialect, - for standard input
    #[arg(value_name = "PROGRAM")]
    input: PathBuf,
    /// Picture to write: .svg, .png or .html by its ending; may be given more than once
    #[arg(short, long, required = true, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Machine profile: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE")]
    machine: Option<String>,
    /// From where pictures look; a page can be turned
    #[arg(long, value_enum, default_value_t)]
    view: ViewFlag,
    /// What the colours say
    #[arg(long, value_enum, default_value_t)]
    by: ByFlag,
    /// Size of the stock; its corner at (0, 0) and its top at z = 0, or where @ says
    #[arg(long, value_name = "XxYxZ[@X,Y[,TOP]]", value_parser = setup::stock)]
    stock_mm: Option<Stock>,
    #[command(flatten)]
    setup: SetupArgs,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// From where.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum ViewFlag {
    /// From above.
    #[default]
    Top,
    /// From the front right and above.
    Iso,
}

/// What the colours say.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum ByFlag {
    /// Features of a print, else tools, else heights.
    #[default]
    Auto,
    /// Tool or extruder.
    Tool,
    /// Feed.
    Feed,
    /// Feature or operation.
    Feature,
    /// Height.
    Z,
}

/// Runs the verb; returns the exit code.
pub fn run(args: &PreviewArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    for path in &args.output {
        if ending(path).is_none() {
            let message = format!("{}: a preview ends in .svg, .png or .html", path.display());
            bail!(Refusal { code: exit::USAGE, message });
        }
    }
    let text = program::open(&args.input)?;
    let mut notes = Vec::new();
    let mut machine = program::machine(args.machine.as_deref(), &text, style, &mut notes)?;
    args.setup.apply(&mut machine);
    eprint!("{}", report::render(&notes, &Sources::new(), style));
    let name = args.input.display().to_string();
    let title = args.input.file_name().map_or_else(|| name.clone(), |n| n.to_string_lossy().into_owned());
    let mut plot = Plot::new(&machine, &title).of_bytes(text.len());
    let mut estimator = Estimator::new(&machine).of_bytes(text.len());
    let mut context = program::context(&args.input, &text, &machine);
    args.setup.inform(&mut context)?;
    program::pass(&text, &context, |seen| match seen {
        Seen::Command(command, _) => {
            plot.command(command);
            estimator.command(command);
        }
        Seen::Section(role, label) => {
            plot.section(role, label);
            estimator.section(role, label);
        }
    });
    if plot.is_empty() {
        return Err(check::unreadable(&name));
    }
    let estimate = estimator.finish();
    plot.total_s(estimate.total_s);
    if let Some(Stock { size, corner, top }) = args.stock_mm {
        plot.stock(size, corner, top);
    }
    let view = match args.view {
        ViewFlag::Top => PlotView::Top,
        ViewFlag::Iso => PlotView::Iso,
    };
    let colour = match args.by {
        ByFlag::Auto => PlotColour::Auto,
        ByFlag::Tool => PlotColour::Tool,
        ByFlag::Feed => PlotColour::Feed,
        ByFlag::Feature => PlotColour::Feature,
        ByFlag::Z => PlotColour::Z,
    };
    for path in &args.output {
        output::write_whole(path, &picture(&plot, path, view, colour))?;
    }
    if args.json {
        let files: Vec<String> = args.output.iter().map(|p| p.display().to_string()).collect();
        let total = (estimate.total_s * 1e3).round() / 1e3;
        let value = json!({
            "file": name, "machine": machine.name, "pictures": files, "points": plot.len(), "total_s": total,
        });
        println!("{value:#}");
    }
    Ok(exit::DONE)
}

fn picture(plot: &Plot<'_>, path: &Path, view: PlotView, colour: PlotColour) -> Vec<u8> {
    match ending(path) {
        Some(Ending::Svg) => plot.svg(view, colour).into_bytes(),
        Some(Ending::Png) => plot.png(view, colour),
        _ => plot.html(colour).into_bytes(),
    }
}

/// Returns a picture of a print, as its file's name wants it.
pub fn draw(plot: &Plot<'_>, path: &Path) -> Vec<u8> {
    picture(plot, path, PlotView::Iso, PlotColour::Auto)
}

/// How a picture is stored.
#[derive(Clone, Copy)]
pub enum Ending {
    /// Lines that can be scaled.
    Svg,
    /// Pixels.
    Png,
    /// A page that can be turned.
    Html,
}

/// Returns how a picture is stored, by its name.
pub fn ending(path: &Path) -> Option<Ending> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "svg" => Some(Ending::Svg),
        "png" => Some(Ending::Png),
        "html" | "htm" => Some(Ending::Html),
        _ => None,
    }
}
