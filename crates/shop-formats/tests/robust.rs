//! Damaged drawings: cut short, bytes turned over, runs blanked. Whatever happens, the reader returns, the numbers
//! are finite and what it makes is no larger than its input allows.

use shop_formats::dxf::{ReadOptions, read_with_facts};
use shop_formats::facts::facts;
use shop_report::SourceId;

/// A small drawing with one of each: header, table, block, and the entities with the most involved readers.
const SMALL: &str = "  0\nSECTION\n  2\nHEADER\n  9\n$ACADVER\n  1\nAC1015\n  9\n$DWGCODEPAGE\n  3\nANSI_1252\n  9
$INSUNITS\n 70\n4\n  0\nENDSEC\n  0\nSECTION\n  2\nTABLES\n  0\nTABLE\n  2\nLAYER\n  0\nLAYER\n  2\nCUT\n 70
0\n 62\n1\n  0\nENDTAB\n  0\nENDSEC\n  0\nSECTION\n  2\nBLOCKS\n  0\nBLOCK\n  2\nB\n 10\n0\n 20\n0\n  0\nARC
 10\n0\n 20\n0\n 40\n2\n 50\n0\n 51\n90\n  0\nINSERT\n  2\nC\n 41\n2\n  0\nENDBLK\n  0\nBLOCK\n  2\nC\n  0
CIRCLE\n 10\n0\n 20\n0\n 40\n1\n  0\nENDBLK\n  0\nENDSEC\n  0\nSECTION\n  2\nENTITIES\n  0\nLINE\n  8\nCUT\n 10
0\n 20\n0\n 11\n10\n 21\n0\n  0\nLWPOLYLINE\n 90\n3\n 70\n1\n 10\n0\n 20\n0\n 42\n0.5\n 10\n5\n 20\n0\n 10\n5
 20\n5\n  0\nPOLYLINE\n 66\n1\n 70\n4\n  0\nVERTEX\n 10\n0\n 20\n0\n  0\nVERTEX\n 10\n1\n 20\n1\n  0\nSEQEND
  0\nSPLINE\n 70\n8\n 71\n2\n 72\n6\n 73\n3\n 40\n0\n 40\n0\n 40\n0\n 40\n1\n 40\n1\n 40\n1\n 10\n0\n 20\n0\n 10
1\n 20\n2\n 10\n2\n 20\n0\n  0\nELLIPSE\n 10\n0\n 20\n0\n 11\n5\n 21\n0\n 40\n0.5\n 41\n0\n 42\n3\n  0\nINSERT
  2\nB\n 66\n1\n 10\n1\n 20\n1\n 41\n1\n 42\n2\n 50\n30\n 70\n3\n 71\n2\n 44\n9\n 45\n9\n  0\nATTRIB\n 10\n0\n 20
0\n  1\n%%c5\n  0\nSEQEND\n  0\nHATCH\n 91\n1\n 92\n1\n 93\n1\n 72\n3\n 10\n0\n 20\n0\n 11\n1\n 21\n0\n 40\n0.5\n 50
0\n 51\n90\n 73\n1\n 97\n0\n 75\n0\n  0\nMTEXT\n 10\n0\n 20\n0\n  1\n{\\fA;x\\S1^2;}\\U+00D8\n  0\nENDSEC\n  0\nEOF\n";

fn survives(bytes: &[u8]) {
    let options = ReadOptions { max_points: 10_000, ..ReadOptions::default() };
    let (checked, dxf) = read_with_facts(SourceId(0), bytes, &options);
    let d = &checked.value;
    assert!(d.shapes.iter().all(|s| s.curve.is_finite() && (s.layer as usize) < d.layers.len()));
    assert!(d.shapes.len() <= 10_000 + bytes.len());
    for finding in &checked.diagnostics {
        assert!(finding.span.is_none_or(|s| s.start as usize <= bytes.len()));
    }
    let f = facts(d, Some(&dxf));
    assert!(f.length.is_finite());
}

