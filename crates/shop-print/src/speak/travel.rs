//! Ways between roads: filament pulled back and pushed again, wiping, lifting, and being led inside the part.

use super::{Speaker, Walk};
use shop_cam::canon::Command;
use shop_geom::planar::{PER_MM, Spot};

/// Filament is pulled back before longer ways between supports: on them it would be missing where the next road begins, mm.
const BETWEEN_SUPPORTS_MM: f64 = 6.0;

impl Speaker<'_> {
    /// True when filament is pulled back before so long a way.
    pub(super) fn retracts(&self, far_mm: f64) -> bool {
        let s = &self.job.settings;
        let wanted = s.retract_mm > 0.0 || s.firmware_retract;
        wanted
            && far_mm.is_finite()
            && (far_mm >= s.retract_least_travel_mm || self.rise && s.retract_at_layer || self.over.is_some())
    }

    /// Goes to where a road begins; both ends of the way may lie in supports.
    pub(super) fn travel(&mut self, to: Spot, between_supports: bool) {
        let far = self.at.map_or(f64::INFINITY, |at| at.distance(to) / PER_MM);
        if far == 0.0 && !self.rise {
            return;
        }
        let s = &self.job.settings;
        let inside = s.comb && self.over.is_none() && far.is_finite() && self.led(to);
        let parked = std::mem::take(&mut self.parked);
        let stays = inside && !(self.rise && s.retract_at_layer) && self.led_mm(to) < s.comb_retract_mm;
        let stays = stays || between_supports && self.passes_by(to, far);
        let retract = !parked && self.retracts(far) && !stays;
        if retract {
            self.retract();
            self.used.retractions += 1;
        }
        let over = self.over.take().map_or(0.0, |z| z - self.z);
        let hop = over.max(if retract || parked { s.z_hop_mm } else { 0.0 });
        let mut target = self.position(to);
        target[2] += hop;
        self.feed(s.travel_mm_per_s);
        if hop > 0.0
            && let Some(at) = self.at
        {
            let mut up = self.position(at);
            up[2] += hop;
            self.commands.push(Command::Line { to: up });
        }
        if inside {
            for i in 0..self.way.len() {
                let spot = self.way[i];
                let mut through = self.position(spot);
                through[2] += hop;
                self.commands.push(Command::Line { to: through });
                self.used.travel_mm += self.at.map_or(0.0, |at| at.distance(spot) / PER_MM);
                self.at = Some(spot);
            }
        }
        self.commands.push(Command::Line { to: target });
        if hop > 0.0 {
            self.commands.push(Command::Line { to: self.position(to) });
        }
        if retract {
            let speed = if s.recover_mm_per_s > 0.0 { s.recover_mm_per_s } else { s.retract_mm_per_s };
            self.filament(s.retract_mm + s.recover_extra_mm, speed);
        }
        if parked {
            self.feed(s.retract_mm_per_s);
            self.commands.push(Command::Filament { e: s.tool_retract_mm });
        }
        if let Some(at) = self.at {
            self.used.travel_mm += at.distance(to) / PER_MM;
        }
        self.rise = false;
        self.at = Some(to);
    }

    /// True when a straight way between supports is so short, and so clear of the part, that what oozes on it does no harm.
    fn passes_by(&mut self, to: Spot, far_mm: f64) -> bool {
        let Some(at) = self.at.filter(|_| self.over.is_none() && !self.rise) else { return false };
        far_mm < BETWEEN_SUPPORTS_MM && self.beside.sees(at, to)
    }

    /// Looks for a way inside the part, and keeps it.
    fn led(&mut self, to: Spot) -> bool {
        let Some(at) = self.at else { return false };
        self.way.clear();
        let more = self.job.settings.comb_detour_mm * PER_MM;
        let Some(way) = self.comber.way(at, to, more, self.job.beside()) else { return false };
        self.way.extend_from_slice(way);
        true
    }

    /// Returns how long that way is, mm.
    fn led_mm(&self, to: Spot) -> f64 {
        let Some(mut at) = self.at else { return 0.0 };
        let mut length = 0.0;
        for s in self.way.iter().chain([&to]) {
            length += at.distance(*s);
            at = *s;
        }
        length / PER_MM
    }

    fn filament(&mut self, e: f64, speed: f64) {
        if self.job.settings.firmware_retract {
            self.commands.push(Command::FirmwareRetract { recover: e > 0.0 });
        } else {
            self.feed(speed);
            self.commands.push(Command::Filament { e });
        }
    }

    /// Pulls filament back, wiping along the road just laid when that is wanted.
    fn retract(&mut self) {
        let s = &self.job.settings;
        let wiped = if s.wipe_mm > 0.0 { self.wipe_way() } else { Vec::new() };
        let Some(last) = wiped.last().copied() else {
            return self.filament(-s.retract_mm, s.retract_mm_per_s);
        };
        let length: f64 = wiped.iter().map(|w| w.1).sum();
        if s.firmware_retract {
            self.filament(-s.retract_mm, s.retract_mm_per_s);
            self.feed(s.travel_mm_per_s);
            for (spot, _) in &wiped {
                self.commands.push(Command::Line { to: self.position(*spot) });
            }
        } else {
            let before = s.retract_mm * 0.01 * s.retract_before_wipe_percent;
            if before > 0.0 {
                self.filament(-before, s.retract_mm_per_s);
            }
            let during = s.retract_mm - before;
            // As fast as the filament can be pulled meanwhile.
            let speed = if during > 0.0 { length * s.retract_mm_per_s / during } else { f64::INFINITY };
            self.feed(speed.min(s.travel_mm_per_s));
            for (spot, part) in &wiped {
                let to = self.position(*spot);
                let e = -during * part / length;
                self.commands.push(if e < 0.0 { Command::Extrude { to, e } } else { Command::Line { to } });
            }
        }
        self.used.travel_mm += length;
        self.at = Some(last.0);
    }

    /// Returns places along the road that was laid last, and how long the ways to them are, mm: on round a closed road, back
    /// along an open one.
    fn wipe_way(&self) -> Vec<(Spot, f64)> {
        let Some((road, roads, start)) = self.last else { return Vec::new() };
        let spots = roads.spots(road);
        let walk = Walk { start, corners: spots.len(), closed: road.closed };
        let mut out = Vec::new();
        let mut left = self.job.settings.wipe_mm;
        let Some(mut at) = self.at else { return out };
        for k in 1..=walk.edges() {
            let next = spots[walk.corner(if walk.closed { k } else { walk.edges() - k })];
            let far = at.distance(next) / PER_MM;
            if far >= left {
                let [x, y] = at.to(next).map(|v| v * left / far);
                let end = Spot::new(at.x + x.round() as i32, at.y + y.round() as i32);
                out.push((end, left));
                break;
            }
            if far > 0.0 {
                out.push((next, far));
            }
            left -= far;
            at = next;
        }
        out
    }
}
