//! Style: the little of CSS that decides what is drawn and in which colour.
//!
//! Rules come from presentation attributes, then `<style>` sheets by specificity, then the `style` attribute, then
//! whatever says `!important` (CSS 2.1, 6.4). Selectors are those that drawing programs write: type, class, id,
//! `*`, lists, descendants and children; a rule with anything else is left out and counted.

use crate::Rgb;
use usvg::roxmltree::Node;

/// The rules of all style sheets of a file.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rules: Vec<Rule>,
    /// Rules with selectors that are not understood.
    pub unknown: u32,
}

#[derive(Debug)]
struct Rule {
    selector: Vec<(Join, Simple)>,
    specificity: u32,
    declarations: Vec<(String, String, bool)>,
}

/// How a part of a selector hangs on the part to its left.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Join {
    Descendant,
    Child,
}

#[derive(Debug, Default)]
struct Simple {
    tag: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
    first_child: bool,
}

impl Sheet {
    /// Adds the rules of a style sheet.
    pub fn add(&mut self, text: &str) {
        let text = without_comments(text);
        let mut rest = text.as_str();
        while let Some(open) = rest.find('{') {
            let head = rest[..open].trim();
            let (body, after) = block(&rest[open + 1..]);
            rest = after;
            let head = head.rsplit(';').next().unwrap_or(head).trim();
            if head.starts_with('@') {
                // Rules for screens count; fonts, prints and animations do not.
                if head.starts_with("@media") && (head.contains("screen") || head.contains("all")) {
                    self.add(body);
                }
                continue;
            }
            let declarations: Vec<_> = declarations(body).collect();
            for one in head.split(',') {
                match selector(one) {
                    Some((selector, specificity)) => self.rules.push(Rule {
                        selector,
                        specificity,
                        declarations: declarations
                            .iter()
                            .map(|d| (d.0.to_owned(), d.1.to_owned(), d.2))
                            .collect(),
                    }),
                    None => self.unknown += 1,
                }
            }
        }
    }

    /// Puts the rules into the order in which they apply.
    pub fn sort(&mut self) {
        self.rules.sort_by_key(|r| r.specificity);
    }

    /// Calls `with` for every declaration that applies to the node, weakest first.
    pub fn apply<'a>(&'a self, node: Node<'a, 'a>, mut with: impl FnMut(&'a str, &'a str)) {
        for a in node.attributes() {
            if a.namespace().is_none() {
                with(a.name(), a.value().trim());
            }
        }
        let matching = || self.rules.iter().filter(|r| matches(&r.selector, node));
        let mut important = false;
        for rule in matching() {
            for (name, value, urgent) in &rule.declarations {
                important |= urgent;
                with(name, value);
            }
        }
        let inline = || node.attribute("style").into_iter().flat_map(declarations);
        for (name, value, urgent) in inline() {
            important |= urgent;
            with(name, value);
        }
        if important {
            let urgent = matching().flat_map(|r| &r.declarations).filter(|d| d.2);
            urgent.for_each(|d| with(&d.0, &d.1));
            inline().filter(|d| d.2).for_each(|d| with(d.0, d.1));
        }
    }
}

/// Returns what is in the block and what follows it.
fn block(text: &str) -> (&str, &str) {
    let mut depth = 0;
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' if depth == 0 => return (&text[..i], &text[i + 1..]),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    (text, "")
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("/*") {
        out.push_str(&rest[..open]);
        rest = rest[open..].find("*/").map_or("", |close| &rest[open + close + 2..]);
    }
    out.push_str(rest);
    out.replace("<!--", " ").replace("-->", " ")
}

/// Returns names and values of a declaration list, and whether they are important.
fn declarations(text: &str) -> impl Iterator<Item = (&str, &str, bool)> {
    text.split(';').filter_map(|d| {
        let (name, value) = d.split_once(':')?;
        let value = value.trim();
        let (value, urgent) = match value.strip_suffix("important").map(str::trim_end) {
            Some(v) if v.ends_with('!') => (v[..v.len() - 1].trim_end(), true),
            _ => (value, false),
        };
        Some((name.trim(), value, urgent))
    })
}

