//! `shopctl explain`: what a code means, in a machinist's words. The texts stand in `explain.md`, which reads as a
//! reference by itself; a test holds it against every code in the sources.

use crate::profile::nearest_names;
use shop_report::Diagnostic;

const REFERENCE: &str = include_str!("explain.md");

/// Returns all codes with their texts, in the order of the reference, which is that of the codes.
pub fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts = REFERENCE.split("\n## ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).map(|(code, text)| (code.trim(), text.trim()))
}

/// Returns what a code means.
pub fn text(code: &str) -> Option<&'static str> {
    entries().find(|(c, _)| *c == code).map(|(_, text)| text)
}

/// Returns what the verb prints: the text of one code, or the list of all codes with the first sentence of each.
/// An unknown code is the user's mistake and comes back as a finding.
pub fn run(code: Option<&str>, json: bool) -> Result<String, Diagnostic> {
    let entry = |code: &str, text: &str| serde_json::json!({ "code": code, "text": text });
    let Some(code) = code else {
        if json {
            let all: Vec<_> = entries().map(|(c, text)| entry(c, text)).collect();
            return Ok(format!("{:#}\n", serde_json::Value::Array(all)));
        }
        let lines: Vec<String> =
            entries().map(|(c, text)| format!("{c:34} {}\n", first_sentence(text))).collect();
        return Ok(lines.concat());
    };
    // As it stands in a message: `error[dxf/units-missing]`.
    let code = code.trim().trim_end_matches(']');
    let code = code.rsplit('[').next().unwrap_or(code);
    if let Some(text) = text(code) {
        if json {
            return Ok(format!("{:#}\n", entry(code, text)));
        }
        return Ok(format!("{code}\n\n{text}\n"));
    }
    let codes: Vec<&str> = entries().map(|(c, _)| c).collect();
    let close = nearest_names(code, &codes, 3);
    let d = Diagnostic::error("explain/unknown-code", format!("there is no code `{code}`"));
    Err(d.hint(if close.is_empty() {
        "`shopctl explain` lists them all".to_owned()
    } else {
        format!("did you mean `{}`?", close.join("` or `"))
    }))
}

fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.find(". ") {
        Some(end) => line[..=end].to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_reference_is_in_order_and_says_something() {
        let codes: Vec<&str> = entries().map(|(c, _)| c).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for (code, text) in entries() {
            assert!(text.len() > 25 && text.ends_with('.'), "{code}: {text}");
            assert!(is_code(code), "{code}");
        }
    }

    #[test]
    fn every_code_in_the_sources_is_explained() {
        let mut unexplained: BTreeMap<String, PathBuf> = BTreeMap::new();
        for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")) {
            let source = std::fs::read_to_string(&file).expect("readable");
            for code in codes_in(&source).filter(|c| text(c).is_none()) {
                unexplained.insert(code, file.clone());
            }
        }
        assert!(unexplained.is_empty(), "write these into explain.md: {unexplained:#?}");
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                files.extend(sources(&path));
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
        files
    }

    /// Areas of codes; other strings with a slash are file names and the like.
    const AREAS: [&str; 19] = [
        "check", "cut", "dxf", "explain", "gcode", "geom", "info", "input", "job", "machine", "mesh", "mill",
        "post", "print", "proof", "send", "svg", "text", "trace",
    ];

    fn codes_in(source: &str) -> impl Iterator<Item = String> {
        // One is a type of style sheets.
        source.split('"').skip(1).filter(|s| is_code(s) && *s != "text/css").map(str::to_owned)
    }

    fn is_code(s: &str) -> bool {
        let kebab = |s: &str| {
            !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
        };
        s.split_once('/').is_some_and(|(area, what)| AREAS.contains(&area) && kebab(what))
    }

    #[test]
    fn a_code_is_found_as_it_stands_in_a_message() {
        let plain = run(Some("dxf/units-missing"), false).expect("a code");
        assert_eq!(run(Some("warning[dxf/units-missing]"), false), Ok(plain.clone()));
        assert!(plain.starts_with("dxf/units-missing\n\nThe drawing does not say"), "{plain}");
        let misspelt = ["dxf", "unit-missing"].join("/");
        let d = run(Some(&misspelt), false).expect_err("misspelt");
        assert_eq!(d.hint.as_deref(), Some("did you mean `dxf/units-missing`?"));
        assert!(run(None, false).expect("all").lines().count() > 100);
    }
}
