//! What must hold for readers: drawings, texts and meshes.

mod corpus_mesh;
mod dxf;
mod facts;
mod font;
mod mesh;
mod robust;
mod svg;
mod texts;
