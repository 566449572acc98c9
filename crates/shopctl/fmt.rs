//! `shopctl fmt`: tidy G-code that means the same. Words are written in capitals, numbers in their shortest form, one
//! blank between words; comments, formulas, texts and commands of the controller stay as they are. Checksums are
//! worked out anew, since they guard the text.

use crate::program;
use crate::report::{self, Colour, Sources, Style};
use crate::{exit, output};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use shop_gcode::dialect::rules;
use shop_gcode::number::Decimal;
use shop_gcode::parse::{Kind, Syntax, Token, tokens};
use std::path::PathBuf;

/// Tidy a program without changing what it means
#[derive(Args, Clone, Debug)]
pub struct FmtArgs {
    /// Program: G-code of any dialect, - for standard input
    #[arg(value_name = "PROGRAM")]
    input: PathBuf,
    /// Machine profile whose dialect it is in
    #[arg(short, long, value_name = "MACHINE")]
    machine: Option<String>,
    /// File to write (default: standard output)
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// Leave line numbers (N) out; lines with a checksum keep theirs
    #[arg(long)]
    drop_numbers: bool,
    /// Only say whether the program is tidy: exit code 4 when it is not
    #[arg(long)]
    check: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
}

/// Runs the verb; returns the exit code.
pub fn run(args: &FmtArgs) -> Result<u8> {
    let style = Style::for_stderr(args.colour);
    let text = program::open(&args.input)?;
    let mut notes = Vec::new();
    let machine = program::machine(args.machine.as_deref(), &text, style, &mut notes)?;
    if args.machine.is_none() {
        eprint!("{}", report::render(&notes, &Sources::new(), style));
    }
    let tidied = tidy(&text, rules(machine.post.dialect).syntax, args.drop_numbers);
    let same = *tidied == *text;
    let quiet = args.json && args.output.is_none();
    if !args.check && !quiet {
        output::write_whole(args.output.as_deref().unwrap_or("-".as_ref()), &tidied)?;
    }
    if args.json {
        let value = json!({
            "file": args.input.display().to_string(), "machine": machine.name, "tidy": same,
            "bytes": text.len(), "bytes_tidied": tidied.len(),
        });
        println!("{value:#}");
    } else if args.check && !same {
        eprintln!("{} is not tidy", args.input.display());
    }
    Ok(if args.check && !same { exit::CHECK } else { exit::DONE })
}

/// Returns the program tidied.
pub fn tidy(text: &[u8], syntax: Syntax, drop_numbers: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut line: Vec<Token> = Vec::new();
    for token in tokens(text, syntax) {
        match token.kind {
            Kind::ByteOrderMark => {}
            Kind::Newline => {
                write_line(text, &line, drop_numbers, &mut out);
                line.clear();
                out.push(b'\n');
            }
            _ => line.push(token),
        }
    }
    write_line(text, &line, drop_numbers, &mut out);
    if out.last().is_some_and(|b| !matches!(b, b'\n' | b'\r')) {
        out.push(b'\n');
    }
    out
}

fn write_line(text: &[u8], line: &[Token], drop_numbers: bool, out: &mut Vec<u8>) {
    let start = out.len();
    let mut deleted = false;
    let guarded = line.iter().any(|t| t.kind == Kind::Checksum);
    for (i, token) in line.iter().enumerate() {
        let raw = text[token.start..token.end].trim_ascii_end();
        let number = token.kind == Kind::Word && token.letter == b'N' && drop_numbers && !guarded;
        if number && line[..i].iter().all(|t| t.kind == Kind::BlockDelete) {
            continue;
        }
        if token.kind == Kind::Checksum {
            let sum = out[start..].iter().fold(0u8, |sum, b| sum ^ b);
            out.extend_from_slice(format!("*{sum}").as_bytes());
            continue;
        }
        // A block delete stands against its line; everything else keeps one blank away.
        if out.len() > start && !deleted {
            out.push(b' ');
        }
        deleted = token.kind == Kind::BlockDelete;
        match token.kind {
            Kind::Word => {
                out.push(token.letter);
                shortest(token.number, out);
            }
            Kind::Bare => out.push(token.letter.to_ascii_uppercase()),
            _ => out.extend_from_slice(raw),
        }
    }
}

/// Writes a number in its shortest form: no plus, no needless zeros, a digit before the point.
fn shortest(number: Decimal, out: &mut Vec<u8>) {
    let (mut mantissa, mut scale) = (number.mantissa, number.scale);
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    if mantissa < 0 {
        out.push(b'-');
    }
    let digits = mantissa.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits.as_bytes());
        return;
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = padded.split_at(padded.len() - scale);
    out.extend_from_slice(whole.as_bytes());
    out.push(b'.');
    out.extend_from_slice(part.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        String::from_utf8(tidy(text.as_bytes(), Syntax::default(), false)).expect("text")
    }

    #[test]
    fn words_are_written_alike() {
        assert_eq!(
            plain("g01x+1.500y-.5 Z 007(a  B);c \r\n\r\nm3S+00"),
            "G1 X1.5 Y-0.5 Z7 (a  B) ;c\n\nM3 S0\n"
        );
        assert_eq!(plain("/n10 g91.10"), "/N10 G91.1\n");
        assert_eq!(plain("G1 X[1+2*#3] #<a b>=4"), "G1 X[1+2*#3] #<a b>=4\n");
        let numbers = tidy(b"N10 G1 X1\n/N20 G0\n", Syntax::default(), true);
        assert_eq!(numbers, b"G1 X1\n/G0\n");
    }

    #[test]
    fn a_checksum_fits_the_tidied_line() {
        let tidied = plain("N3 G1 X1.0*85\n");
        let (body, sum) = tidied.trim_end().split_once('*').expect("a checksum");
        assert_eq!(body, "N3 G1 X1");
        assert_eq!(sum.parse::<u8>().ok(), Some(body.bytes().fold(0, |s, b| s ^ b)));
    }

    /// What a program says, without how it is written.
    fn meaning(text: &[u8]) -> Vec<(Kind, u8, f64)> {
        let all = tokens(text, Syntax::default());
        let words = all.filter(|t| !matches!(t.kind, Kind::ByteOrderMark | Kind::Checksum));
        words
            .map(|t| {
                let line_end = t.kind == Kind::Newline;
                (t.kind, if line_end { 0 } else { t.letter }, t.number.value())
            })
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_but_blanks_and_spelling_changes(text in "[gxGXM01.\\-+#\\[\\]<>()=;/%$*o \t\r\n]{0,60}") {
            let tidied = tidy(text.as_bytes(), Syntax::default(), false);
            // A last line without an end gets one, also when it is nothing but a checksum.
            let mut text = text.trim_end_matches([' ', '\t']).to_owned();
            if !tidied.is_empty() && !text.ends_with(['\n', '\r']) { text.push('\n'); }
            let (before, after) = (meaning(text.as_bytes()), meaning(&tidied));
            prop_assert_eq!(before, after);
            prop_assert_eq!(tidy(&tidied, Syntax::default(), false), tidied);
        }
    }
}
