//! A machine as the TOML that describes it whole, every key spelled out and commented, and as JSON with the same
//! keys. Reading what was written gives the same machine; a test holds that for every profile.

use super::Profile;
use super::schema::{DIALECTS, FULL_S, KINDS, OPERATIONS, PAUSES};
use serde_json::{Map, Value, json};
use shop_cam::Speed;
use shop_cam::chart::Milling;
use shop_cam::machine::{
    Controller, Cornering, Cut, LayerRule, Machine, MachineKind, Post, Printer, Process, Thumbnail, Tool,
    ToolShape, TorchControl,
};
use std::fmt::Write as _;

/// A heading with its keys: the common shape of what is written as TOML and as JSON.
struct Table {
    heading: String,
    list: bool,
    rows: Vec<Row>,
}

struct Row {
    key: &'static str,
    value: Value,
    remark: &'static str,
}

impl Table {
    fn new(heading: impl Into<String>) -> Self {
        Table { heading: heading.into(), list: false, rows: Vec::new() }
    }

    fn entry(heading: impl Into<String>) -> Self {
        Table { list: true, ..Table::new(heading) }
    }

    fn put(&mut self, key: &'static str, value: impl Into<Value>, remark: &'static str) -> &mut Self {
        self.rows.push(Row { key, value: value.into(), remark });
        self
    }

    fn number(&mut self, key: &'static str, value: f64, remark: &'static str) -> &mut Self {
        self.put(key, tidy(value), remark)
    }

    fn maybe(&mut self, key: &'static str, value: Option<f64>, remark: &'static str) -> &mut Self {
        if let Some(v) = value {
            self.number(key, v, remark);
        }
        self
    }
}

/// Percent and degrees do not come back exactly; a millionth is below anything that is set on a machine.
fn tidy(v: f64) -> Value {
    let r = (v * 1e6).round() / 1e6;
    if r.fract() == 0.0 && r.abs() < 1e15 { json!(r as i64) } else { json!(r) }
}

fn spelling<T: PartialEq + Copy>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, m)| *m == meaning).map_or("", |(w, _)| w)
}

/// Returns the profile as TOML, whole and commented; what it extends is laid in.
pub fn to_toml(profile: &Profile) -> String {
    let mut out = String::new();
    for table in tables(profile) {
        let (open, close) = if table.list { ("[[", "]]") } else { ("[", "]") };
        let gap = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{gap}{open}{}{close}", table.heading);
        for row in &table.rows {
            let line = format!("{} = {}", row.key, toml_value(&row.value));
            match row.remark {
                "" => out.push_str(&line),
                remark if line.len() < 44 => {
                    let _ = write!(out, "{line:44} # {remark}");
                }
                remark => {
                    let _ = write!(out, "# {remark}\n{line}");
                }
            }
            out.push('\n');
        }
    }
    out
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::String(s) => toml::Value::String(s.clone()).to_string(),
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns the profile as JSON: the keys of the TOML, and `name`, `origin` and `extends` in `machine`.
pub fn to_json(profile: &Profile) -> Value {
    let mut root = Map::new();
    for table in tables(profile) {
        let mut at = &mut root;
        let parts = split_heading(&table.heading);
        let (last, path) = parts.split_last().expect("every table has a heading");
        for part in path {
            let next = at.entry(part.clone()).or_insert_with(|| json!({}));
            at = next.as_object_mut().expect("headings nest in tables only");
        }
        let rows: Map<String, Value> = table.rows.into_iter().map(|r| (r.key.to_owned(), r.value)).collect();
        if table.list {
            let list = at.entry(last.clone()).or_insert_with(|| json!([]));
            list.as_array_mut().expect("a list heading is always one").push(Value::Object(rows));
        } else {
            at.insert(last.clone(), Value::Object(rows));
        }
    }
    if let Some(Value::Object(machine)) = root.get_mut("machine") {
        machine.insert("name".into(), json!(profile.machine.name));
        machine.insert("origin".into(), json!(profile.origin.to_string()));
        machine.insert("extends".into(), json!(profile.bases));
    }
    Value::Object(root)
}

/// Splits `material."odd name".cut` at its points.
fn split_heading(heading: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in heading.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c => parts.last_mut().expect("never empty").push(c),
        }
    }
    parts
}