fn selector(text: &str) -> Option<(Vec<(Join, Simple)>, u32)> {
    let mut parts = Vec::new();
    let mut specificity = 0;
    let mut join = Join::Descendant;
    for word in text.replace('>', " > ").split_ascii_whitespace() {
        if word == ">" {
            join = Join::Child;
            continue;
        }
        let mut simple = Simple::default();
        let mut rest = word;
        while !rest.is_empty() {
            let kind = rest.as_bytes()[0];
            let body = if matches!(kind, b'.' | b'#' | b':') { &rest[1..] } else { rest };
            let end = body.find(['.', '#', ':', '[', '+', '~']).unwrap_or(body.len());
            let name = &body[..end];
            rest = &body[end..];
            if name.is_empty() {
                return None;
            }
            match kind {
                b'.' => {
                    simple.classes.push(name.to_owned());
                    specificity += 100;
                }
                b'#' => {
                    simple.id = Some(name.to_owned());
                    specificity += 10_000;
                }
                b':' if name == "first-child" => {
                    simple.first_child = true;
                    specificity += 100;
                }
                b':' | b'[' | b'+' | b'~' => return None,
                _ if name == "*" => {}
                _ => {
                    simple.tag = Some(name.rsplit('|').next().unwrap_or(name).to_owned());
                    specificity += 1;
                }
            }
        }
        parts.push((join, simple));
        join = Join::Descendant;
    }
    (!parts.is_empty()).then_some((parts, specificity))
}

fn matches(selector: &[(Join, Simple)], node: Node<'_, '_>) -> bool {
    let Some(((join, last), before)) = selector.split_last() else { return true };
    if !last.fits(node) {
        return false;
    }
    if before.is_empty() {
        return true;
    }
    match join {
        Join::Child => node.parent_element().is_some_and(|p| matches(before, p)),
        // Backtracking is bounded by the depth of the tree per part; real selectors have two or three.
        Join::Descendant => node.ancestors().skip(1).filter(Node::is_element).any(|a| matches(before, a)),
    }
}

impl Simple {
    fn fits(&self, node: Node<'_, '_>) -> bool {
        self.tag.as_ref().is_none_or(|t| node.tag_name().name() == t)
            && self.id.as_ref().is_none_or(|id| node.attribute("id") == Some(id))
            && (self.classes.is_empty() || {
                let class = node.attribute("class").unwrap_or_default();
                self.classes.iter().all(|c| class.split_ascii_whitespace().any(|k| k == c))
            })
            && (!self.first_child || node.prev_sibling_element().is_none())
    }
}

/// A paint as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Paint {
    /// Nothing.
    None,
    /// A colour.
    Colour(Rgb),
    /// The `color` property.
    Current,
    /// A gradient or pattern, by id, with the colour to fall back to.
    Server(String, Option<Rgb>),
}

impl Paint {
    /// Reads a paint; `None` when it is none, which leaves the inherited one.
    pub fn parse(text: &str) -> Option<Paint> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("url(") {
            let (link, fallback) = rest.split_once(')')?;
            let id = link.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '#'));
            return Some(Paint::Server(id.to_owned(), colour(fallback.trim())));
        }
        match text {
            "none" | "transparent" => Some(Paint::None),
            "currentColor" | "currentcolor" | "context-fill" | "context-stroke" => Some(Paint::Current),
            _ => colour(text).map(Paint::Colour),
        }
    }
}

/// Reads a colour: `#rgb`, `#rrggbb` (with or without alpha), `rgb()`, `hsl()` or one of the 148 names.
pub(super) fn colour(text: &str) -> Option<Rgb> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(hex) = text.strip_prefix('#') {
        let digit = |i: usize| hex.chars().nth(i).and_then(|c| c.to_digit(16)).map(|d| d as u8);
        return match hex.len() {
            3 | 4 => Some([digit(0)? * 17, digit(1)? * 17, digit(2)? * 17]),
            6 | 8 => {
                Some([digit(0)? * 16 + digit(1)?, digit(2)? * 16 + digit(3)?, digit(4)? * 16 + digit(5)?])
            }
            _ => None,
        };
    }
    if let Some((name, rest)) = text.split_once('(') {
        let inner = rest.split(')').next()?;
        let parts: Vec<&str> =
            inner.split([',', ' ', '/']).map(str::trim).filter(|p| !p.is_empty()).collect();
        let value = |i: usize, whole: f64| -> Option<f64> {
            let p: &str = parts.get(i)?;
            let n = match p.strip_suffix('%') {
                Some(p) => p.parse::<f64>().ok()? / 100.0,
                None => p.trim_end_matches("deg").parse::<f64>().ok()? / whole,
            };
            n.is_finite().then_some(n)
        };
        let byte = |v: f64| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
        return match name.trim() {
            "rgb" | "rgba" => Some([byte(value(0, 255.0)?), byte(value(1, 255.0)?), byte(value(2, 255.0)?)]),
            "hsl" | "hsla" => {
                let (h, s, l) = (value(0, 360.0)?.rem_euclid(1.0) * 6.0, value(1, 100.0)?, value(2, 100.0)?);
                let c = (1.0 - (2.0 * l - 1.0).abs()) * s;
                let x = c * (1.0 - (h.rem_euclid(2.0) - 1.0).abs());
                let (r, g, b) = match h as u32 {
                    0 => (c, x, 0.0),
                    1 => (x, c, 0.0),
                    2 => (0.0, c, x),
                    3 => (0.0, x, c),
                    4 => (x, 0.0, c),
                    _ => (c, 0.0, x),
                };
                let m = l - c / 2.0;
                Some([byte(r + m), byte(g + m), byte(b + m)])
            }
            _ => None,
        };
    }
    let i = NAMES.binary_search_by(|(n, _)| (*n).cmp(&text)).ok()?;
    let v = NAMES[i].1;
    Some([(v >> 16) as u8, (v >> 8) as u8, v as u8])
}

