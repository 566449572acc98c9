//! How far the work is, and whether someone wants it to stop.

/// The work was cancelled by the user. The only way in which a planner fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cancelled")
    }
}

impl std::error::Error for Cancelled {}

/// Hears how far the work is and says whether to go on. Called from many threads at once.
pub trait Progress: Sync {
    /// A stage of `total` items begins (0: not known).
    fn begin(&self, stage: &'static str, total: u64);

    /// `items` more are done. Poll once per layer, region or candidate.
    fn advance(&self, items: u64) -> Result<(), Cancelled>;
}

/// Draws nothing and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &'static str, _total: u64) {}

    fn advance(&self, _items: u64) -> Result<(), Cancelled> {
        Ok(())
    }
}
