//! `shopctl machine simulate`: a simulated machine in a process of its own, on a socket: what is left when its sender dies.
//!
//! It listens, says where on standard output, and works until it is ended by a signal. Senders come and go; the machine
//! goes on with what it was sent.

use anyhow::Context as _;
use clap::Args;
use shop_controller::sim::{Kind, Machine, Move};
use std::io::{BufWriter, ErrorKind, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Which machine, and where.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// grbl, grblhal or marlin
    #[arg(long, default_value = "grbl", value_parser = kind)]
    kind: Kind,
    /// Where to listen: host:port; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
    /// So much faster than a real one
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    sim_speed: f64,
    /// Bits per second of its wire; 0 takes no time
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
    /// Write every piece of motion to a file as it ends: `cut` or `rapid`, from, to, mm
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn kind(name: &str) -> Result<Kind, String> {
    Kind::from_name(name).ok_or_else(|| "the simulated machines are grbl, grblhal and marlin".into())
}

/// The longest time between two looks at the socket.
const GLANCE: Duration = Duration::from_millis(1);

/// Runs the verb, until a signal ends it.
pub fn run(args: &SimulateArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let listener =
        TcpListener::bind(&args.listen).with_context(|| format!("failed to listen on {}", args.listen))?;
    listener.set_nonblocking(true)?;
    writeln!(out, "tcp://{}", listener.local_addr()?)?;
    out.flush()?;
    let mut record = args
        .record
        .as_ref()
        .map(|path| std::fs::File::create(path).with_context(|| format!("failed to make {}", path.display())))
        .transpose()?
        .map(BufWriter::new);
    let options = shop_controller::sim::Options {
        baud: args.baud,
        keep_moves: record.is_some(),
        ..crate::send::simulation(args.sim_speed)
    };
    let mut machine = Machine::new(args.kind, options);
    let (begun, mut written) = (Instant::now(), 0);
    let mut guest: Option<TcpStream> = None;
    loop {
        let mut busy = false;
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            guest = Some(stream);
        }
        if let Some(stream) = &mut guest {
            match serve(stream, &mut machine, begun) {
                Ok(moved) => busy = moved,
                Err(_) => guest = None,
            }
        }
        machine.tick(begun.elapsed());
        if guest.is_none() {
            // Nobody listens: what it says is lost.
            while !machine.outbox().is_empty() {
                let count = machine.outbox().next().len();
                machine.outbox().sent(count);
            }
        }
        if let Some(file) = &mut record {
            for piece in &machine.record().moves[written..] {
                tell(piece, file)?;
            }
            written = machine.record().moves.len();
            file.flush()?;
        }
        if !busy {
            let now = begun.elapsed();
            let due = machine.deadline().map_or(GLANCE, |due| due.saturating_sub(now));
            std::thread::sleep(due.clamp(Duration::from_micros(50), GLANCE));
        }
    }
}

/// Moves bytes both ways, as far as they go; returns whether any did. An error: the guest has left.
fn serve(stream: &mut TcpStream, machine: &mut Machine, begun: Instant) -> std::io::Result<bool> {
    let mut busy = false;
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes) {
        Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => {
            machine.receive(begun.elapsed(), &bytes[..n]);
            busy = true;
        }
        Err(e) if e.kind() == ErrorKind::WouldBlock => {}
        Err(e) => return Err(e),
    }
    machine.tick(begun.elapsed());
    let outbox = machine.outbox();
    while !outbox.is_empty() {
        match stream.write(outbox.next()) {
            Ok(n) => outbox.sent(n),
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => return Err(e),
        }
        busy = true;
    }
    Ok(busy)
}

fn tell(piece: &Move, file: &mut impl Write) -> std::io::Result<()> {
    let [x, y, z, _] = piece.from_mm;
    let [to_x, to_y, to_z, to_e] = piece.to_mm;
    let way = if piece.rapid { "rapid" } else { "cut" };
    writeln!(file, "{way} {x:.4} {y:.4} {z:.4} {to_x:.4} {to_y:.4} {to_z:.4} {to_e:.4}")
}