/// A generator good enough to damage files with (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// The same drawing in binary, so that widths and zero bytes are met too.
fn binary() -> Vec<u8> {
    let mut out = b"AutoCAD Binary DXF\r\n\x1a\0".to_vec();
    let mut lines = SMALL.lines();
    while let (Some(code), Some(value)) = (lines.next(), lines.next()) {
        let code: i16 = code.trim().parse().expect("a code");
        out.extend(code.to_le_bytes());
        match code {
            10..=59 => out.extend(value.parse::<f64>().expect("a number").to_le_bytes()),
            60..=79 => out.extend(value.parse::<i16>().expect("a number").to_le_bytes()),
            90..=99 => out.extend(value.parse::<i32>().expect("a number").to_le_bytes()),
            _ => out.extend(value.bytes().chain([0])),
        }
    }
    out
}

#[test]
fn undamaged_it_is_clean() {
    for bytes in [SMALL.as_bytes(), &binary()] {
        let (checked, _) = read_with_facts(SourceId(0), bytes, &ReadOptions::default());
        assert_eq!(checked.diagnostics, []);
        assert_eq!(checked.value.shapes.len(), 5 + 12 + 1);
    }
}

#[test]
fn cut_short_anywhere() {
    for bytes in [SMALL.as_bytes(), &binary()] {
        (0..bytes.len()).for_each(|n| survives(&bytes[..n]));
        (0..bytes.len()).step_by(7).for_each(|n| survives(&bytes[n..]));
    }
}

#[test]
fn bytes_turned_over() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for bytes in [SMALL.as_bytes(), &binary()] {
        for _ in 0..2000 {
            let mut damaged = bytes.to_vec();
            for _ in 0..=random.below(8) {
                let at = random.below(damaged.len());
                match random.below(5) {
                    0 => damaged[at] ^= 1 << random.below(8),
                    1 => damaged[at] = b"0123456789-+.eE,\n\r \0\xff"[random.below(21)],
                    2 => drop(damaged.remove(at)),
                    3 => {
                        let end = (at + random.below(64)).min(damaged.len());
                        damaged[at..end].fill(0);
                    }
                    _ => {
                        let end = (at + random.below(200)).min(damaged.len());
                        let copy = damaged[at..end].to_vec();
                        damaged.splice(at..at, copy);
                    }
                }
            }
            survives(&damaged);
        }
    }
}

#[test]
fn numbers_of_unheard_of_size() {
    for (from, to) in [
        ("\n 40\n2\n", "\n 40\n1e308\n"),
        ("\n 40\n2\n", "\n 40\n-1e-308\n"),
        ("\n 41\n2\n", "\n 41\n1e200\n"),
        ("\n 10\n1\n", "\n 10\n99999999999999999999999999\n"),
        ("\n 71\n2\n 72", "\n 71\n2147483647\n 72"),
        ("\n 70\n3\n 71\n2\n 44", "\n 70\n2147483647\n 71\n2147483647\n 44"),
        ("\n 42\n0.5\n", "\n 42\n1e300\n"),
        ("\n 40\n0.5\n", "\n 40\n0\n"),
        ("\n 42\n3\n", "\n 42\n1e18\n"),
        ("\n 50\n0\n", "\n 50\n-1e300\n"),
        ("\n 11\n5\n", "\n 11\n1e-320\n"),
    ] {
        assert!(SMALL.contains(from), "{from:?}");
        survives(SMALL.replacen(from, to, 1).as_bytes());
        survives(SMALL.replace(from, to).as_bytes());
    }
}

#[test]
fn lines_without_end_and_marks_without_number() {
    for part in [
        "SEC",
        "0\nSECTION\n",
        "0\n",
        "\n",
        " ",
        "0\nENDSEC\n",
        "999\n",
        "0\nPOLYLINE\n",
        "0\nINSERT\n66\n1\n",
    ] {
        let long = part.repeat((1 << 20) / part.len());
        survives(long.as_bytes());
        survives(format!("0\nSECTION\n2\nENTITIES\n{long}").as_bytes());
    }
}