/// Quotes a name where TOML wants it.
fn bare(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.is_empty() && name.bytes().all(plain) {
        return name.to_owned();
    }
    toml::Value::String(name.to_owned()).to_string()
}

fn tables(profile: &Profile) -> Vec<Table> {
    let m = &profile.machine;
    let mut all = vec![head(m)];
    for (axis, name) in m.axes.iter().zip(["x", "y", "z"]) {
        let mut t = Table::new(format!("axes.{name}"));
        let (low, high) = match name {
            "z" => ("lowest height, from the work zero", "highest"),
            _ => ("lowest machine coordinate", "highest"),
        };
        t.number("min_mm", axis.min, low)
            .number("max_mm", axis.max, high)
            .number("rapid_mm_per_min", axis.rapid.mm_per_min(), "")
            .number("acceleration_mm_per_s2", axis.acceleration, "")
            .maybe(
                "homing_mm_per_min",
                axis.homing.map(Speed::mm_per_min),
                "how fast it looks for its switch",
            );
        all.push(t);
    }
    let mut corners = cornering(m.cornering);
    corners.maybe("s_curve_mm_per_s3", m.s_curve, "jerk of the axes, where ramps are shaped");
    all.push(corners);
    all.push(process(m.kind, &m.process));
    all.extend(m.printer.as_ref().map(printer));
    all.extend(m.tools.iter().map(tool));
    for material in &m.materials {
        let name = bare(&material.name);
        let mut t = Table::new(format!("material.{name}"));
        t.put("source", material.source.as_str(), "where these figures come from");
        t.maybe("price_per_m2_mm", material.price_per_m2_mm, "any currency, per m² and mm of thickness");
        if let Some((_, milling)) = profile.milling.iter().find(|(n, _)| *n == material.name) {
            put_milling(&mut t, milling);
        }
        all.push(t);
        all.extend(material.cuts.iter().map(|c| cut(&format!("material.{name}.cut"), m.kind, c)));
    }
    all.extend(m.layers.iter().map(layer));
    all.push(post(&m.post));
    all.extend(controller(&m.controller));
    all
}

fn head(m: &Machine) -> Table {
    let mut t = Table::new("machine");
    t.put("title", m.title.as_str(), "")
        .put("kind", spelling(&KINDS, m.kind), "plasma, router, laser, knife or printer")
        .put("source", m.source.as_str(), "where the figures come from")
        .put("work_zero_mm", json!([tidy(m.work_zero[0]), tidy(m.work_zero[1])]), "x, y on the bed");
    t
}

fn cornering(c: Cornering) -> Table {
    let mut t = Table::new("cornering");
    match c {
        Cornering::JunctionDeviation { deviation, buffer } => t
            .number("junction_deviation_mm", deviation, "GRBL $11")
            .put("buffer_moves", buffer, "moves it looks ahead"),
        Cornering::Jerk { xy, z, buffer } => t
            .number("jerk_xy_mm_per_s", xy, "Marlin classic jerk")
            .number("jerk_z_mm_per_s", z, "")
            .put("buffer_moves", buffer, "moves it looks ahead"),
        Cornering::SquareCorner { speed, cruise_ratio } => t
            .number("square_corner_mm_per_s", speed, "Klipper square_corner_velocity")
            .number("minimum_cruise_ratio", cruise_ratio, ""),
        Cornering::Blend { tolerance } => t.number("blend_mm", tolerance, "LinuxCNC G64 P"),
    };
    t
}

