//! How slicing grows: triangles from ten thousand to ten million, layers from a hundred to ten thousand.
//!
//! `cargo bench -p shop-print --bench growth` prints the table and writes `growth.svg` beside this file; `-- quick` stops
//! at a tenth of that and writes nothing. Everything runs on one thread, so that a time is work and not luck with
//! neighbours; the fastest of three counts. Bytes are those alive at once, counted by the allocator, the mesh included.
//!
//! Last figures (one thread, LTO): 10 million triangles 0.32 s and 441 MiB, 44 bytes a triangle, which is the mesh; 10,000
//! layers 0.55 s and 1.3 MiB, of which 1.0 MiB is there with a hundred. See `growth.svg`.
//!
//! What to expect: a triangle is touched when facets are sorted (24 bytes of indices and corners in, 16 out) and once in
//! every layer that cuts it; a layer costs its contours. So the lines must run beside the dotted one (cost in proportion)
//! or below it, and memory must not follow the layers at all.

use shop_geom::mesh::{Mesh, Point3};
use shop_print::Print;
use shop_print::settings::Settings;
use std::fmt::Write as _;
use std::time::Instant;

#[path = "../tests/counting.rs"]
mod counting;

/// A ribbed column with about so many triangles, mm tall.
fn column(triangles: usize, height: f64) -> Mesh {
    let sides = ((triangles as f64 / 2.0).sqrt() as u32).max(16);
    let rings = (triangles as u32 / 2 / sides).max(2);
    let mut mesh = Mesh::default();
    for k in 0..=rings {
        let up = f64::from(k) / f64::from(rings);
        for i in 0..sides {
            let turn = std::f64::consts::TAU * f64::from(i) / f64::from(sides);
            let r = 20.0 + (6.0 * turn + 3.0 * up).sin() + 0.5 * (40.0 * up).sin();
            mesh.points.push(Point3::new(r * turn.cos(), r * turn.sin(), height * up));
        }
    }
    let at = |k: u32, i: u32| k * sides + i % sides;
    for k in 0..rings {
        for i in 0..sides {
            mesh.triangles.push([at(k, i), at(k, i + 1), at(k + 1, i + 1)]);
            mesh.triangles.push([at(k, i), at(k + 1, i + 1), at(k + 1, i)]);
        }
    }
    for i in 1..sides - 1 {
        mesh.triangles.push([at(0, 0), at(0, i + 1), at(0, i)]);
        mesh.triangles.push([at(rings, 0), at(rings, i), at(rings, i + 1)]);
    }
    mesh
}

/// One row of the table.
struct Row {
    size: usize,
    seconds: f64,
    mib: f64,
}

fn measure(size: usize, triangles: usize, height: f64) -> Row {
    let mut row = Row { size, seconds: f64::INFINITY, mib: 0.0 };
    for _ in 0..3 {
        let mesh = column(triangles, height);
        let before = counting::begin() - bytes(&mesh);
        let start = Instant::now();
        let print = Print::new(mesh, Settings::default(), 1.75);
        let mut commands = 0;
        let done = print.run(
            |s| {
                let commands = s.section.commands.len();
                print.give_back(s.section);
                commands
            },
            |n| {
                commands += n;
                true
            },
        );
        assert!(done.is_some() && commands > 0, "something is laid");
        row.seconds = row.seconds.min(start.elapsed().as_secs_f64());
        row.mib = (counting::most() - before) as f64 / f64::from(1 << 20);
    }
    row
}

fn bytes(mesh: &Mesh) -> usize {
    mesh.points.capacity() * size_of::<Point3>() + mesh.triangles.capacity() * size_of::<[u32; 3]>()
}

fn main() {
    let quick = std::env::args().any(|a| a == "quick");
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("one thread");
    let most = if quick { 1_000_000 } else { 10_000_000 };
    println!("{:>12} {:>10} {:>10}", "triangles", "seconds", "MiB");
    let triangles = table(&[10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000], most, |n| {
        measure(n, n, 20.0)
    });
    println!("{:>12} {:>10} {:>10}", "layers", "seconds", "MiB");
    let layers = table(&[100, 300, 1000, 3000, 10_000], most / 1000, |n| measure(n, 20_000, 0.2 * n as f64));
    if !quick {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/growth.svg");
        std::fs::write(path, picture(&triangles, &layers)).expect("the folder of this file");
        println!("{path}");
    }
}

