//! How a job lies on its machine: flags about the stock, the work zero and the controller's tools.

use crate::{Refusal, exit};
use anyhow::{Context as _, Result};
use clap::Args;
use shop_cam::machine::Machine;
use shop_gcode::{Context, Cutter};
use std::path::{Path, PathBuf};

/// What only the person at the machine knows.
#[derive(Args, Clone, Debug, Default)]
pub struct SetupArgs {
    /// Where the work zero lies in machine coordinates, mm; with z, G53 and G28 go exactly where they go
    #[arg(long, value_name = "X,Y[,Z]", value_parser = work_zero, allow_hyphen_values = true)]
    work_zero_mm: Option<WorkZero>,
    /// The controller's tool table, for G43 and G41: lines like LinuxCNC's `T1 P1 Z-20.5 D6`, mm
    #[arg(long, value_name = "FILE")]
    tool_table: Option<PathBuf>,
}

/// Size of the stock, its lower left corner and its top, mm.
#[derive(Clone, Copy, Debug)]
pub struct Stock {
    pub size: [f64; 3],
    pub corner: [f64; 2],
    pub top: f64,
}

/// Work zero in machine coordinates, mm.
#[derive(Clone, Copy, Debug)]
struct WorkZero {
    xy: [f64; 2],
    z: Option<f64>,
}

fn numbers(text: &str, apart: &[char]) -> Option<Vec<f64>> {
    text.split(apart).map(|v| v.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect()
}

/// Reads the value of `--stock-mm`.
pub fn stock(text: &str) -> Result<Stock, String> {
    let (size, place) = text.split_once('@').unwrap_or((text, "0,0"));
    let size = numbers(size, &['x', 'X']).and_then(|v| <[f64; 3]>::try_from(v).ok());
    let (corner, top) = match numbers(place, &[',']).as_deref() {
        Some([x, y]) => (Some([*x, *y]), 0.0),
        Some([x, y, top]) => (Some([*x, *y]), *top),
        _ => (None, 0.0),
    };
    match (size.filter(|s| s.iter().all(|v| *v > 0.0)), corner) {
        (Some(size), Some(corner)) => Ok(Stock { size, corner, top }),
        _ => Err(
            "say three sizes in mm, e.g. 300x200x18, 300x200x18@-150,-100, or with its top 300x200x18@0,0,18"
                .to_owned(),
        ),
    }
}

fn work_zero(text: &str) -> Result<WorkZero, String> {
    match numbers(text, &[',']).as_deref() {
        Some([x, y]) => Ok(WorkZero { xy: [*x, *y], z: None }),
        Some([x, y, z]) => Ok(WorkZero { xy: [*x, *y], z: Some(*z) }),
        _ => Err("say two or three machine coordinates in mm, e.g. 120,80 or 120,80,-45.2".to_owned()),
    }
}

impl SetupArgs {
    /// Puts the work zero of this job into the machine.
    pub fn apply(&self, machine: &mut Machine) {
        if let Some(zero) = self.work_zero_mm {
            machine.work_zero = zero.xy;
        }
    }

    /// Returns the height of the work zero in machine coordinates, mm, when it is known.
    pub fn zero_z(&self) -> Option<f64> {
        self.work_zero_mm.and_then(|w| w.z)
    }

    /// Adds what the interpreter wants to know. Errors are about the tool table: absent, unreadable, no table.
    pub fn inform(&self, context: &mut Context) -> Result<()> {
        if let Some(WorkZero { xy, z: Some(z) }) = self.work_zero_mm {
            context.machine_zero = Some([-xy[0], -xy[1], -z]);
        }
        if let Some(path) = &self.tool_table {
            context.tools = Some(tool_table(path)?);
        }
        Ok(())
    }
}

/// Reads LinuxCNC's tool table.
fn tool_table(path: &Path) -> Result<Vec<Cutter>> {
    let text = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    let mut tools = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let words = line.split(';').next().unwrap_or_default();
        if words.trim().is_empty() {
            continue;
        }
        let Some(tool) = cutter(words) else {
            let message = format!("{}:{}: this is no line of a tool table", path.display(), i + 1);
            return Err(Refusal { code: exit::INPUT, message }.into());
        };
        tools.push(tool);
    }
    Ok(tools)
}

/// Reads a line of a tool table; `None` when it is nonsense.
fn cutter(line: &str) -> Option<Cutter> {
    let mut tool = Cutter { number: 0, diameter: 0.0, offset: [0.0; 3], orientation: 0 };
    let mut named = false;
    for word in line.split_ascii_whitespace() {
        let mut letters = word.chars();
        let letter = letters.next()?.to_ascii_uppercase();
        let value: f64 = letters.as_str().parse().ok().filter(|v: &f64| v.is_finite())?;
        match letter {
            'T' => (tool.number, named) = (value as u32, true),
            'X' => tool.offset[0] = value,
            'Y' => tool.offset[1] = value,
            'Z' => tool.offset[2] = value,
            'D' => tool.diameter = value,
            'Q' => tool.orientation = value as u8,
            'P' | 'A' | 'B' | 'C' | 'U' | 'V' | 'W' | 'I' | 'J' => {}
            _ => return None,
        }
    }
    named.then_some(tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_and_zero_are_read() {
        let s = stock("300x200X18@-150,-100,18").expect("a stock");
        assert_eq!((s.size, s.corner, s.top), ([300.0, 200.0, 18.0], [-150.0, -100.0], 18.0));
        assert_eq!(stock("1x2x3").map(|s| s.top), Ok(0.0));
        for wrong in ["", "1x2", "1x2x0", "1x2x3@4", "1x2xinf", "axbxc"] {
            assert!(stock(wrong).is_err(), "{wrong}");
        }
        assert_eq!(work_zero("-10, 5,-45.5").map(|w| (w.xy, w.z)), Ok(([-10.0, 5.0], Some(-45.5))));
        assert!(work_zero("1").is_err() && work_zero("1,b").is_err());
    }

    #[test]
    fn tool_tables_are_read_line_by_line() {
        let tool = cutter("T3 P3 Z-20.5 D+6 Q2 ").expect("a tool");
        assert_eq!((tool.number, tool.diameter, tool.offset[2], tool.orientation), (3, 6.0, -20.5, 2));
        assert!(cutter("G0 X1").is_none() && cutter("Z5").is_none() && cutter("T1 Dx").is_none());
    }
}
