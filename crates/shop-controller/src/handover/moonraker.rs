//! Moonraker: the program is uploaded and started over HTTP, and followed by asking. One connection, one request at a time.
//!
//! NOTE: its websocket would tell changes by itself; asking four times a second tells a job as well and needs no second
//! protocol on the wire.

use super::klipper::{Course, follow, look, objects};
use super::{Core, Need, Wish, http};
use crate::session::{Event, Failure, Identity, State};
use serde_json::Value;
use std::collections::VecDeque;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ask {
    Info,
    Upload,
    Start,
    Look,
    Wish,
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
        match wish {
            Wish::Hold => self.ask(Ask::Wish, "POST", "/printer/print/pause", core),
            Wish::Resume => self.ask(Ask::Wish, "POST", "/printer/print/resume", core),
            Wish::Feed(percent) => {
                let target = format!("/printer/gcode/script?script=M220%20S{percent}");
                self.ask(Ask::Wish, "POST", &target, core);
            }
            Wish::Stop if self.uploading || self.open == Some(Ask::Upload) => core.fail(Failure::Stopped),
            Wish::Stop => {
                self.course.stopping = true;
                self.ask(Ask::Wish, "POST", "/printer/print/cancel", core);
            }
        }
    }

    pub(super) fn poll(&mut self, core: &mut Core) {
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
        // A pause or a cancel is answered when the machine has done it.
        core.asking = self.open.as_ref().is_some_and(|ask| *ask != Ask::Wish) && !self.uploading;
    }

    pub(super) fn receive(&mut self, bytes: &[u8], core: &mut Core) {
        let mut bytes = bytes;
        loop {
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

    fn hear(&mut self, answer: &http::Answer, core: &mut Core) {
        let Some(ask) = self.open.take() else { return };
        self.uploading = false;
        if core.over {
            return;
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !(200..300).contains(&answer.status) {
            let said = body["error"]["message"]
                .as_str()
                .map_or_else(|| format!("HTTP {}", answer.status), str::to_owned);
            let text = match ask {
                Ask::Info => "hello",
                Ask::Upload => "the upload",
                Ask::Start => "the start",
                Ask::Look => "a question",
                Ask::Wish => "the request",
            };
            return core.refuse(text, said.trim());
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
                core.ask_again();
            }
            Ask::Wish => core.ask_again(),
            Ask::Look => {
                let seen = look(&result["status"], &self.name, &mut core.status);
                follow(seen, &mut self.course, core);
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
