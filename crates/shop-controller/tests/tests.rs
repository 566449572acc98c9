//! What must hold for sessions, transports and the simulated machines.

mod battery;
mod calm;
mod damage;
mod handover;
mod knock;
mod laws;
mod places;
mod rig;
mod sim;
mod transcripts;
