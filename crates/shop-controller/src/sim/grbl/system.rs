//! Lines that begin with `$`.

use super::steps::Step;
use super::words::{error, number};
use super::{Grbl, State};
use crate::codes::{Kind, table};
use crate::session::Protocol;
use crate::sim::Io;

/// Bytes the firmware writes for one setting (the number and the checksum), for a text, and for everything.
const SETTING: u32 = 5;
const TEXT: u32 = 80;
const EVERYTHING: u32 = 100;

impl Grbl {
    /// Carries out a line of its own. Returns the code to answer with, or nothing if it is answered later.
    pub(super) fn system(&mut self, text: &[u8], io: &mut Io) -> Option<u32> {
        match self.command(text, io) {
            Ok(answered) => answered.then_some(0),
            Err(code) => Some(code),
        }
    }

    /// Returns whether the line is to be answered at once.
    fn command(&mut self, text: &[u8], io: &mut Io) -> Result<bool, u32> {
        match text {
            b"$" => io.say("[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]\r\n"),
            [b'$', b'J', b'=', jog @ ..] => return self.jog_line(jog, io),
            b"$$" if matches!(self.state, State::Run | State::Hold) => return Err(error::NOT_IDLE),
            b"$$" => io.say(&self.settings.report()),
            b"$G" => io.say(&format!("{}\r\n", self.modal.report())),
            b"$C" => return self.toggle_check(io),
            b"$X" => return self.unlock(io),
            [b'$', b'$' | b'G' | b'C' | b'X' | b'J', ..] => return Err(error::STATEMENT),
            _ if !matches!(self.state, State::Idle | State::Alarm) => return Err(error::NOT_IDLE),
            _ => return self.command_at_rest(text, io),
        }
        Ok(true)
    }

    fn command_at_rest(&mut self, text: &[u8], io: &mut Io) -> Result<bool, u32> {
        match text {
            b"$#" => io.say(&self.parameters()),
            b"$H" => return self.home(),
            b"$SLP" => {
                io.say("[MSG:Sleeping]\r\n");
                self.motion.drop_all();
                self.switch_off();
                // The line is answered before it sleeps.
                io.record.oks += 1;
                io.answer(io.record.lines, "ok\r\n", &mut self.asleep_until);
                self.state = State::Sleep;
                return Ok(false);
            }
            b"$I" => io.say(&self.build(false)),
            b"$I+" if self.hal => io.say(&self.build(true)),
            b"$EE" | b"$EA" if self.hal => enumerate(text[2] == b'E', io),
            [b'$', b'I', b'=', rest @ ..] => {
                self.kept.build_info = String::from_utf8_lossy(rest).into_owned();
                self.answer_after_writing(TEXT);
                return Ok(false);
            }
            [b'$', b'R', b'S', b'T', b'=', what] => return self.restore_defaults(*what, io),
            b"$N" => {
                for (i, line) in self.kept.startup.iter().enumerate() {
                    io.say(&format!("$N{i}={line}\r\n"));
                }
            }
            [b'$', b'N', which @ (b'0' | b'1'), b'=', line @ ..] => {
                return self.store_startup(usize::from(which - b'0'), line, io);
            }
            [b'$', b'#' | b'H' | b'S' | b'I' | b'R' | b'N', ..] => return Err(error::STATEMENT),
            _ => return self.set(&text[1..]),
        }
        Ok(true)
    }

    fn answer_after_writing(&mut self, bytes: u32) {
        self.steps.extend([Step::Write(bytes), Step::Answer(0)]);
    }

    /// `$110=500`
    fn set(&mut self, text: &[u8]) -> Result<bool, u32> {
        let (parameter, used) = number(text).ok_or(error::NUMBER)?;
        let rest = text[used..].strip_prefix(b"=").ok_or(error::STATEMENT)?;
        let (value, used) = number(rest).ok_or(error::NUMBER)?;
        if used < rest.len() || !(0.0..=255.0).contains(&parameter) {
            return Err(error::STATEMENT);
        }
        self.settings.write(parameter as u16, value)?;
        self.motion.set_limits(self.settings.limits());
        if parameter as u16 == 10 || parameter as u16 == 13 {
            self.cadence.offset_changed();
        }
        self.answer_after_writing(SETTING);
        Ok(false)
    }

    fn restore_defaults(&mut self, what: u8, io: &mut Io) -> Result<bool, u32> {
        if !matches!(what, b'$' | b'#' | b'*') {
            return Err(error::STATEMENT);
        }
        if what != b'#' {
            self.settings = super::Settings::default();
            self.motion.set_limits(self.settings.limits());
        }
        if what != b'$' {
            self.kept.systems.fill([0.0; 3]);
            self.kept.homes = [[0.0; 3]; 2];
            self.cadence.offset_changed();
        }
        if what == b'*' {
            self.kept.startup = [String::new(), String::new()];
            self.kept.build_info.clear();
        }
        io.say("[MSG:Restoring defaults]\r\n");
        self.answer_after_writing(EVERYTHING);
        Ok(false)
    }

