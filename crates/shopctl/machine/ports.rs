//! `shopctl machine ports`: which ports there are, and who answers on them.

use super::live::usage;
use crate::exit;
use crate::send::connect::{self, Wanted};
use crate::send::operator::Operator;
use crate::send::outcome::Outcome;
use crate::send::screen::Screen;
use crate::send::{self, Words};
use clap::Args;
use serde_json::json;
use shop_controller::session::{Identity, Options};
use shop_controller::transport::{self, Address, Bell, Found};
use std::io::Write;
use std::time::Duration;

/// Which ports, and how.
#[derive(Args, Clone, Debug)]
pub struct PortsArgs {
    /// Do not ask who is there: open no port
    #[arg(long)]
    no_ask: bool,
    /// Look at this port only
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Serial speed to ask at
    #[arg(long, value_name = "BAUD", default_value_t = send::BAUD)]
    baud: u32,
    /// Protocol to ask in
    #[arg(long, value_enum, default_value_t)]
    protocol: Words,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// How long a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// Runs the verb. Ports are asked at the same time; a board that restarts when it is opened takes seconds to answer.
pub fn run(args: &PortsArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let ports = match &args.port {
        None => transport::ports(),
        Some(port) => vec![Found { path: port.clone(), usb: None, product: None }],
    };
    // Serial ports of the mainboard may be anybody's: they are listed, and asked only by name.
    let asks = |p: &Found| !args.no_ask && (p.usb.is_some() || args.port.is_some());
    let answers: Vec<Option<Result<Identity, Outcome>>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            ports.iter().map(|p| asks(p).then(|| scope.spawn(|| ask(&p.path, args)))).collect();
        let joined = threads.into_iter().map(|t| t.map(|t| t.join().unwrap_or_else(|_| Err(usage("fault")))));
        joined.collect()
    });
    if args.json {
        let list: Vec<_> = ports.iter().zip(&answers).map(|(p, a)| as_json(p, a.as_ref())).collect();
        writeln!(out, "{:#}", serde_json::Value::Array(list))?;
        return Ok(exit::DONE);
    }
    if ports.is_empty() {
        eprintln!(
            "no serial port is here; sim:grbl, sim:grblhal and sim:marlin are machines without hardware"
        );
    }
    let mut rows = vec![["PORT", "IDENTITY", "PRODUCT", "CONTROLLER"].map(str::to_owned)];
    for (port, answer) in ports.iter().zip(&answers) {
        let dash = || "-".to_owned();
        rows.push([
            port.path.clone(),
            port.usb.as_ref().map_or_else(dash, ToString::to_string),
            port.product.clone().unwrap_or_else(dash),
            match answer {
                None => dash(),
                Some(Ok(identity)) => identity.firmware.clone(),
                Some(Err(outcome)) => format!("({})", outcome.text),
            },
        ]);
    }
    if rows.len() > 1 {
        out.write_all(super::table(&rows).as_bytes())?;
    }
    Ok(exit::DONE)
}

fn ask(port: &str, args: &PortsArgs) -> Result<Identity, Outcome> {
    let fault = |e: std::io::Error| Outcome::other(exit::INTERNAL, "internal", e.to_string());
    let mut bell = Bell::new().map_err(fault)?;
    let operator = Operator::listen(&mut bell, false).map_err(fault)?;
    let wanted = Wanted {
        address: Address::parse(port).map_err(|e| usage(e.to_string()))?,
        baud: args.baud,
        protocol: args.protocol.protocol(),
        options: Options { connect: PATIENCE, read_settings: false, ..Options::default() },
        simulation: send::simulation(1.0),
    };
    let link = connect::connect(&wanted, bell, &operator, &mut Screen::new(false, true), None)?;
    Ok(link.identity)
}

fn as_json(port: &Found, answer: Option<&Result<Identity, Outcome>>) -> serde_json::Value {
    let mut value = json!({
        "port": port.path,
        "identity": port.usb.as_ref().map(ToString::to_string),
        "product": port.product,
    });
    match answer {
        Some(Ok(identity)) => {
            value["firmware"] = identity.firmware.as_str().into();
            value["protocol"] = identity.protocol.map(connect::protocol_name).into();
            value["receive_bytes"] = identity.receive_bytes.into();
            value["planner_blocks"] = identity.planner_blocks.into();
        }
        Some(Err(outcome)) => value["error"] = outcome.text.as_str().into(),
        None => {}
    }
    value
}
