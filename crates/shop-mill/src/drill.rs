//! Drilling: one toolpath per drill, its holes in a short order.

use crate::Planner;
use shop_cam::canon::{Drill, Role};
use shop_cam::feature::Hole;
use shop_cam::toolpath::Toolpath;
use shop_geom::route::{Stop, route};
use shop_report::{Cancelled, Progress};
use std::collections::BTreeMap;

impl Planner<'_> {
    /// Plans all holes, smallest drill number first and the main tool last, so that it need not be put in twice.
    pub fn drill(&mut self, holes: &[Hole], progress: &dyn Progress) -> Result<Vec<Toolpath>, Cancelled> {
        let mut by_tool: BTreeMap<(bool, u32), Vec<&Hole>> = BTreeMap::new();
        for hole in holes {
            by_tool.entry((hole.tool == self.settings.tool, hole.tool)).or_default().push(hole);
        }
        let mut out = Vec::with_capacity(by_tool.len());
        for ((_, number), holes) in by_tool {
            let stops: Vec<Stop> = (holes.iter().enumerate())
                .map(|(i, h)| Stop { ways: vec![(h.at, h.at)], group: i as u32, before: None })
                .collect();
            let visits = route(&stops, self.at, progress)?;
            let mut path = self.drill_path(number);
            path.drills = visits.iter().map(|v| self.one(holes[v.stop as usize])).collect();
            self.at = path.end().unwrap_or(self.at);
            out.push(path);
        }
        Ok(out)
    }

    fn drill_path(&self, number: u32) -> Toolpath {
        let mut path = Toolpath::new(Role::Drill, format!("holes, tool {number}"), self.settings);
        path.tool = number;
        if let Some(tool) = self.settings.drills.iter().find(|d| d.number == number) {
            path.rpm = tool.rpm.unwrap_or(path.rpm);
            path.plunge = tool.plunge.unwrap_or(path.plunge);
        }
        path
    }

    fn one(&self, hole: &Hole) -> Drill {
        let tool = self.settings.drills.iter().find(|d| d.number == hole.tool);
        let diameter = tool.map_or(self.settings.diameter, |t| t.diameter);
        let peck = self.options.peck_diameters * diameter;
        Drill {
            at: hole.at,
            clearance: self.settings.safe_height,
            retract: self.settings.retract_height,
            bottom: hole.bottom,
            peck: (peck > 0.0 && -hole.bottom > peck).then_some(peck),
            dwell: 0.0,
        }
    }
}
