//! Texts of the user's own that go into the program: at its beginning and end, between layers, at a tool change.
//!
//! What stands in braces is worked out: `{layer_z}`, `{first_layer_hotend_c + 5}`, `{if layer == 1}M117 go{endif}`. Names
//! are those of all settings, and of what is only known while printing ([`NAMES`]); where other slicers have another name
//! for the same thing, that is read as well. A known name in square brackets, `[layer_z]`, is the older way to write the
//! same. Everything is tried once when the text is read, so a fault in it is told before anything is sliced.
//!
//! ```text
//! text  = { any | "{" expression "}" | "{if" e "}" text { "{elsif" e "}" text } [ "{else}" text ] "{endif}" }
//! e     = or-chain of and-chains of comparisons of sums of products of  - e | not e | ( e ) | number | "text" | name | f(e, …)
//! ```

use crate::settings::{FIELDS, Settings, Value};
use std::fmt::Write as _;
use std::sync::Arc;

/// What is known while printing, and what it is.
pub const NAMES: &[(&str, &str)] = &[
    ("layer", "number of the layer, the first is 1"),
    ("layers", "how many layers there are"),
    ("layer_z", "height of the layer's top, mm"),
    ("height", "thickness of the layer, mm"),
    ("tool", "number of the tool in use, the first is 0"),
    ("next_tool", "number of the tool that comes"),
    ("min_x", "left end of what is printed, mm"),
    ("max_x", "right end of what is printed, mm"),
    ("min_y", "front end of what is printed, mm"),
    ("max_y", "back end of what is printed, mm"),
    ("max_z", "height of what is printed, mm"),
];

/// Other names for the same, as PrusaSlicer and those who come from it have them, and what to add.
const ALIASES: &[(&str, &str, f64)] = &[
    ("layer_num", "layer", -1.0),
    ("total_layer_count", "layers", 0.0),
    ("layer_height", "layer_height_mm", 0.0),
    ("first_layer_height", "first_layer_height_mm", 0.0),
    ("temperature", "hotend_c", 0.0),
    ("nozzle_temperature", "hotend_c", 0.0),
    ("first_layer_temperature", "first_layer_hotend_c", 0.0),
    ("nozzle_temperature_initial_layer", "first_layer_hotend_c", 0.0),
    ("bed_temperature", "bed_c", 0.0),
    ("first_layer_bed_temperature", "bed_c", 0.0),
    ("bed_temperature_initial_layer_single", "bed_c", 0.0),
    ("retract_length", "retract_mm", 0.0),
    ("current_extruder", "tool", 0.0),
    ("initial_extruder", "tool", 0.0),
    ("initial_tool", "tool", 0.0),
    ("previous_extruder", "tool", 0.0),
    ("next_extruder", "next_tool", 0.0),
    ("max_layer_z", "max_z", 0.0),
];

/// Pairs of values that others have by number, x and y.
const PAIRS: &[(&str, [&str; 2])] =
    &[("first_layer_print_min", ["min_x", "min_y"]), ("first_layer_print_max", ["max_x", "max_y"])];

/// Words with a meaning of their own in expressions.
const WORDS: &[&str] = &[
    "if", "elsif", "else", "endif", "and", "or", "not", "int", "round", "floor", "ceil", "abs", "min", "max",
];

/// True when texts may use a name or a word in braces.
pub fn knows(name: &str) -> bool {
    let own = NAMES.iter().any(|n| n.0 == name) || FIELDS.iter().any(|f| f.name == name);
    own || WORDS.contains(&name) || ALIASES.iter().any(|a| a.0 == name) || PAIRS.iter().any(|p| p.0 == name)
}

/// Values of [`NAMES`], in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scene(pub [f64; 11]);

/// A text with things to be worked out in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook(Arc<str>);

impl Hook {
    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Returns the text with everything in it worked out.
    pub fn write(&self, settings: &Settings, scene: &Scene) -> String {
        // It was tried when it was read: nothing is wrong with it.
        Reader { text: &self.0, at: 0, settings, scene, depth: 0 }.all().unwrap_or_default()
    }
}