/// The named colours of CSS Color 4, sorted.
const NAMES: [(&str, u32); 148] = [
    ("aliceblue", 0xf0f8ff),
    ("antiquewhite", 0xfaebd7),
    ("aqua", 0x00ffff),
    ("aquamarine", 0x7fffd4),
    ("azure", 0xf0ffff),
    ("beige", 0xf5f5dc),
    ("bisque", 0xffe4c4),
    ("black", 0x000000),
    ("blanchedalmond", 0xffebcd),
    ("blue", 0x0000ff),
    ("blueviolet", 0x8a2be2),
    ("brown", 0xa52a2a),
    ("burlywood", 0xdeb887),
    ("cadetblue", 0x5f9ea0),
    ("chartreuse", 0x7fff00),
    ("chocolate", 0xd2691e),
    ("coral", 0xff7f50),
    ("cornflowerblue", 0x6495ed),
    ("cornsilk", 0xfff8dc),
    ("crimson", 0xdc143c),
    ("cyan", 0x00ffff),
    ("darkblue", 0x00008b),
    ("darkcyan", 0x008b8b),
    ("darkgoldenrod", 0xb8860b),
    ("darkgray", 0xa9a9a9),
    ("darkgreen", 0x006400),
    ("darkgrey", 0xa9a9a9),
    ("darkkhaki", 0xbdb76b),
    ("darkmagenta", 0x8b008b),
    ("darkolivegreen", 0x556b2f),
    ("darkorange", 0xff8c00),
    ("darkorchid", 0x9932cc),
    ("darkred", 0x8b0000),
    ("darksalmon", 0xe9967a),
    ("darkseagreen", 0x8fbc8f),
    ("darkslateblue", 0x483d8b),
    ("darkslategray", 0x2f4f4f),
    ("darkslategrey", 0x2f4f4f),
    ("darkturquoise", 0x00ced1),
    ("darkviolet", 0x9400d3),
    ("deeppink", 0xff1493),
    ("deepskyblue", 0x00bfff),
    ("dimgray", 0x696969),
    ("dimgrey", 0x696969),
    ("dodgerblue", 0x1e90ff),
    ("firebrick", 0xb22222),
    ("floralwhite", 0xfffaf0),
    ("forestgreen", 0x228b22),
    ("fuchsia", 0xff00ff),
    ("gainsboro", 0xdcdcdc),
    ("ghostwhite", 0xf8f8ff),
    ("gold", 0xffd700),
    ("goldenrod", 0xdaa520),
    ("gray", 0x808080),
    ("green", 0x008000),
    ("greenyellow", 0xadff2f),
    ("grey", 0x808080),
    ("honeydew", 0xf0fff0),
    ("hotpink", 0xff69b4),
    ("indianred", 0xcd5c5c),
    ("indigo", 0x4b0082),
    ("ivory", 0xfffff0),
    ("khaki", 0xf0e68c),
    ("lavender", 0xe6e6fa),
    ("lavenderblush", 0xfff0f5),
    ("lawngreen", 0x7cfc00),
    ("lemonchiffon", 0xfffacd),
    ("lightblue", 0xadd8e6),
    ("lightcoral", 0xf08080),
    ("lightcyan", 0xe0ffff),
    ("lightgoldenrodyellow", 0xfafad2),
    ("lightgray", 0xd3d3d3),
    ("lightgreen", 0x90ee90),
    ("lightgrey", 0xd3d3d3),
    ("lightpink", 0xffb6c1),
    ("lightsalmon", 0xffa07a),
    ("lightseagreen", 0x20b2aa),
    ("lightskyblue", 0x87cefa),
    ("lightslategray", 0x778899),
    ("lightslategrey", 0x778899),
    ("lightsteelblue", 0xb0c4de),
    ("lightyellow", 0xffffe0),
    ("lime", 0x00ff00),
    ("limegreen", 0x32cd32),
    ("linen", 0xfaf0e6),
    ("magenta", 0xff00ff),
    ("maroon", 0x800000),
    ("mediumaquamarine", 0x66cdaa),
    ("mediumblue", 0x0000cd),
    ("mediumorchid", 0xba55d3),
    ("mediumpurple", 0x9370db),
    ("mediumseagreen", 0x3cb371),
    ("mediumslateblue", 0x7b68ee),
    ("mediumspringgreen", 0x00fa9a),
    ("mediumturquoise", 0x48d1cc),
    ("mediumvioletred", 0xc71585),
    ("midnightblue", 0x191970),
    ("mintcream", 0xf5fffa),
    ("mistyrose", 0xffe4e1),
    ("moccasin", 0xffe4b5),
    ("navajowhite", 0xffdead),
    ("navy", 0x000080),
    ("oldlace", 0xfdf5e6),
    ("olive", 0x808000),
    ("olivedrab", 0x6b8e23),
    ("orange", 0xffa500),
    ("orangered", 0xff4500),
    ("orchid", 0xda70d6),
    ("palegoldenrod", 0xeee8aa),
    ("palegreen", 0x98fb98),
    ("paleturquoise", 0xafeeee),
    ("palevioletred", 0xdb7093),
    ("papayawhip", 0xffefd5),
    ("peachpuff", 0xffdab9),
    ("peru", 0xcd853f),
    ("pink", 0xffc0cb),
    ("plum", 0xdda0dd),
    ("powderblue", 0xb0e0e6),
    ("purple", 0x800080),
    ("rebeccapurple", 0x663399),
    ("red", 0xff0000),
    ("rosybrown", 0xbc8f8f),
    ("royalblue", 0x4169e1),
    ("saddlebrown", 0x8b4513),
    ("salmon", 0xfa8072),
    ("sandybrown", 0xf4a460),
    ("seagreen", 0x2e8b57),
    ("seashell", 0xfff5ee),
    ("sienna", 0xa0522d),
    ("silver", 0xc0c0c0),
    ("skyblue", 0x87ceeb),
    ("slateblue", 0x6a5acd),
    ("slategray", 0x708090),
    ("slategrey", 0x708090),
    ("snow", 0xfffafa),
    ("springgreen", 0x00ff7f),
    ("steelblue", 0x4682b4),
    ("tan", 0xd2b48c),
    ("teal", 0x008080),
    ("thistle", 0xd8bfd8),
    ("tomato", 0xff6347),
    ("turquoise", 0x40e0d0),
    ("violet", 0xee82ee),
    ("wheat", 0xf5deb3),
    ("white", 0xffffff),
    ("whitesmoke", 0xf5f5f5),
    ("yellow", 0xffff00),
    ("yellowgreen", 0x9acd32),
];

