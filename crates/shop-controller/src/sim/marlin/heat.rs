//! Heaters: first-order bodies that warm at full power, hold their target and cool by themselves.
//!
//! `T(t) = T∞ + (T₀ − T∞)·e^(−t/τ)`, with `T∞` what full power would come to, or the room.

/// °C
const ROOM_C: f64 = 22.0;

/// One heater.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heater {
    pub(super) temperature_c: f64,
    /// 0 is off.
    pub(super) target_c: f64,
    /// What it would reach at full power.
    most_c: f64,
    /// Seconds in which it comes to within 1/e.
    time_constant_s: f64,
}

impl Heater {
    /// A 40 W cartridge in an aluminium block: 4 °C a second at first.
    pub(super) fn nozzle() -> Heater {
        Heater { temperature_c: ROOM_C, target_c: 0.0, most_c: 350.0, time_constant_s: 80.0 }
    }

    /// A bed of 220 mm: 0.6 °C a second at first.
    pub(super) fn bed() -> Heater {
        Heater { temperature_c: ROOM_C, target_c: 0.0, most_c: 130.0, time_constant_s: 170.0 }
    }

    fn is_heating(&self) -> bool {
        self.target_c > self.temperature_c
    }

    /// Returns the temperature it strives for.
    fn end_c(&self) -> f64 {
        if self.is_heating() { self.most_c } else { ROOM_C }
    }

    /// Returns where it stops striving.
    fn stop_c(&self) -> f64 {
        if self.is_heating() { self.target_c.min(self.most_c) } else { self.target_c.max(ROOM_C) }
    }

    /// Returns the seconds until it is within `window_c` of its target; nothing if it is, or never gets there.
    pub(super) fn seconds_to(&self, window_c: f64) -> Option<f64> {
        let away = self.temperature_c - self.target_c;
        if away.abs() <= window_c {
            return None;
        }
        let goal = self.target_c + window_c * away.signum();
        let share = (self.end_c() - self.temperature_c) / (self.end_c() - goal);
        (share.is_finite() && share > 1.0).then(|| self.time_constant_s * share.ln())
    }

    /// Lets time go by.
    pub(super) fn elapse(&mut self, seconds: f64) {
        let (end, stop) = (self.end_c(), self.stop_c());
        let next = end + (self.temperature_c - end) * (-seconds / self.time_constant_s).exp();
        self.temperature_c = if self.is_heating() { next.min(stop) } else { next.max(stop) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_portions_is_time_at_once() {
        let mut whole = Heater { target_c: 215.0, ..Heater::nozzle() };
        let mut parts = whole;
        whole.elapse(20.0);
        for _ in 0..200 {
            parts.elapse(0.1);
        }
        assert!((whole.temperature_c - parts.temperature_c).abs() < 1e-9);
        assert!((60.0..215.0).contains(&whole.temperature_c));
    }

    #[test]
    fn the_target_is_met_when_it_says() {
        let mut heater = Heater { target_c: 200.0, ..Heater::nozzle() };
        let seconds = heater.seconds_to(1.0).expect("some time");
        heater.elapse(seconds - 0.01);
        assert!(heater.temperature_c < 199.0);
        heater.elapse(0.02);
        assert!(heater.temperature_c >= 199.0 && heater.seconds_to(1.0).is_none());
        heater.elapse(1000.0);
        assert_eq!(heater.temperature_c, 200.0);
        heater.target_c = 0.0;
        heater.elapse(1e4);
        assert!((heater.temperature_c - 22.0).abs() < 1e-6);
        assert_eq!(Heater { target_c: 400.0, ..Heater::nozzle() }.seconds_to(1.0), None);
    }
}