fn table(sizes: &[usize], most: usize, measure: impl Fn(usize) -> Row) -> Vec<Row> {
    let sizes = sizes.iter().filter(|n| **n <= most);
    sizes
        .map(|&n| {
            let row = measure(n);
            println!("{:>12} {:>10.3} {:>10.1}", row.size, row.seconds, row.mib);
            row
        })
        .collect()
}

/// Four charts, both axes of each in decades; dotted is cost in proportion.
fn picture(triangles: &[Row], layers: &[Row]) -> String {
    let mut s = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"640\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"800\" height=\"640\" fill=\"#fff\"/>\n",
    );
    for (row, (rows, what)) in [(triangles, "triangles"), (layers, "layers")].into_iter().enumerate() {
        for (column, (pick, unit)) in
            [(seconds as fn(&Row) -> f64, "seconds, one thread"), (mib, "MiB alive at once")]
                .into_iter()
                .enumerate()
        {
            let points: Vec<[f64; 2]> = rows.iter().map(|r| [r.size as f64, pick(r)]).collect();
            let corner = [400.0 * column as f64, 320.0 * row as f64];
            chart(&mut s, &points, corner, &format!("{unit}, by {what}"));
        }
    }
    s.push_str("</svg>\n");
    s
}

fn seconds(row: &Row) -> f64 {
    row.seconds
}

fn mib(row: &Row) -> f64 {
    row.mib
}

/// Draws one chart with its corner at a place.
fn chart(s: &mut String, points: &[[f64; 2]], [left, top]: [f64; 2], title: &str) {
    const SIZE: [f64; 2] = [310.0, 230.0];
    let decades = |k: usize| {
        let logs = points.iter().map(|p| p[k].log10());
        let (low, high) = logs.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        (low.floor() as i32, high.ceil() as i32)
    };
    let (across, up) = (decades(0), decades(1));
    let part = |v: f64, (low, high): (i32, i32)| (v.log10() - f64::from(low)) / f64::from(high - low);
    let x = |v: f64| left + 60.0 + part(v, across) * SIZE[0];
    let y = |v: f64| top + 40.0 + (1.0 - part(v, up)) * SIZE[1];
    let _ = writeln!(s, r#"<text x="{}" y="{}" font-weight="bold">{title}</text>"#, left + 60.0, top + 26.0);
    for decade in across.0..=across.1 {
        let value = 10f64.powi(decade);
        let (at, below) = (x(value), top + 56.0 + SIZE[1]);
        let _ = writeln!(
            s,
            r##"<path d="M{at:.1} {:.1}v{}" stroke="#ddd"/><text x="{at:.1}" y="{below}" text-anchor="middle">{}</text>"##,
            top + 40.0,
            SIZE[1],
            number(value)
        );
    }
    for decade in up.0..=up.1 {
        let value = 10f64.powi(decade);
        let at = y(value);
        let _ = writeln!(
            s,
            r##"<path d="M{:.1} {at:.1}h{}" stroke="#ddd"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"##,
            left + 60.0,
            SIZE[0],
            left + 54.0,
            at + 4.0,
            number(value)
        );
    }
    let line: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", x(p[0]), y(p[1]))).collect();
    let _ = writeln!(
        s,
        r##"<polyline points="{}" fill="none" stroke="#1f5fa8" stroke-width="2"/>"##,
        line.join(" ")
    );
    for p in points {
        let _ = writeln!(s, r##"<circle cx="{:.1}" cy="{:.1}" r="3" fill="#1f5fa8"/>"##, x(p[0]), y(p[1]));
    }
    // In proportion to the last point, as far back as the chart goes.
    let last = points[points.len() - 1];
    let from = 10f64.powi(across.0).max(last[0] * 10f64.powi(up.0) / last[1]);
    let _ = writeln!(
        s,
        r##"<path d="M{:.1} {:.1}L{:.1} {:.1}" stroke="#888" stroke-dasharray="2 4"/>"##,
        x(from),
        y(last[1] * from / last[0]),
        x(last[0]),
        y(last[1])
    );
}

fn number(v: f64) -> String {
    match v {
        v if v >= 1e6 => format!("{}M", v / 1e6),
        v if v >= 1e3 => format!("{}k", v / 1e3),
        v => format!("{v}"),
    }
}