#[cfg(test)]
mod tests {
    use super::*;
    use usvg::roxmltree::Document;

    fn look(css: &str, svg: &str, id: &str, property: &str) -> Option<String> {
        let doc = Document::parse(svg).unwrap();
        let mut sheet = Sheet::default();
        sheet.add(css);
        sheet.sort();
        let node = doc.descendants().find(|n| n.attribute("id") == Some(id)).unwrap();
        let mut found = None;
        sheet.apply(node, |n, v| {
            if n == property {
                found = Some(v.to_owned());
            }
        });
        found
    }

    #[test]
    fn the_stronger_rule_wins() {
        let svg = "<svg><g class='a b'><path id='p' class='x y' stroke='red' style='fill:blue'/></g></svg>";
        let check = |css, property, expected: &str| {
            assert_eq!(look(css, svg, "p", property).as_deref(), Some(expected), "{css}");
        };
        check("", "stroke", "red");
        check("path{stroke:lime}", "stroke", "lime");
        check(".x.y{stroke:lime} .x{stroke:navy} /* } */ path{stroke:teal}", "stroke", "lime");
        check("g.b > .x{stroke:lime}", "stroke", "lime");
        check("svg .x{stroke:lime} svg > .x{stroke:navy}", "stroke", "lime");
        check("#p{fill:lime}", "fill", "blue");
        check("path{fill:lime !important}", "fill", "lime");
        check("@media print{path{stroke:lime}} @font-face{a:b} .y{stroke:teal}", "stroke", "teal");
        check("path:hover{stroke:lime}", "stroke", "red");
    }

    #[test]
    fn colours_are_read_in_all_their_forms() {
        for (text, rgb) in [
            ("red", [255, 0, 0]),
            ("#F00", [255, 0, 0]),
            ("#ff0000", [255, 0, 0]),
            ("#ff0000cc", [255, 0, 0]),
            ("rgb(255, 0,0)", [255, 0, 0]),
            ("rgb(100%,0%,0%)", [255, 0, 0]),
            ("rgba(255 0 0 / 50%)", [255, 0, 0]),
            ("hsl(0, 100%, 50%)", [255, 0, 0]),
            ("RebeccaPurple", [0x66, 0x33, 0x99]),
        ] {
            assert_eq!(colour(text), Some(rgb), "{text}");
        }
        assert_eq!(colour("#12"), None);
        assert_eq!(colour("#é1"), None);
        assert_eq!(Paint::parse("url(#a) none"), Some(Paint::Server("a".into(), None)));
        assert!(NAMES.is_sorted());
    }
}
