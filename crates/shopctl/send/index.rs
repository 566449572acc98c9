//! How far the machine is by time: seconds of the whole program up to a line, coarsely, in bounded memory.

/// More points are not kept: beyond it every second one goes. A bar has a hundred steps, a screen some thousand.
const MOST: usize = 4096;

/// Seconds from the start to the end of lines, as the estimator says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Lines and seconds, both growing.
    points: Vec<(u64, f32)>,
    /// A point is kept every so many lines.
    every: u64,
    total_s: f64,
}

impl Index {
    /// Notes that everything up to the end of `line` takes `seconds`.
    pub fn note(&mut self, line: u64, seconds: f64) {
        if self.points.last().is_some_and(|p| line < p.0 + self.every.max(1)) {
            return;
        }
        if self.points.len() >= MOST {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.every = self.every.max(1) * 2;
        }
        let seconds = self.points.last().map_or(seconds as f32, |p| (seconds as f32).max(p.1));
        self.points.push((line, seconds));
    }

    /// Says how long all of it takes, up to its last line.
    pub fn finish(&mut self, lines: u64, total_s: f64) {
        self.total_s = total_s;
        self.points.push((lines, total_s as f32));
    }

    /// Returns how long all of it takes, s.
    pub fn total_s(&self) -> f64 {
        self.total_s
    }

    /// Returns the seconds up to the end of a line: between two points, in proportion.
    pub fn at(&self, line: u64) -> f64 {
        let after = self.points.partition_point(|p| p.0 < line);
        let (l1, t1) = after.checked_sub(1).map_or((0, 0.0), |i| self.points[i]);
        let Some(&(l2, t2)) = self.points.get(after) else { return self.total_s };
        let part = if l2 > l1 { (line.saturating_sub(l1)) as f64 / (l2 - l1) as f64 } else { 1.0 };
        f64::from(t1) + f64::from(t2 - t1) * part.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_grows_with_the_lines_and_memory_does_not() {
        let mut index = Index::default();
        let lines = 1_000_000;
        for line in 1..=lines {
            index.note(line, line as f64 * 0.01);
        }
        index.finish(lines, lines as f64 * 0.01);
        assert!(index.points.len() <= MOST + 1);
        let mut last = 0.0;
        for line in (0..=lines).step_by(997) {
            let t = index.at(line);
            assert!(t >= last && (t - line as f64 * 0.01).abs() < 0.5, "{line}: {t}");
            last = t;
        }
        assert_eq!(index.at(lines + 5), index.total_s());
    }

    #[test]
    fn an_empty_program_takes_no_time() {
        assert_eq!(Index::default().at(7), 0.0);
    }
}
