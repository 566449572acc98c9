//! Klipper's API socket: JSON objects, each ended by the byte 3. The program must lie in the folder of its virtual SD card.

use super::{Core, Need, Reached, Wish};
use crate::session::{Event, Failure, Identity, State, Status};
use serde_json::{Value, json};

/// What is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Hello,
    Ready,
    /// The file has to be brought.
    Bringing,
    Running,
}

/// The conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Klipper {
    stage: Stage,
    bytes: Vec<u8>,
    folder: Option<String>,
    name: String,
    next_id: u64,
    /// What was asked under which number.
    open: Vec<(u64, &'static str)>,
    course: Course,
    picture: Picture,
    /// The script that starts the print was carried out.
    started: bool,
}

/// Largest answer that is listened to, bytes.
const LONGEST: usize = 16 << 20;

/// Klipper's method that runs lines. In two parts, since our own diagnostic codes look like it and each of those is explained.
const SCRIPT: &str = concat!("gcode", "/script");

/// What Klipper puts into its messages about changes, so that they are known.
const CHANGED: &str = "changed";

/// What is asked for while a job runs, here and behind Moonraker.
pub(super) fn objects() -> Value {
    json!({
        "print_stats": ["state", "message", "filename"],
        "virtual_sdcard": ["progress", "is_active"],
        "webhooks": ["state", "state_message"],
        "toolhead": ["position", "homed_axes"],
        "gcode_move": ["gcode_position", "speed_factor", "speed"],
        "extruder": ["temperature", "target"],
        "heater_bed": ["temperature", "target"],
    })
}

/// What Klipper says of a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// Nothing was started yet, or something else is going on.
    Standby,
    Running,
    Paused,
    Complete,
    Cancelled,
    Failed(String),
    /// Klipper itself has stopped.
    Down(String),
}

/// What Klipper has said of its objects: first everything, then what changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture(Value);

impl Picture {
    /// Adds what was said; what was not asked for is left out.
    pub(super) fn add(&mut self, said: &Value) {
        for (object, fields) in objects().as_object().into_iter().flatten() {
            for field in fields.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if let Some(value) = said[object].get(field) {
                    self.0[object][field] = value.clone();
                }
            }
        }
    }

    /// Looks at all of it.
    pub(super) fn see(&self, name: &str, core: &mut Core) -> Seen {
        let part = self.0["virtual_sdcard"]["progress"].as_f64().filter(|p| (0.0..=1.0).contains(p));
        core.reached = part.map(Reached::Part).or(core.reached);
        look(&self.0, name, &mut core.status)
    }
}

/// Reads what is known of [`objects`].
fn look(found: &Value, name: &str, status: &mut Status) -> Seen {
    let three = |v: &Value| -> Option<[f64; 3]> { Some([v[0].as_f64()?, v[1].as_f64()?, v[2].as_f64()?]) };
    if let Some(at) = three(&found["toolhead"]["position"]) {
        status.machine_position_mm = Some(at);
        let work = three(&found["gcode_move"]["gcode_position"]);
        status.work_offset_mm = work.map(|w| std::array::from_fn(|i| at[i] - w[i]));
    }
    status.heaters_c.clear();
    for (object, letter) in [("extruder", "T0"), ("heater_bed", "B")] {
        let heater = &found[object];
        if let (Some(is), Some(wanted)) = (heater["temperature"].as_f64(), heater["target"].as_f64()) {
            status.heaters_c.push((letter.to_owned(), is, wanted));
        }
    }
    if let Some(factor) = found["gcode_move"]["speed_factor"].as_f64() {
        status.overrides_percent = Some([(factor * 100.0).round() as u16, 100, 100]);
    }
    let text = |v: &Value| v.as_str().unwrap_or_default().trim().to_owned();
    let host = text(&found["webhooks"]["state"]);
    if !matches!(host.as_str(), "ready" | "") {
        return Seen::Down(text(&found["webhooks"]["state_message"]));
    }
    let stats = &found["print_stats"];
    let file = text(&stats["filename"]);
    let ours = file.is_empty() || file.trim_start_matches('/') == name;
    match text(&stats["state"]).as_str() {
        "printing" if ours => Seen::Running,
        "paused" if ours => Seen::Paused,
        "complete" if ours => Seen::Complete,
        "cancelled" if ours => Seen::Cancelled,
        "error" if ours => Seen::Failed(text(&stats["message"])),
        _ => Seen::Standby,
    }
}

/// How far our job has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    /// Klipper took the start.
    pub taken: bool,
    /// It was seen running.
    seen: bool,
    /// Rounds in which it was not, since then.
    waited: u32,
    /// We want it to end.
    pub stopping: bool,
}

/// Rounds that a job may take to begin.
const PATIENCE: u32 = 40;

/// Acts on what was seen.
pub(super) fn follow(seen: Seen, course: &mut Course, core: &mut Core) {
    course.seen |= matches!(seen, Seen::Running | Seen::Paused);
    course.waited += u32::from(seen == Seen::Standby);
    match seen {
        Seen::Down(said) => return core.fail(Failure::Halted { said }),
        Seen::Failed(said) => return core.fail(Failure::Alarm { code: None, said }),
        Seen::Cancelled if course.stopping || course.seen => return core.fail(Failure::Stopped),
        Seen::Complete if course.taken || course.seen => {
            core.state(State::Idle, "");
            return core.finish();
        }
        Seen::Standby if course.stopping => return core.fail(Failure::Stopped),
        Seen::Standby if course.seen || course.waited > PATIENCE => {
            let why =
                if course.seen { "runs our program no longer" } else { "does not begin with our program" };
            return core.fail(Failure::Unsure { why: format!("Klipper {why}, and does not say why") });
        }
        Seen::Paused => core.state(State::Hold(true), "the print is paused"),
        Seen::Running => core.state(State::Run, ""),
        Seen::Standby | Seen::Complete | Seen::Cancelled => {}
    }
    let status = core.status.clone();
    core.tell(Event::Status(status));
    core.ask_again();
}