fn process(kind: MachineKind, p: &Process) -> Table {
    let mut t = Table::new("process");
    t.number("safe_height_mm", p.safe_height, "travel between cuts, above the stock").number(
        "retract_height_mm",
        p.retract_height,
        "a plunge may be rapid down to here",
    );
    if p.kerf > 0.0 {
        t.number("kerf_mm", p.kerf, "width of the cut when no material says");
    }
    t.number("feed_mm_per_min", p.feed.mm_per_min(), "when neither tool nor material says").number(
        "plunge_mm_per_min",
        p.plunge.mm_per_min(),
        "",
    );
    if p.rpm > 0.0 || p.rpm_range != [0.0, 0.0] || kind == MachineKind::Router {
        t.number("spindle_rpm", p.rpm, "when neither tool nor material says")
            .number("spindle_min_rpm", p.rpm_range[0], "")
            .number("spindle_max_rpm", p.rpm_range[1], "");
    }
    t.number("spin_up_s", p.spin_up_s, "wait after M3");
    t.number("tool_change_s", p.tool_change_s, "by hand or by the machine");
    const WHO: &str = "program, probe or controller moves z";
    match p.torch {
        TorchControl::Program if kind != MachineKind::Plasma => &mut t,
        TorchControl::Program => t.put("torch", "program", WHO),
        TorchControl::Controller => t.put("torch", "controller", WHO),
        TorchControl::Probe { reach, offset, feed } => t
            .put("torch", "probe", WHO)
            .number("probe_reach_mm", reach, "how far below z = 0 it may go")
            .number("probe_offset_mm", offset, "float travel of the switch")
            .number("probe_feed_mm_per_min", feed.mm_per_min(), ""),
    };
    if kind == MachineKind::Laser || p.laser_dynamic || p.laser_full_s != FULL_S {
        t.put("laser_dynamic", p.laser_dynamic, "M4: power follows the speed").number(
            "laser_full_s",
            p.laser_full_s,
            "S word of full power",
        );
    }
    t.put("air_assist", p.air_assist, "air or coolant while cutting");
    if p.common_lines {
        t.put("common_lines", true, "one line between contours one width of the cut apart");
    }
    t
}

fn printer(p: &Printer) -> Table {
    let mut t = Table::new("printer");
    t.number("nozzle_mm", p.nozzle, "bore")
        .number("filament_mm", p.filament, "")
        .number("extruder_mm_per_s", p.extruder.mm_per_s(), "fastest filament")
        .number("extruder_acceleration_mm_per_s2", p.extruder_acceleration, "")
        .number("extruder_jerk_mm_per_s", p.extruder_jerk, "Klipper instantaneous_corner_velocity")
        .number("print_acceleration_mm_per_s2", p.print_acceleration, "M204 P")
        .number("travel_acceleration_mm_per_s2", p.travel_acceleration, "M204 T")
        .number("hotend_min_c", p.hotend_c[0], "colder, and no filament is pushed")
        .number("hotend_max_c", p.hotend_c[1], "")
        .number("bed_max_c", p.bed_most_c, "")
        .number("hotend_c_per_s", p.hotend_c_per_s, "how fast it gets warm")
        .number("bed_c_per_s", p.bed_c_per_s, "");
    if p.one_nozzle {
        t.put("one_nozzle", true, "all tools push their filament through one nozzle");
    }
    if let Some([left, front, right, back]) = p.bed {
        t.put("bed_mm", json!([right - left, back - front]), "where parts may stand").put(
            "bed_corner_mm",
            json!([left, front]),
            "its front left corner",
        );
    }
    if !p.thumbnails.is_empty() {
        let all: Vec<String> = p.thumbnails.iter().map(Thumbnail::to_string).collect();
        t.put("thumbnails", json!(all), "pictures for its screen");
    }
    t
}

fn tool(tool: &Tool) -> Table {
    let mut t = Table::new(format!("tool.{}", tool.number));
    t.put("name", tool.name.as_str(), "");
    match tool.shape {
        ToolShape::EndMill => t.put("shape", "end-mill", "end-mill, ball, vee, drill or knife"),
        ToolShape::Ball => t.put("shape", "ball", ""),
        ToolShape::Vee { angle } => {
            t.put("shape", "vee", "").number("angle_deg", angle.to_degrees(), "the full angle")
        }
        ToolShape::Drill => t.put("shape", "drill", ""),
        ToolShape::Knife { offset } => {
            t.put("shape", "knife", "").number("blade_offset_mm", offset, "axis to tip")
        }
    };
    t.number("diameter_mm", tool.diameter, "")
        .put("flutes", tool.flutes, "")
        .number("flute_length_mm", tool.flute_length, "")
        .maybe("feed_mm_per_min", tool.feed.map(Speed::mm_per_min), "stands over what the material wants")
        .maybe("plunge_mm_per_min", tool.plunge.map(Speed::mm_per_min), "")
        .maybe("spindle_rpm", tool.rpm, "")
        .maybe("step_down_mm", tool.step_down, "depth of a pass")
        .maybe("step_over_percent", tool.step_over.map(|f| f * 100.0), "of the diameter, when clearing");
    t
}

