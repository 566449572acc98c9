//! A TrueType font of two letters, made here so that tests need no font of the machine: H is a block of 500 by 700
//! units, O a ring of eight parabolas, 700 high. 1000 units to the em; letters advance by 600.

/// Returns the bytes of the font file.
pub fn two_letters() -> Vec<u8> {
    let block = glyph(&[&[(0, 0, true), (0, 700, true), (500, 700, true), (500, 0, true)]]);
    // Without points on the curve, those lie halfway between the ones off it.
    let ring = glyph(&[
        &[(0, 0, false), (0, 700, false), (500, 700, false), (500, 0, false)],
        &[(100, 100, false), (400, 100, false), (400, 600, false), (100, 600, false)],
    ]);
    let mut glyf = block.clone();
    glyf.extend(&ring);
    let ends = [0, 0, block.len(), glyf.len()];
    let loca = ends.iter().flat_map(|e| be16((e / 2) as i32)).collect();
    let words = |list: &[i32]| list.iter().flat_map(|w| be16(*w)).collect::<Vec<u8>>();
    // Version, checksum, magic, flags, 1000 units per em, dates, box, style, and short offsets in `loca`.
    let mut head = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x5f, 0x0f, 0x3c, 0xf5];
    head.extend(words(&[0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 700, 0, 8, 2, 0, 0]));
    let hhea = words(&[1, 0, 800, -200, 0, 600, 0, 0, 500, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
    let hmtx = words(&[600, 0, 600, 0, 600, 0]);
    let maxp = words(&[1, 0, 3, 8, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    // One table for Windows' Unicode, format 4: H, O, and the end mark.
    let mut cmap = words(&[0, 1, 3, 1, 0, 12, 4, 40, 0, 6, 4, 1, 2, 72, 79, 0xffff, 0]);
    cmap.extend(words(&[72, 79, 0xffff, 1 - 72, 2 - 79, 1, 0, 0, 0]));
    // Family and full name, both "Two".
    let mut name = words(&[0, 3, 42]);
    for id in [1, 4, 6] {
        name.extend(words(&[3, 1, 0x409, id, 6, 0]));
    }
    name.extend(words(&[84, 119, 111]));
    file(&[
        (b"cmap", cmap),
        (b"glyf", glyf),
        (b"head", head),
        (b"hhea", hhea),
        (b"hmtx", hmtx),
        (b"loca", loca),
        (b"maxp", maxp),
        (b"name", name),
    ])
}

fn be16(v: i32) -> [u8; 2] {
    (v as u16).to_be_bytes()
}

/// A simple glyph; points are x, y and whether they lie on the curve.
fn glyph(contours: &[&[(i32, i32, bool)]]) -> Vec<u8> {
    let mut out: Vec<u8> = [contours.len() as i32, 0, 0, 500, 700].into_iter().flat_map(be16).collect();
    let mut last = -1;
    for c in contours {
        last += c.len() as i32;
        out.extend(be16(last));
    }
    out.extend(be16(0));
    let points: Vec<_> = contours.iter().flat_map(|c| c.iter()).collect();
    out.extend(points.iter().map(|p| u8::from(p.2)));
    for axis in [0, 1] {
        let mut before = 0;
        for p in &points {
            let v = if axis == 0 { p.0 } else { p.1 };
            out.extend(be16(v - before));
            before = v;
        }
    }
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// The table directory and the tables, each at a multiple of four.
fn file(tables: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0, 1, 0, 0];
    out.extend([tables.len() as i32, 128, 3, 0].into_iter().flat_map(be16));
    let mut at = 12 + 16 * tables.len();
    for (tag, data) in tables {
        out.extend(*tag);
        out.extend([0; 4]);
        out.extend((at as u32).to_be_bytes());
        out.extend((data.len() as u32).to_be_bytes());
        at += data.len().next_multiple_of(4);
    }
    for (_, data) in tables {
        out.extend(data);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}