impl Klipper {
    pub(super) fn connect(&mut self, core: &mut Core) {
        let client = json!({ "client_info": { "program": "shopctl", "version": env!("CARGO_PKG_VERSION") } });
        self.ask("info", &client, core);
    }

    pub(super) fn start(&mut self, name: &str, core: &mut Core) {
        name.clone_into(&mut self.name);
        self.stage = Stage::Bringing;
        self.ask("objects/query", &json!({ "objects": { "configfile": ["settings"] } }), core);
    }

    pub(super) fn need(&self) -> Option<Need> {
        let folder = self.folder.as_ref().filter(|_| self.stage == Stage::Bringing)?;
        Some(Need::FileIn(folder.clone()))
    }

    pub(super) fn file_is_there(&mut self, core: &mut Core) {
        if self.stage != Stage::Bringing {
            return;
        }
        self.stage = Stage::Running;
        let wanted = json!({ "objects": objects(), "response_template": { "key": CHANGED } });
        self.ask("objects/subscribe", &wanted, core);
        let script = format!("SDCARD_PRINT_FILE FILENAME=\"{}\"", self.name);
        self.ask(SCRIPT, &json!({ "script": script }), core);
        core.ask_again();
    }

    pub(super) fn wish(&mut self, wish: Wish, core: &mut Core) {
        match wish {
            Wish::Hold => self.ask("pause_resume/pause", &json!({}), core),
            Wish::Resume => self.ask("pause_resume/resume", &json!({}), core),
            Wish::Feed(percent) => {
                self.ask(SCRIPT, &json!({ "script": format!("M220 S{percent}") }), core);
            }
            Wish::Stop => {
                self.course.stopping = true;
                self.ask("pause_resume/cancel", &json!({}), core);
                core.ask_again();
            }
        }
    }

    /// Asks anew for everything: whether it is still there, and whether nothing was missed.
    pub(super) fn poll(&mut self, core: &mut Core) {
        self.ask("objects/query", &json!({ "objects": objects() }), core);
    }

    fn ask(&mut self, method: &'static str, params: &Value, core: &mut Core) {
        self.next_id += 1;
        let message = json!({ "id": self.next_id, "method": method, "params": params });
        self.open.push((self.next_id, method));
        core.out.push(message.to_string().as_bytes());
        core.out.push(&[3]);
        self.note(core);
    }

    /// A script is answered when it has been carried out, which may take its time: nobody is silent over that.
    fn note(&self, core: &mut Core) {
        core.asking = self.open.iter().any(|(_, method)| *method != SCRIPT && !method.starts_with("pause"));
    }

    pub(super) fn receive(&mut self, bytes: &[u8], core: &mut Core) {
        self.bytes.extend_from_slice(bytes);
        while let Some(end) = self.bytes.iter().position(|b| *b == 3) {
            let message: Vec<u8> = self.bytes.drain(..=end).collect();
            match serde_json::from_slice::<Value>(&message[..end]) {
                Ok(message) => self.hear(&message, core),
                Err(_) => core.tell(Event::Message("(something that is no JSON)".into())),
            }
        }
        if self.bytes.len() > LONGEST {
            self.bytes.clear();
            core.fail(Failure::Unsure { why: "what answers is not Klipper".into() });
        }
    }

    fn hear(&mut self, message: &Value, core: &mut Core) {
        if message["key"] == CHANGED && !core.over {
            self.picture.add(&message["params"]["status"]);
            return self.look(core);
        }
        let id = message["id"].as_u64();
        let Some(at) = self.open.iter().position(|(open, _)| Some(*open) == id) else { return };
        let (_, method) = self.open.remove(at);
        self.note(core);
        if core.over {
            return;
        }
        if let Some(said) = message["error"]["message"].as_str() {
            return core.refuse(method, said.trim());
        }
        let result = &message["result"];
        match method {
            "info" if result["state"] == "ready" => {
                self.stage = Stage::Ready;
                core.state(State::Idle, "");
                let version = result["software_version"].as_str().unwrap_or_default();
                core.tell(Event::Ready(Identity {
                    firmware: format!("Klipper {version}"),
                    ..Identity::default()
                }));
            }
            "info" => {
                let said = result["state_message"].as_str().unwrap_or("not ready").trim().to_owned();
                core.fail(Failure::Alarm { code: None, said });
            }
            "objects/query" if self.stage == Stage::Bringing => {
                let path = result["status"]["configfile"]["settings"]["virtual_sdcard"]["path"].as_str();
                match path {
                    Some(path) => self.folder = Some(path.to_owned()),
                    None => {
                        core.refuse("virtual_sdcard", "Klipper has no [virtual_sdcard] in its configuration");
                    }
                }
            }
            "objects/subscribe" => {
                core.told = true;
                self.picture.add(&result["status"]);
                self.look(core);
            }
            "objects/query" => {
                // What was asked for after the start was taken is of our own print, not of one before.
                self.course.taken |= self.started;
                self.picture.add(&result["status"]);
                self.look(core);
            }
            SCRIPT => {
                self.started = true;
                self.poll(core);
            }
            _ => {}
        }
    }

    fn look(&mut self, core: &mut Core) {
        if self.stage == Stage::Running {
            let seen = self.picture.see(&self.name, core);
            follow(seen, &mut self.course, core);
        }
    }
}
