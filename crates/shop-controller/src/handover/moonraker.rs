//! Moonraker: the program is uploaded and started over HTTP; then the same connection becomes a websocket, on which it tells
//! what changes (JSON-RPC 2.0). Where that is not to be had, behind some proxies, it is asked again and again.

use super::klipper::{Course, Picture, follow, objects};
use super::websocket::{self, Heard, Socket};
use super::{Core, Need, Wish, http};
use crate::session::{Event, Failure, Identity, State};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ask {
    Info,
    Upload,
    Start,
    Upgrade,
    Look,
    Wish,
}

impl Ask {
    fn name(&self) -> &'static str {
        match self {
            Ask::Info => "hello",
            Ask::Upload => "the upload",
            Ask::Start => "the start",
            Ask::Upgrade | Ask::Look => "a question",
            Ask::Wish => "the request",
        }
    }
}

/// The conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Moonraker {
    reader: http::Reader,
    queue: VecDeque<(Ask, Vec<u8>)>,
    open: Option<Ask>,
    name: String,
    uploading: bool,
    course: Course,
    picture: Picture,
    /// The connection, once it is a websocket.
    socket: Option<Socket>,
    /// Numbers of questions on it, and those that are open: what each is.
    next_id: u64,
    asked: Vec<(u64, Ask)>,
    /// A ping is out.
    pinged: bool,
}

/// Bytes of the program on their way at a time.
const AHEAD: usize = 1 << 16;
/// Between the parts of the upload. A program would have to hold this line to be misread, and then it is refused.
const BOUNDARY: &str = "----shopctl-0b2f9a6e4c7d41f3";

impl Moonraker {
    pub(super) fn connect(&mut self, core: &mut Core) {
        self.ask(Ask::Info, "GET", "/printer/info", core);
    }

    pub(super) fn start(&mut self, name: &str, bytes: u64, core: &mut Core) {
        if name.contains(['"', '\r', '\n', '/', '\\']) {
            return core.refuse(name, "this is no name for a file there");
        }
        name.clone_into(&mut self.name);
        let part = upload_head(name);
        let length = part.len() as u64 + bytes + upload_tail().len() as u64;
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut request = head("POST", "/server/files/upload", &[("Content-Type", &kind)], length, core);
        request.extend(part.into_bytes());
        self.queue.push_back((Ask::Upload, request));
        self.send(core);
    }

    pub(super) fn need(&self, core: &Core) -> Option<Need> {
        let room = AHEAD.saturating_sub(core.out.len());
        (self.uploading && room > 0 && !core.over).then_some(Need::Bytes(room))
    }

    pub(super) fn end_of_bytes(&mut self, core: &mut Core) {
        if std::mem::take(&mut self.uploading) {
            core.out.push(upload_tail().as_bytes());
        }
    }

    pub(super) fn wish(&mut self, wish: Wish, core: &mut Core) {
        let feed = if let Wish::Feed(percent) = wish { format!("M220 S{percent}") } else { String::new() };
        let (method, target, params) = match wish {
            Wish::Hold => ("printer.print.pause", "/printer/print/pause".to_owned(), json!({})),
            Wish::Resume => ("printer.print.resume", "/printer/print/resume".to_owned(), json!({})),
            Wish::Feed(_) => {
                let target = format!("/printer/gcode/script?script={}", http::escaped(&feed));
                ("printer.gcode.script", target, json!({ "script": feed }))
            }
            Wish::Stop if self.uploading || self.open == Some(Ask::Upload) => {
                return core.fail(Failure::Stopped);
            }
            Wish::Stop => {
                self.course.stopping = true;
                ("printer.print.cancel", "/printer/print/cancel".to_owned(), json!({}))
            }
        };
        if self.socket.is_some() {
            self.call(Ask::Wish, method, &params, core);
        } else {
            self.ask(Ask::Wish, "POST", &target, core);
        }
    }

    /// Asks on the websocket.
    fn call(&mut self, ask: Ask, method: &str, params: &Value, core: &mut Core) {
        let Some(socket) = &mut self.socket else { return };
        self.next_id += 1;
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": self.next_id });
        core.out.push(&socket.text(&message.to_string()));
        self.asked.push((self.next_id, ask));
        self.note(core);
    }

    /// A pause or a cancel is answered when the machine has done it: nobody is silent over that.
    fn note(&self, core: &mut Core) {
        core.asking = match &self.socket {
            Some(_) => self.pinged || self.asked.iter().any(|(_, ask)| *ask != Ask::Wish),
            None => self.open.as_ref().is_some_and(|ask| *ask != Ask::Wish) && !self.uploading,
        };
    }

    pub(super) fn poll(&mut self, core: &mut Core) {
        if let Some(socket) = &mut self.socket {
            core.out.push(&socket.ping());
            self.pinged = true;
            return self.note(core);
        }
        let wanted = objects();
        let query: Vec<String> = wanted
            .as_object()
            .into_iter()
            .flatten()
            .map(|(object, fields)| {
                let fields: Vec<&str> =
                    fields.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                format!("{object}={}", fields.join(","))
            })
            .collect();
        self.ask(Ask::Look, "GET", &format!("/printer/objects/query?{}", query.join("&")), core);
    }

    fn ask(&mut self, ask: Ask, method: &str, target: &str, core: &mut Core) {
        self.queue.push_back((ask, head(method, target, &[], 0, core)));
        self.send(core);
    }

