//! `shopctl machine decode`: what a controller means, without one.

use crate::exit;
use crate::send::Words;
use clap::Args;
use serde_json::json;
use shop_controller::codes::{self, Code, Decoded, Kind};
use shop_controller::session::Protocol;
use std::io::Write;

/// What was said, and by whom.
#[derive(Args, Clone, Debug)]
pub struct DecodeArgs {
    /// What the controller said: error:22, ALARM:1, 22, or its words; without it, all codes are listed
    #[arg(value_name = "SAID")]
    said: Vec<String>,
    /// Which family the controller is of
    #[arg(long, value_enum, default_value = "grbl")]
    dialect: Words,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: &DecodeArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let protocol = args.dialect.protocol().unwrap_or(Protocol::Grbl);
    let found = if args.said.is_empty() {
        all(protocol)
    } else {
        let said = args.said.join(" ");
        let Some(decoded) = codes::decode(protocol, &said) else {
            eprintln!("error: nobody knows what `{said}` means to this controller");
            eprintln!("  = hint: name its family with --dialect; without a code all are listed");
            return Ok(exit::INPUT);
        };
        vec![decoded]
    };
    if args.json {
        let list: Vec<_> = found.iter().map(as_json).collect();
        writeln!(out, "{:#}", serde_json::Value::Array(list))?;
    } else {
        for decoded in found {
            match decoded.code {
                Some((Kind::Error, n)) => write!(out, "error {n}: ")?,
                Some((Kind::Alarm, n)) => write!(out, "alarm {n}: ")?,
                None => {}
            }
            writeln!(out, "{}\n    {}", decoded.meaning, decoded.advice)?;
        }
    }
    Ok(exit::DONE)
}

fn all(protocol: Protocol) -> Vec<Decoded> {
    let decoded =
        |kind: Kind, c: &Code| Decoded { code: Some((kind, c.number)), meaning: c.meaning, advice: c.advice };
    let errors = codes::table(protocol, Kind::Error).into_iter().map(|c| decoded(Kind::Error, c));
    let alarms = codes::table(protocol, Kind::Alarm).into_iter().map(|c| decoded(Kind::Alarm, c));
    let texts = codes::texts(protocol);
    let texts = texts.into_iter().map(|t| Decoded { code: None, meaning: t.meaning, advice: t.advice });
    errors.chain(alarms).chain(texts).collect()
}

fn as_json(decoded: &Decoded) -> serde_json::Value {
    let kind = decoded.code.map(|(kind, _)| if kind == Kind::Error { "error" } else { "alarm" });
    json!({
        "kind": kind,
        "code": decoded.code.map(|(_, n)| n),
        "meaning": decoded.meaning,
        "advice": decoded.advice,
    })
}