    fn store_startup(&mut self, which: usize, line: &[u8], io: &mut Io) -> Result<bool, u32> {
        if self.state != State::Idle {
            return Err(error::NOT_IDLE);
        }
        // It is tried out first, and kept only if it is right.
        if !line.is_empty() {
            self.judge(line, false)?;
        }
        self.kept.startup[which] = String::from_utf8_lossy(line).into_owned();
        if !line.is_empty() {
            self.steps.push_back(Step::Startup(which));
            io.record.accept(line);
        }
        self.answer_after_writing(TEXT);
        Ok(false)
    }

    fn toggle_check(&mut self, io: &mut Io) -> Result<bool, u32> {
        match self.state {
            State::Check => {
                // It ends in a reset, after its own answer.
                io.say("[MSG:Disabled]\r\n");
                io.record.oks += 1;
                io.answer(io.record.lines, "ok\r\n", &mut self.asleep_until);
                self.state = State::Idle;
                self.start(io);
                Ok(false)
            }
            State::Idle => {
                io.say("[MSG:Enabled]\r\n");
                self.state = State::Check;
                Ok(true)
            }
            _ => Err(error::NOT_IDLE),
        }
    }

    fn unlock(&mut self, io: &mut Io) -> Result<bool, u32> {
        if self.state == State::Alarm {
            if self.door_open {
                return Err(error::DOOR);
            }
            io.say("[MSG:Caution: Unlocked]\r\n");
            self.state = State::Idle;
        }
        Ok(true)
    }

    fn jog_line(&mut self, text: &[u8], io: &mut Io) -> Result<bool, u32> {
        if !matches!(self.state, State::Idle | State::Jog) {
            return Err(error::NOT_IDLE);
        }
        let order = self.judge(text, true)?;
        let super::check::Action::Line(target) = order.action else { return Err(error::NO_AXIS_WORDS) };
        if self.is_beyond_soft_limits(target) {
            return Err(error::TRAVEL);
        }
        let [x, y, z] = target;
        let request = crate::sim::motion::Request {
            line: io.record.lines,
            target: [x, y, z, 0.0],
            feed: order.modal.feed / 60.0,
            acceleration: f64::INFINITY,
            tool_on: false,
            plain: false,
        };
        self.at = target;
        self.steps.push_back(Step::Jog(request));
        Ok(true)
    }

    fn home(&mut self) -> Result<bool, u32> {
        if !self.settings.is_on(22) {
            return Err(error::HOMING_OFF);
        }
        if self.door_open {
            return Err(error::DOOR);
        }
        self.state = State::Home;
        let seconds = self.homing_seconds();
        self.steps.extend([Step::Homing(seconds), Step::Answer(0)]);
        Ok(false)
    }

    /// Returns how long homing takes: z, then x and y together; each fast to the switch, off, slowly on again, off.
    fn homing_seconds(&self) -> f64 {
        let (feed, seek) = (self.settings.get(24).max(1.0) / 60.0, self.settings.get(25).max(1.0) / 60.0);
        let (debounce, pull_off) = (self.settings.get(26) / 1000.0, self.settings.get(27));
        let travel = self.settings.axes(130);
        let here = self.position();
        let way = |i: usize| {
            let place = here[i] + self.shift[i];
            if self.homes_to_minus(i) { place + travel[i] } else { -place }.max(0.0)
        };
        let cycle = |way: f64| (way + 2.0 * pull_off) / seek + pull_off / feed + 4.0 * debounce;
        cycle(way(2)) + cycle(way(0).max(way(1)))
    }

    fn homes_to_minus(&self, axis: usize) -> bool {
        self.settings.get(23) as u32 >> axis & 1 == 1
    }

    /// The switches are found.
    pub(super) fn homed(&mut self, io: &mut Io) -> bool {
        let (travel, pull_off) = (self.settings.axes(130), self.settings.get(27));
        let here: [f64; 3] =
            std::array::from_fn(|i| if self.homes_to_minus(i) { pull_off - travel[i] } else { -pull_off });
        self.shift = [0.0; 3];
        self.motion.place([here[0], here[1], here[2], 0.0]);
        self.sync();
        self.state = State::Idle;
        // Its start-up lines are carried out before it answers.
        for which in (0..2).rev() {
            self.steps.push_front(Step::Startup(which));
        }
        if std::mem::take(&mut self.report_wanted) {
            let text = self.status();
            io.say(&text);
        }
        true
    }
}

/// `$EE` and `$EA` of grblHAL: what its codes mean.
fn enumerate(errors: bool, io: &mut Io) {
    let (kind, word) = if errors { (Kind::Error, "ERRORCODE") } else { (Kind::Alarm, "ALARMCODE") };
    for code in table(Protocol::GrblHal, kind) {
        io.say(&format!("[{word}:{}||{}]\r\n", code.number, code.meaning));
    }
}
