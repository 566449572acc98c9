//! Roads: what the nozzle lays, in two flat arrays per layer.

use shop_geom::planar::{PER_MM, Spot};

/// What a road is for. Its order is that of printing within an island.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A wall that is seen.
    OuterWall,
    /// A wall behind it.
    InnerWall,
    /// A wall or rest of a single road of varying width.
    Gap,
    /// Solid filling seen from above.
    Top,
    /// Other solid filling.
    Solid,
    /// Sparse filling.
    Sparse,
    /// Filling that spans air between two sides.
    Bridge,
    /// Solid filling that spans the lines of sparse filling.
    InternalBridge,
    /// A pass over the top that melts it smooth.
    Ironing,
    /// Lines that carry what would hang in the air.
    Support,
    /// Lines of supports that touch what they carry.
    SupportInterface,
    /// Loops around the part in the first layer.
    Skirt,
    /// A tower in which a nozzle is filled with its next filament.
    PrimeTower,
}

impl Kind {
    /// Returns what viewers call it (the names of PrusaSlicer, which G-code viewers and OctoPrint plugins read).
    pub fn name(self) -> &'static str {
        match self {
            Kind::OuterWall => "External perimeter",
            Kind::InnerWall => "Perimeter",
            Kind::Gap => "Gap fill",
            Kind::Top => "Top solid infill",
            Kind::Solid => "Solid infill",
            Kind::Sparse => "Internal infill",
            Kind::Bridge | Kind::InternalBridge => "Bridge infill",
            Kind::Ironing => "Ironing",
            Kind::Support => "Support material",
            Kind::SupportInterface => "Support material interface",
            Kind::Skirt => "Skirt/Brim",
            Kind::PrimeTower => "Wipe tower",
        }
    }
}

/// One road.
#[derive(Clone, Copy, Debug)]
pub struct Road {
    /// What it is.
    pub kind: Kind,
    /// It returns to where it begins.
    pub closed: bool,
    /// Its corners are `spots[start..end]`.
    pub start: u32,
    /// See `start`.
    pub end: u32,
    /// Material per length, mm²; 0 where every corner has its own.
    pub area: f64,
    /// The part of the print that it belongs to: whose settings, tool and object it has.
    pub part: u16,
    /// The copy of an object that it belongs to.
    pub copy: u16,
}

/// Roads of a layer.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    spots: Vec<Spot>,
    list: Vec<Road>,
    /// Material per length at corners of roads whose own is 0, mm²; as long as `spots` or shorter.
    areas: Vec<f32>,
    /// How much of the road's width lies over air at corners, percent; as long as `spots` or shorter.
    hangs: Vec<u8>,
}

impl Roads {
    /// Forgets all roads and keeps the room.
    pub fn clear(&mut self) {
        self.spots.clear();
        self.list.clear();
        self.areas.clear();
        self.hangs.clear();
    }

    /// Begins an open road.
    pub fn begin(&mut self, kind: Kind, area: f64) {
        let start = self.spots.len() as u32;
        self.list.push(Road { kind, closed: false, start, end: start, area, part: 0, copy: 0 });
    }

    /// Adds a corner to the road that is being made; repeated ones are left out.
    #[inline]
    pub fn push(&mut self, spot: Spot) {
        let begun = self.list.last().map_or(0, |r| r.start as usize);
        if self.spots.len() == begun || self.spots.last() != Some(&spot) {
            self.spots.push(spot);
        }
    }

    /// Returns the last corner of the road that is being made.
    pub fn last_spot(&self) -> Option<Spot> {
        let begun = self.list.last().map_or(0, |r| r.start as usize);
        self.spots[begun..].last().copied()
    }

    /// Adds a corner with its own material per length, mm².
    pub fn push_area(&mut self, spot: Spot, area: f64) {
        self.areas.resize(self.spots.len(), 0.0);
        self.spots.push(spot);
        self.areas.push(area as f32);
    }

    /// Ends it; a road without length is dropped.
    pub fn end(&mut self) {
        let Some(road) = self.list.last_mut() else { return };
        road.end = self.spots.len() as u32;
        if road.end - road.start < 2 {
            self.spots.truncate(road.start as usize);
            self.areas.truncate(self.spots.len());
            self.hangs.truncate(self.spots.len());
            self.list.pop();
        }
    }

    /// Drops open roads from the `first` on that are not `wanted`.
    pub fn retain_from(&mut self, first: usize, wanted: impl Fn(&Roads, &Road) -> bool) {
        let Some(road) = self.list.get(first) else { return };
        let mut end = road.start as usize;
        let mut kept = first;
        for i in first..self.list.len() {
            let road = self.list[i];
            if !wanted(self, &road) {
                continue;
            }
            let (from, to) = (road.start as usize, road.end as usize);
            self.spots.copy_within(from..to, end);
            if self.areas.len() >= to {
                self.areas.copy_within(from..to, end);
            }
            self.list[kept] = Road { start: end as u32, end: (end + to - from) as u32, ..road };
            end += to - from;
            kept += 1;
        }
        self.list.truncate(kept);
        self.spots.truncate(end);
        self.areas.truncate(end);
        self.hangs.truncate(end);
    }

    /// Lets the roads from the `first` on have so many times their material.
    pub fn thin_from(&mut self, first: usize, times: f64) {
        let Some(road) = self.list.get(first) else { return };
        let start = (road.start as usize).min(self.areas.len());
        self.areas[start..].iter_mut().for_each(|a| *a = (f64::from(*a) * times) as f32);
        self.list[first..].iter_mut().for_each(|r| r.area *= times);
    }

