//! Where things lie on this computer: the one place that knows what operating systems want.

use std::env;
use std::path::PathBuf;

/// Folders that are searched for machine profiles and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Profiles of the project one stands in: `./machines`.
    pub local_machines: PathBuf,
    /// The user's own settings and profiles, if this computer says where its users keep such things.
    pub user: Option<PathBuf>,
}

impl Folders {
    /// Returns the folders of this user on this computer. `SHOPCTL_CONFIG_DIR` overrides the place of the settings;
    /// otherwise it is the system's own: `$XDG_CONFIG_HOME/shopctl` or `~/.config/shopctl` on Linux and its kin,
    /// `~/Library/Application Support/shopctl` on macOS, `%APPDATA%\shopctl` on Windows.
    pub fn of_this_user() -> Folders {
        let chosen = env::var_os("SHOPCTL_CONFIG_DIR").filter(|v| !v.is_empty()).map(PathBuf::from);
        Folders { local_machines: PathBuf::from("machines"), user: chosen.or_else(system_settings) }
    }

    /// Returns the folder of the user's own profiles.
    pub fn user_machines(&self) -> Option<PathBuf> {
        self.user.as_ref().map(|u| u.join("machines"))
    }

    /// Returns the path of the user's settings.
    pub fn settings(&self) -> Option<PathBuf> {
        self.user.as_ref().map(|u| u.join("config.toml"))
    }
}

/// Returns the folder where this computer keeps what programs remember, jobs above all. `SHOPCTL_STATE_DIR` overrides
/// it; otherwise `$XDG_STATE_HOME/shopctl` or `~/.local/state/shopctl` on Linux and its kin, beside the settings on
/// macOS, `%LOCALAPPDATA%\shopctl` on Windows.
pub fn state() -> Option<PathBuf> {
    let chosen = env::var_os("SHOPCTL_STATE_DIR").filter(|v| !v.is_empty()).map(PathBuf::from);
    chosen.or_else(system_state)
}

#[cfg(target_os = "windows")]
fn system_state() -> Option<PathBuf> {
    path_in("LOCALAPPDATA").map(|p| p.join("shopctl"))
}

#[cfg(target_os = "macos")]
fn system_state() -> Option<PathBuf> {
    system_settings()
}

#[cfg(not(any(target_os = "windows", target_os = "macos")))]
fn system_state() -> Option<PathBuf> {
    let state = path_in("XDG_STATE_HOME").or_else(|| path_in("HOME").map(|p| p.join(".local/state")));
    state.map(|p| p.join("shopctl"))
}

/// Returns a path from the environment; a relative one is no place to keep anything (XDG says to ignore it).
fn path_in(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute())
}

#[cfg(target_os = "windows")]
fn system_settings() -> Option<PathBuf> {
    path_in("APPDATA").map(|p| p.join("shopctl"))
}

#[cfg(target_os = "macos")]
fn system_settings() -> Option<PathBuf> {
    path_in("HOME").map(|p| p.join("Library/Application Support/shopctl"))
}

#[cfg(not(any(target_os = "windows", target_os = "macos")))]
fn system_settings() -> Option<PathBuf> {
    let config = path_in("XDG_CONFIG_HOME").or_else(|| path_in("HOME").map(|p| p.join(".config")));
    config.map(|p| p.join("shopctl"))
}
