//! What must hold for sheets, features and settings.

mod features;
mod settings;
mod sheet;