    fn send(&mut self, core: &mut Core) {
        if self.open.is_none()
            && let Some((ask, bytes)) = self.queue.pop_front()
        {
            self.uploading = ask == Ask::Upload;
            core.out.push(&bytes);
            self.open = Some(ask);
        }
        self.note(core);
    }

    pub(super) fn receive(&mut self, bytes: &[u8], core: &mut Core) {
        let mut bytes = bytes;
        loop {
            if self.socket.is_some() {
                return self.receive_frames(bytes, core);
            }
            match self.reader.feed(bytes) {
                Err(http::Nonsense) => {
                    return core.fail(Failure::Unsure { why: "what answers is not Moonraker".into() });
                }
                Ok(None) => return,
                Ok(Some(answer)) => self.hear(&answer, core),
            }
            bytes = &[];
        }
    }

    fn receive_frames(&mut self, bytes: &[u8], core: &mut Core) {
        let Some(socket) = &mut self.socket else { return };
        let rest = self.reader.take_rest();
        let heard = socket.feed(&rest).and_then(|mut heard| {
            heard.extend(socket.feed(bytes)?);
            Ok(heard)
        });
        let Ok(heard) = heard else {
            return core.fail(Failure::Unsure { why: "what answers is no websocket".into() });
        };
        for heard in heard {
            match heard {
                Heard::Message(text) => self.hear_message(&text, core),
                Heard::Ping(payload) => {
                    let pong = self.socket.as_mut().map(|s| s.pong(&payload));
                    core.out.push(&pong.unwrap_or_default());
                }
                Heard::Pong => {
                    self.pinged = false;
                    self.note(core);
                    self.look(core);
                }
                Heard::Close => core.fail(Failure::Disconnected),
            }
        }
    }

    fn hear_message(&mut self, text: &[u8], core: &mut Core) {
        let Ok(message) = serde_json::from_slice::<Value>(text) else { return };
        if core.over {
            return;
        }
        if message["method"] == "notify_status_update" {
            self.picture.add(&message["params"][0]);
            return self.look(core);
        }
        let id = message["id"].as_u64();
        let Some(at) = self.asked.iter().position(|(asked, _)| Some(*asked) == id) else { return };
        let (_, ask) = self.asked.remove(at);
        self.note(core);
        if let Some(said) = message["error"]["message"].as_str() {
            return core.refuse(ask.name(), said.trim());
        }
        if ask == Ask::Look {
            self.picture.add(&message["result"]["status"]);
            self.look(core);
        }
    }

    fn look(&mut self, core: &mut Core) {
        let seen = self.picture.see(&self.name, core);
        follow(seen, &mut self.course, core);
    }

    /// The connection is a websocket now, or stays what it was.
    fn upgraded(&mut self, answer: &http::Answer, core: &mut Core) {
        if answer.status != http::SWITCHING || answer.accept.as_deref() != Some(websocket::ACCEPT) {
            return core.ask_again();
        }
        self.socket = Some(Socket::default());
        core.told = true;
        self.call(Ask::Look, "printer.objects.subscribe", &json!({ "objects": objects() }), core);
    }

    fn hear(&mut self, answer: &http::Answer, core: &mut Core) {
        let Some(ask) = self.open.take() else { return };
        self.uploading = false;
        if core.over {
            return;
        }
        if ask == Ask::Upgrade {
            self.upgraded(answer, core);
            return self.send(core);
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !(200..300).contains(&answer.status) {
            let said = body["error"]["message"]
                .as_str()
                .map_or_else(|| format!("HTTP {}", answer.status), str::to_owned);
            return core.refuse(ask.name(), said.trim());
        }
        let result = &body["result"];
        match ask {
            Ask::Info if result["state"] == "ready" => {
                core.state(State::Idle, "");
                let version = result["software_version"].as_str().unwrap_or_default();
                let firmware = format!("Klipper {version} behind Moonraker");
                core.tell(Event::Ready(Identity { firmware, ..Identity::default() }));
            }
            Ask::Info => {
                let said = result["state_message"].as_str().unwrap_or("not ready").trim().to_owned();
                core.fail(Failure::Alarm { code: None, said });
            }
            Ask::Upload => {
                let target = format!("/printer/print/start?filename={}", http::escaped(&self.name));
                self.ask(Ask::Start, "POST", &target, core);
            }
            Ask::Start => {
                self.course.taken = true;
                let more = [
                    ("Connection", "Upgrade"),
                    ("Upgrade", "websocket"),
                    ("Sec-WebSocket-Version", "13"),
                    ("Sec-WebSocket-Key", websocket::KEY),
                ];
                self.queue.push_back((Ask::Upgrade, head("GET", "/websocket", &more, 0, core)));
            }
            Ask::Upgrade => {}
            Ask::Wish => core.ask_again(),
            Ask::Look => {
                self.picture.add(&result["status"]);
                self.look(core);
            }
        }
        self.send(core);
    }
}

fn head(method: &str, target: &str, more: &[(&str, &str)], length: u64, core: &Core) -> Vec<u8> {
    let mut fields = more.to_vec();
    if let Some(key) = &core.options.api_key {
        fields.push(("X-Api-Key", key));
    }
    http::request(method, target, &core.options.host, &fields, length)
}

fn upload_head(name: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"root\"\r\n\r\ngcodes\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
}

fn upload_tail() -> String {
    format!("\r\n--{BOUNDARY}--\r\n")
}
