//! Quantities that are neither mm nor radians.

/// A speed; ask for it in the unit you need.
///
/// ```
/// use shop_cam::Speed;
/// assert_eq!(Speed::from_mm_per_min(600.0).mm_per_s(), 10.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    /// Returns a speed of `v` mm/min.
    pub const fn from_mm_per_min(v: f64) -> Self {
        Speed(v)
    }

    /// Returns a speed of `v` mm/s.
    pub const fn from_mm_per_s(v: f64) -> Self {
        Speed(v * 60.0)
    }

    /// Returns the speed in mm/min.
    pub const fn mm_per_min(self) -> f64 {
        self.0
    }

    /// Returns the speed in mm/s.
    pub const fn mm_per_s(self) -> f64 {
        self.0 / 60.0
    }
}
