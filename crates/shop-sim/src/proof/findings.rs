//! What the proof has found wrong: one diagnostic per code, with the worst place and the number of places.

use shop_geom::Point;
use shop_report::{Diagnostic, Severity};

#[derive(Clone, Debug)]
struct Finding {
    diagnostic: Diagnostic,
    weight: f64,
    count: usize,
}

/// Findings by code and severity, in the order of first appearance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Notes one place; the message of the heaviest is kept, of equals the first.
    pub fn note(
        &mut self,
        severity: Severity,
        code: &'static str,
        weight: f64,
        at: Option<Point>,
        message: impl FnOnce() -> String,
    ) {
        let found =
            self.list.iter_mut().find(|f| f.diagnostic.code == code && f.diagnostic.severity == severity);
        if let Some(f) = &found
            && f.weight >= weight
        {
            found.map(|f| f.count += 1);
            return;
        }
        let mut diagnostic = Diagnostic::new(severity, code, message());
        diagnostic.at = at.map(|p| [p.x, p.y]);
        match found {
            Some(f) => *f = Finding { diagnostic, weight, count: f.count + 1 },
            None => self.list.push(Finding { diagnostic, weight, count: 1 }),
        }
    }

    pub fn error(
        &mut self,
        code: &'static str,
        weight: f64,
        at: Option<Point>,
        message: impl FnOnce() -> String,
    ) {
        self.note(Severity::Error, code, weight, at, message);
    }

    pub fn warning(
        &mut self,
        code: &'static str,
        weight: f64,
        at: Option<Point>,
        message: impl FnOnce() -> String,
    ) {
        self.note(Severity::Warning, code, weight, at, message);
    }

    /// Returns one diagnostic per code, errors first, each with its hint.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut out: Vec<Diagnostic> =
            self.list.into_iter().map(|f| hinted(f.diagnostic.count(f.count))).collect();
        out.sort_by_key(|d| std::cmp::Reverse(d.severity));
        out
    }
}

/// Adds what to do about it.
fn hinted(d: Diagnostic) -> Diagnostic {
    let hint = match d.code {
        "proof/gouge" => {
            "check the tool's diameter and the side of the cut; --force writes the program as it is"
        }
        "proof/skin" => {
            "a smaller tool reaches narrower places; check that diameter and kerf are the real ones"
        }
        "proof/missed" => "check depth, tool and layer rules; the contour may be narrower than the tool",
        "proof/order" => "cut holes before the outline that frees their part",
        "proof/pierce" | "proof/old-kerf" => "choose another start or a longer lead",
        "proof/rapid-in-work" | "proof/plunge" => "raise the tool or switch the beam off before a rapid",
        "proof/envelope" => "move the work zero or use a larger machine",
        "proof/sheet" => "move the drawing or use a larger sheet",
        "proof/arc" => "give arcs more decimals, or write them as chords",
        "proof/no-spindle" => "switch the spindle, torch or laser on before cutting",
        "proof/no-feed" => "give a feed (F) before the first cutting move",
        "proof/tool" => "name the tool in the program (T) and its diameter in the machine's profile",
        _ => return d,
    };
    d.hint(hint)
}