    /// Adds a closed road with material of its own at every corner, mm².
    pub fn close_each(&mut self, kind: Kind, corners: &[Spot], areas: impl IntoIterator<Item = f64>) {
        self.areas.resize(self.spots.len(), 0.0);
        self.areas.extend(areas.into_iter().map(|a| a as f32));
        self.close(kind, 0.0, corners);
        debug_assert_eq!(self.areas.len(), self.spots.len());
    }

    /// Adds a closed road.
    pub fn close(&mut self, kind: Kind, area: f64, corners: &[Spot]) {
        let start = self.spots.len() as u32;
        self.spots.extend_from_slice(corners);
        self.list.push(Road {
            kind,
            closed: true,
            start,
            end: self.spots.len() as u32,
            area,
            part: 0,
            copy: 0,
        });
    }

    /// Adds all roads of another set.
    pub fn append(&mut self, other: &Roads) {
        let shift = self.spots.len() as u32;
        if !other.areas.is_empty() {
            self.areas.resize(self.spots.len(), 0.0);
            self.areas.extend_from_slice(&other.areas);
        }
        if !other.hangs.is_empty() {
            self.hangs.resize(self.spots.len(), 0);
            self.hangs.extend_from_slice(&other.hangs);
        }
        self.spots.extend_from_slice(&other.spots);
        self.list.extend(other.list.iter().map(|r| Road {
            start: r.start + shift,
            end: r.end + shift,
            ..*r
        }));
    }

    /// Adds all roads of another set, moved, as those of one copy of an object.
    pub fn append_moved(&mut self, other: &Roads, by: Spot, copy: u16) {
        let (spots, list) = (self.spots.len(), self.list.len());
        self.append(other);
        for s in &mut self.spots[spots..] {
            *s = Spot::new(s.x + by.x, s.y + by.y);
        }
        self.list[list..].iter_mut().for_each(|r| r.copy = copy);
    }

    /// Returns all roads.
    pub fn roads(&self) -> &[Road] {
        &self.list
    }

    /// Returns the corners of a road.
    #[inline]
    pub fn spots(&self, road: &Road) -> &[Spot] {
        &self.spots[road.start as usize..road.end as usize]
    }

    /// Says that every road belongs to a part.
    pub fn belong_to(&mut self, part: u16) {
        self.list.iter_mut().for_each(|r| r.part = part);
    }

    /// Says which part each road belongs to, by what it is.
    pub fn belong_by(&mut self, part: impl Fn(Kind) -> u16) {
        self.list.iter_mut().for_each(|r| r.part = part(r.kind));
    }

    /// Says that one road belongs to another part.
    pub fn give(&mut self, road: u32, part: u16) {
        self.list[road as usize].part = part;
    }

    /// Returns the material of a road, mm³.
    pub fn volume_mm3(&self, road: &Road) -> f64 {
        if road.area > 0.0 {
            return road.area * self.length_mm(road);
        }
        let spots = self.spots(road);
        let edges = spots.len() - usize::from(!road.closed);
        let length = |i: usize| spots[i].distance(spots[(i + 1) % spots.len()]) / PER_MM;
        (0..edges).map(|i| self.area(road, i) * length(i)).sum()
    }

    /// Says how much of the width of the last road lies over air at its corners, percent, one for each.
    pub fn hang(&mut self, percent: &[u8]) {
        let Some(road) = self.list.last() else { return };
        debug_assert_eq!(percent.len(), (road.end - road.start) as usize);
        self.hangs.resize(road.start as usize, 0);
        self.hangs.extend_from_slice(percent);
    }

    /// True when something is known of how much of a road lies over air.
    pub fn hangs(&self, road: &Road) -> bool {
        self.hangs.len() > road.start as usize
    }

    /// Returns how much of a road's width lies over air at corner `i`, percent.
    #[inline]
    pub fn hanging(&self, road: &Road, i: usize) -> u8 {
        self.hangs.get(road.start as usize + i).copied().unwrap_or(0)
    }

    /// Returns how long a road is, mm.
    pub fn length_mm(&self, road: &Road) -> f64 {
        let spots = self.spots(road);
        let back = if road.closed { spots[spots.len() - 1].distance(spots[0]) } else { 0.0 };
        (spots.windows(2).map(|w| w[0].distance(w[1])).sum::<f64>() + back) / PER_MM
    }

    /// Returns the place a fraction of the way from corner `i` of a road to the next, and the material per length there, mm².
    pub fn between(&self, road: &Road, i: usize, t: f64) -> (Spot, f64) {
        let spots = self.spots(road);
        let [x, y] = spots[i].to(spots[i + 1]);
        let spot = Spot::new(spots[i].x + (t * x).round() as i32, spots[i].y + (t * y).round() as i32);
        if road.area > 0.0 {
            return (spot, road.area);
        }
        let at = |k: usize| f64::from(self.areas.get(road.start as usize + k).copied().unwrap_or(0.0));
        (spot, at(i) + t * (at(i + 1) - at(i)))
    }

    /// Returns the material per length between corners `i` and `i + 1` of a road, mm²; after its last corner a closed one
    /// goes on with its first.
    #[inline]
    pub fn area(&self, road: &Road, i: usize) -> f64 {
        if road.area > 0.0 {
            return road.area;
        }
        let at = |k: u32| f64::from(self.areas.get(k as usize).copied().unwrap_or(0.0));
        let (this, next) = (road.start + i as u32, road.start + i as u32 + 1);
        0.5 * (at(this) + at(if next == road.end && road.closed { road.start } else { next }))
    }
}