fn put_milling(t: &mut Table, m: &Milling) {
    t.number("chip_load_percent_of_diameter", m.chip_load * 100.0, "chip a tooth takes")
        .number("chip_load_max_mm", m.chip_load_max, "however large the tool is")
        .number("surface_speed_m_per_min", m.surface_speed_m_per_min, "speed of the edge")
        .number("step_down_percent_of_diameter", m.step_down * 100.0, "depth of a pass")
        .number("plunge_percent_of_feed", m.plunge * 100.0, "");
}

fn cut(heading: &str, kind: MachineKind, c: &Cut) -> Table {
    let mut t = Table::entry(heading);
    t.number("thickness_mm", c.thickness, "");
    if let Some(number) = c.number {
        t.put("number", number, "in the controller's own table (M190 P)");
    }
    if c.kerf > 0.0 {
        t.number("kerf_mm", c.kerf, "");
    }
    t.number("feed_mm_per_min", c.feed.mm_per_min(), "");
    if kind == MachineKind::Plasma || c.pierce_height > 0.0 || c.pierce_delay > 0.0 || c.cut_height > 0.0 {
        t.number("pierce_height_mm", c.pierce_height, "")
            .number("pierce_delay_s", c.pierce_delay, "")
            .number("cut_height_mm", c.cut_height, "");
    }
    if kind == MachineKind::Plasma {
        t.number("amps", c.amps, "").number("volts", c.volts, "");
    } else {
        t.number("power_percent", c.power * 100.0, "").put("passes", c.passes, "");
    }
    t
}

fn layer(rule: &LayerRule) -> Table {
    let mut t = Table::entry("layers");
    if let Some(layer) = &rule.layer {
        t.put("match", layer.as_str(), "");
    }
    if let Some([r, g, b]) = rule.colour {
        t.put("colour", format!("#{r:02x}{g:02x}{b:02x}"), "");
    }
    t.put("operation", spelling(&OPERATIONS, rule.operation), "")
        .maybe("feed_percent", rule.feed_percent, "of the normal feed")
        .maybe("depth_mm", rule.depth, "");
    if let Some(common) = rule.common_lines {
        t.put("common_lines", common, "one line between contours one width of the cut apart");
    }
    t
}

fn post(p: &Post) -> Table {
    let mut t = Table::new("post");
    t.put("extends", spelling(&DIALECTS, p.dialect), "controller family")
        .put("decimals", p.decimals, "")
        .put("line_limit", p.line_limit, "characters")
        .put("header", json!(p.header), "lines after our own first ones")
        .put("footer", json!(p.footer), "lines before our own last ones")
        .put("ending", p.ending.as_str(), "of program files");
    if !p.arcs {
        t.put("arcs", false, "G2 and G3 are not run: arcs are written as chords");
    }
    if p.repeat_motion {
        t.put("repeat_motion", true, "every line of a motion has its G word");
    }
    t
}

fn controller(c: &Controller) -> Option<Table> {
    let mut t = Table::new("controller");
    if let Some(baud) = c.baud {
        t.put("baud", baud, "");
    }
    if let Some(port) = &c.port {
        t.put("port", port.as_str(), "path, usb:VID:PID:SERIAL or tcp://host:port");
    }
    let pauses = [
        ("stop", c.stop, "M0 of a program that is sent: prompt, pass or skip"),
        ("optional_stop", c.optional_stop, "M1"),
        ("tool_change", c.tool_change, "M6"),
        ("filament_change", c.filament_change, "M600"),
    ];
    for (key, pause, note) in pauses {
        if let Some(pause) = pause {
            t.put(key, spelling(&PAUSES, pause), note);
        }
    }
    if !c.tool_change_lines.is_empty() {
        t.put("tool_change_lines", json!(c.tool_change_lines), "go in the place of M6");
    }
    (!t.rows.is_empty()).then_some(t)
}
