//! Pictures of a job, in the format that the file's ending names.

use crate::{Refusal, exit};
use anyhow::{Result, bail};
use shop_sim::preview::{PreviewInput, preview_html, preview_png, preview_svg};
use std::path::Path;

/// Draws the job in the format that `path` ends in.
pub fn picture(path: &Path, view: &PreviewInput<'_>) -> Result<Vec<u8>> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    Ok(match ending.as_str() {
        "svg" => preview_svg(view).into_bytes(),
        "png" => preview_png(view),
        "html" | "htm" => preview_html(view).into_bytes(),
        _ => bail!(Refusal {
            code: exit::USAGE,
            message: format!("{}: a preview ends in .svg, .png or .html", path.display())
        }),
    })
}
