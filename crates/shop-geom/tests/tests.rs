//! What must hold for curves, offsets and meshes.

mod curve;
mod mesh_repair;
mod offset;
mod offset_oracle;