impl Value for Hook {
    fn read(text: &str) -> Result<Self, String> {
        let (settings, scene) = (Settings::default(), Scene([1.0; 11]));
        let mut reader = Reader { text, at: 0, settings: &settings, scene: &scene, depth: 0 };
        reader.all().map(|_| Hook(text.into())).map_err(|what| {
            let line = text[..reader.at.min(text.len())].lines().count().max(1);
            format!("line {line} of it: {what}")
        })
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
enum Worth {
    Number(f64),
    Text(String),
}

type Found<T> = Result<T, String>;

impl Worth {
    fn number(&self) -> Found<f64> {
        match self {
            Worth::Number(n) => Ok(*n),
            Worth::Text(t) => Err(format!("`{t}` is no number")),
        }
    }

    fn holds(&self) -> bool {
        match self {
            Worth::Number(n) => *n != 0.0,
            Worth::Text(t) => !t.is_empty(),
        }
    }

    fn shown(&self) -> String {
        match self {
            // Sums of decimals show their rounding otherwise.
            Worth::Number(n) => ((n * 1e6).round() / 1e6).to_string(),
            Worth::Text(t) => t.clone(),
        }
    }
}

/// Deeper nesting is a mistake.
const DEEPEST: u32 = 60;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    settings: &'a Settings,
    scene: &'a Scene,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn all(&mut self) -> Found<String> {
        let mut out = String::new();
        match self.piece(true, &mut out)? {
            "" => Ok(out),
            word => Err(format!("{{{word}}} stands without {{if}}")),
        }
    }

    /// Reads up to the end or to a word that ends a branch, which it returns.
    fn piece(&mut self, wanted: bool, out: &mut String) -> Found<&'static str> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        loop {
            let Some(i) = self.rest().find(['{', '[']) else {
                if wanted {
                    out.push_str(self.rest());
                }
                self.at = self.text.len();
                self.depth -= 1;
                return Ok("");
            };
            if wanted {
                out.push_str(&self.rest()[..i]);
            }
            self.at += i;
            if self.rest().starts_with('[') {
                self.bracketed(wanted, out);
                continue;
            }
            self.at += 1;
            for word in ["elsif", "else", "endif"] {
                if self.word(word) {
                    self.depth -= 1;
                    return Ok(word);
                }
            }
            if self.word("if") {
                self.branches(wanted, out)?;
            } else {
                let worth = self.either()?;
                self.close('}')?;
                if wanted {
                    out.push_str(&worth.shown());
                }
            }
        }
    }

    /// A known name in square brackets; anything else stays as it stands.
    fn bracketed(&mut self, wanted: bool, out: &mut String) {
        let rest = &self.rest()[1..];
        let name = rest.split(']').next().unwrap_or("");
        let known = if name.len() < rest.len() { self.known(name) } else { None };
        if let Some(worth) = known {
            self.at += name.len() + 2;
            if wanted {
                out.push_str(&worth.shown());
            }
        } else {
            self.at += 1;
            if wanted {
                out.push('[');
            }
        }
    }

    fn branches(&mut self, wanted: bool, out: &mut String) -> Found<()> {
        let mut open = self.either()?.holds();
        self.close('}')?;
        let mut done = open;
        loop {
            match self.piece(wanted && open, out)? {
                "elsif" => {
                    let holds = self.either()?.holds();
                    open = !done && holds;
                    done |= open;
                    self.close('}')?;
                }
                "else" => {
                    open = !done;
                    done = true;
                    self.close('}')?;
                }
                "endif" => return self.close('}'),
                _ => return Err("{endif} is missing".to_owned()),
            }
        }
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes a sign if it comes next.
    fn sign(&mut self, sign: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Takes a word if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let ends = |t: &str| !t.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let found = rest.strip_prefix(word).is_some_and(ends);
        if found {
            self.at += word.len();
        }
        found
    }

    fn close(&mut self, sign: char) -> Found<()> {
        self.blanks();
        if self.rest().starts_with(sign) {
            self.at += 1;
            Ok(())
        } else {
            Err(format!("`{sign}` is missing"))
        }
    }

    fn either(&mut self) -> Found<Worth> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.both()?;
        while self.word("or") || self.sign("||") {
            let right = self.both()?;
            left = truth(left.holds() || right.holds());
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Found<Worth> {
        let mut left = self.compared()?;
        while self.word("and") || self.sign("&&") {
            let right = self.compared()?;
            left = truth(left.holds() && right.holds());
        }
        Ok(left)
    }

    fn compared(&mut self) -> Found<Worth> {
        let left = self.sum()?;
        for sign in ["==", "!=", "<>", "<=", ">=", "<", ">"] {
            if self.sign(sign) {
                let right = self.sum()?;
                let equal = left == right;
                return Ok(truth(match sign {
                    "==" => equal,
                    "!=" | "<>" => !equal,
                    "<=" => left.number()? <= right.number()?,
                    ">=" => left.number()? >= right.number()?,
                    "<" => left.number()? < right.number()?,
                    _ => left.number()? > right.number()?,
                }));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Found<Worth> {
        let mut left = self.product()?;
        loop {
            if self.sign("+") {
                let right = self.product()?;
                left = match (&left, &right) {
                    (Worth::Number(a), Worth::Number(b)) => Worth::Number(a + b),
                    _ => Worth::Text(left.shown() + &right.shown()),
                };
            } else if self.sign("-") {
                left = Worth::Number(left.number()? - self.product()?.number()?);
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Found<Worth> {
        let mut left = self.single()?;
        loop {
            let (times, by, rest) = (self.sign("*"), self.sign("/"), self.sign("%"));
            if !times && !by && !rest {
                return Ok(left);
            }
            let (a, b) = (left.number()?, self.single()?.number()?);
            if !times && b == 0.0 {
                return Err("it divides by nothing".to_owned());
            }
            left = Worth::Number(if times {
                a * b
            } else if by {
                a / b
            } else {
                a % b
            });
        }
    }

    fn single(&mut self) -> Found<Worth> {
        if self.sign("-") {
            return Ok(Worth::Number(-self.deeper(Self::single)?.number()?));
        }
        if self.word("not") || self.sign("!") {
            return Ok(truth(!self.deeper(Self::single)?.holds()));
        }
        if self.sign("(") {
            let worth = self.either()?;
            self.close(')')?;
            return Ok(worth);
        }
        if self.sign("\"") {
            let Some(end) = self.rest().find('"') else { return Err("`\"` is missing".to_owned()) };
            let text = self.rest()[..end].to_owned();
            self.at += end + 1;
            return Ok(Worth::Text(text));
        }
        let length = |ok: fn(char) -> bool, rest: &str| rest.find(|c| !ok(c)).unwrap_or(rest.len());
        let digits = length(|c| c.is_ascii_digit() || c == '.', self.rest());
        if digits > 0 {
            let text = &self.rest()[..digits];
            self.at += digits;
            return text.parse().map(Worth::Number).map_err(|_| format!("`{text}` is no number"));
        }
        let letters = length(|c| c.is_ascii_alphanumeric() || c == '_', self.rest());
        let name = &self.rest()[..letters];
        if name.is_empty() {
            return Err("a value is missing".to_owned());
        }
        self.at += letters;
        if self.sign("(") {
            return self.function(name);
        }
        if let Some((_, pair)) = PAIRS.iter().find(|p| p.0 == name) {
            if !self.sign("[") {
                return Err(format!("`{name}` has a number, as in {name}[0]"));
            }
            let which = self.either()?.number()?;
            self.close(']')?;
            return self
                .known(pair[usize::from(which != 0.0)])
                .ok_or_else(|| format!("nobody knows what `{name}` is"));
        }
        let worth = self.known(name).ok_or_else(|| format!("nobody knows what `{name}` is"))?;
        // Other slicers have a value for each tool; here every tool has settings of its own.
        if self.sign("[") {
            self.either()?;
            self.close(']')?;
        }
        Ok(worth)
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Found<Worth>) -> Found<Worth> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let worth = read(self)?;
        self.depth -= 1;
        Ok(worth)
    }

    fn function(&mut self, name: &str) -> Found<Worth> {
        let mut values = vec![self.either()?.number()?];
        while self.sign(",") {
            values.push(self.either()?.number()?);
        }
        self.close(')')?;
        Ok(Worth::Number(match (name, &values[..]) {
            ("int", [a]) => a.trunc(),
            ("round", [a]) => a.round(),
            ("floor", [a]) => a.floor(),
            ("ceil", [a]) => a.ceil(),
            ("abs", [a]) => a.abs(),
            ("min", [a, b]) => a.min(*b),
            ("max", [a, b]) => a.max(*b),
            _ => return Err(format!("there is no {name} of {} values", values.len())),
        }))
    }

    fn known(&self, name: &str) -> Option<Worth> {
        let name = name.trim();
        if let Some(i) = NAMES.iter().position(|n| n.0 == name) {
            return Some(Worth::Number(self.scene.0[i]));
        }
        if let Some((_, ours, more)) = ALIASES.iter().find(|a| a.0 == name) {
            let Worth::Number(n) = self.known(ours)? else { return None };
            return Some(Worth::Number(n + more));
        }
        let field = FIELDS.iter().find(|f| f.name == name)?;
        let text = self.settings.get(field.name)?;
        Some(match text.parse::<f64>() {
            Ok(n) => Worth::Number(n),
            Err(_) if text == "true" || text == "false" => truth(text == "true"),
            Err(_) => Worth::Text(text),
        })
    }
}

fn truth(holds: bool) -> Worth {
    Worth::Number(f64::from(u8::from(holds)))
}

/// What happens at a height.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The printer waits for a person.
    Pause,
    /// It waits until the filament is another one.
    Colour,
    /// The nozzle has another temperature from here on, °C.
    Hotend(f64),
    /// The bed has another temperature from here on, °C.
    Bed(f64),
    /// The fan has another speed from here on, percent of what it would have.
    Fan(f64),
    /// A text is written.
    Write(Hook),
}

/// Sums of layers' heights are as near as this to the heights that people write, mm: 5 is not to come twice.
const NEAR_MM: f64 = 1e-6;

/// What happens at heights: lines, or parts between semicolons, of a height in mm and a deed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acts {
    text: Arc<str>,
    /// Sorted by height.
    list: Arc<[(f64, Act)]>,
}

impl Acts {
    /// Returns what happens before the first layer whose top is above each height: above `below`, up to `top`.
    pub fn between(&self, below: f64, top: f64) -> impl Iterator<Item = &Act> + '_ {
        let [below, top] = [below, top].map(|z| z - NEAR_MM);
        self.list.iter().filter(move |(z, _)| *z >= below && *z < top).map(|(_, act)| act)
    }

    /// Returns the share of the fan's speed below `top`; nothing when it is never changed.
    pub fn fan(&self, top: f64) -> Option<f64> {
        let fan = |(z, act): &(f64, Act)| if let Act::Fan(v) = act { Some((*z, 0.01 * v)) } else { None };
        let mut found = None;
        for (z, share) in self.list.iter().filter_map(fan) {
            found = Some(if z < top - NEAR_MM { share } else { found.unwrap_or(1.0) });
        }
        found
    }
}

impl Value for Acts {
    fn read(text: &str) -> Result<Self, String> {
        let mut list = Vec::new();
        for part in text.split(['\n', ';']).map(str::trim).filter(|p| !p.is_empty()) {
            let wanted = || {
                format!(
                    "`{part}`: a height and one of pause, colour, hotend °C, bed °C, fan %, write TEXT is wanted"
                )
            };
            let (height, deed) = part.split_once(char::is_whitespace).ok_or_else(wanted)?;
            let z = height.parse::<f64>().ok().filter(|z| z.is_finite() && *z >= 0.0).ok_or_else(wanted)?;
            let (word, rest) = deed.trim().split_once(char::is_whitespace).unwrap_or((deed.trim(), ""));
            let number = || rest.trim().parse::<f64>().ok().filter(|v| (0.0..=1000.0).contains(v));
            let act = match word {
                "pause" if rest.is_empty() => Act::Pause,
                "colour" | "color" if rest.is_empty() => Act::Colour,
                "hotend" => Act::Hotend(number().ok_or_else(wanted)?),
                "bed" => Act::Bed(number().ok_or_else(wanted)?),
                "fan" => Act::Fan(number().ok_or_else(wanted)?),
                "write" => Act::Write(Hook::read(rest)?),
                _ => return Err(wanted()),
            };
            list.push((z, act));
        }
        list.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Acts { text: text.into(), list: list.into() })
    }

    fn show(&self) -> String {
        self.text.to_string()
    }
}

/// Returns all names with what they are, for people.
pub fn names() -> String {
    let mut out = String::new();
    for (name, doc) in NAMES {
        let _ = writeln!(out, "{{{name}}}: {doc}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facets::Levels;

    fn written(text: &str) -> Result<String, String> {
        let mut scene = Scene::default();
        (scene.0[0], scene.0[1], scene.0[2]) = (7.0, 100.0, 1.4);
        Hook::read(text).map(|h| h.write(&Settings::default(), &scene))
    }

    #[test]
    fn what_stands_in_braces_is_worked_out() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("M104 S{hotend_c}", "M104 S210"),
            ("{first_layer_hotend_c + 5} {-layer * 2}", "220 -14"),
            ("{layer_z} {0.1 + 0.2}", "1.4 0.3"),
            ("[layer_z] [unknown] [", "1.4 [unknown] ["),
            ("{layer_num} {layer_num[0]}", "6 6"),
            ("{if layer == 7}a{else}b{endif}c", "ac"),
            ("{if layer < 7}a{elsif layer_z > 1}b{if supports}x{endif}{else}c{endif}", "b"),
            ("{if layer > 5 and not (layers == 100)}a{endif}-", "-"),
            ("{if seam == \"aligned\"}same{endif}", "same"),
            ("{max(layer, 9) / 2 + int(2.9)} {10 % 4}", "6.5 2"),
            ("{\"a\" + layer}", "a7"),
            ("{first_layer_print_max[1] - first_layer_print_min[0]}", "0"),
        ] {
            assert_eq!(written(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn faults_are_told_when_it_is_read() {
        for text in [
            "{nothing}",
            "{layer",
            "{if layer}",
            "{endif}",
            "{1 +}",
            "{(1}",
            "{seam * 2}",
            "{1 / 0}",
            "{f(1)}",
            "{\"a",
            "{first_layer_print_min}",
        ] {
            assert!(written(text).is_err(), "{text}");
        }
        assert!(written("a\nb {nothing}").is_err_and(|e| e.starts_with("line 2")));
        assert!(written(&"{(".repeat(100_000)).is_err());
        assert!(written(&format!("{{{}1}}", "-".repeat(100_000))).is_err());
        assert!(written(&"{if 1}".repeat(100_000)).is_err());
    }

    #[test]
    fn heights_have_their_deeds() {
        let acts = Acts::read("12 pause; 3.4 hotend 205\n 8 colour;;0 write M117 {layer}").expect("sound");
        let at = |below: f64, top: f64| acts.between(below, top).cloned().collect::<Vec<_>>();
        assert_eq!(at(3.2, 3.4), []);
        assert_eq!(at(3.4, 3.6), [Act::Hotend(205.0)]);
        assert_eq!(at(7.0, 20.0), [Act::Colour, Act::Pause]);
        for bad in
            ["pause", "3", "3 dance", "3 hotend", "-1 pause", "3 hotend 9999", "3 write {x}", "3 pause x"]
        {
            assert!(Acts::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn deeds_come_once_before_the_layer_that_goes_beyond_their_height() {
        // Bottoms of layers are tops of those below them but for the last digits of floating point.
        let levels = Levels::even(60.0, 0.2, 0.2);
        for k in 1..299 {
            let z = f64::from(k) / 5.0;
            let acts = Acts::read(&format!("{z} pause; {z} fan 50")).expect("sound");
            for layer in 0..levels.len() {
                let (top, height) = (levels.top(layer), levels.height(layer));
                let count = acts.between(top - height, top).count();
                assert_eq!(count, if layer == k as usize { 2 } else { 0 }, "{z} at {top}");
                let share = if layer < k as usize { 1.0 } else { 0.5 };
                assert_eq!(acts.fan(top), Some(share), "{z} at {top}");
            }
        }
    }
}
