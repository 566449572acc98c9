//! The page as PNG.

use super::font;
use super::scene::{Item, Paint, Scene, Step};
use shop_geom::Point;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint as Ink, Path, PathBuilder, Pixmap, Stroke, StrokeDash,
    Transform,
};

/// Draws the page; empty only when there is no memory for it.
pub(super) fn write(scene: &Scene) -> Vec<u8> {
    let Some(mut page) = Pixmap::new(scene.width as u32, scene.height as u32) else { return Vec::new() };
    page.fill(Color::WHITE);
    for item in &scene.items {
        draw(item, &mut page);
    }
    super::encode::encode(page.width(), page.height(), page.data())
}

pub(super) fn draw(item: &Item, page: &mut Pixmap) {
    match item {
        Item::Fill { steps, paint } => {
            if let Some(path) = path(steps) {
                page.fill_path(&path, &ink(*paint), FillRule::EvenOdd, Transform::identity(), None);
            }
        }
        Item::Stroke { steps, paint, width, dash } => {
            if let Some(path) = path(steps) {
                stroke(&path, *paint, *width, *dash, page);
            }
        }
        Item::Dots { at, radius, paint } => {
            let mut builder = PathBuilder::new();
            for p in at {
                builder.push_circle(p.x as f32, p.y as f32, *radius as f32);
            }
            if let Some(path) = builder.finish() {
                page.fill_path(&path, &ink(*paint), FillRule::Winding, Transform::identity(), None);
            }
        }
        Item::Text { at, size, anchor, paint, halo, text } => {
            let mut builder = PathBuilder::new();
            font::write(text, *at, *size, *anchor, |stroke| {
                for (i, p) in stroke.iter().enumerate() {
                    if i == 0 { to(&mut builder, *p, true) } else { to(&mut builder, *p, false) }
                }
            });
            if let Some(path) = builder.finish() {
                let pen = (size * 0.095).max(1.0);
                if *halo {
                    stroke(&path, Paint { rgb: [255, 255, 255], opacity: 0.85 }, pen + 3.0, None, page);
                }
                stroke(&path, *paint, pen, None, page);
            }
        }
    }
}

fn stroke(path: &Path, paint: Paint, width: f64, dash: Option<[f64; 2]>, page: &mut Pixmap) {
    let stroke = Stroke {
        width: width as f32,
        line_cap: if dash.is_some() { LineCap::Butt } else { LineCap::Round },
        line_join: LineJoin::Round,
        dash: dash.and_then(|[on, off]| StrokeDash::new(vec![on as f32, off as f32], 0.0)),
        ..Stroke::default()
    };
    page.stroke_path(path, &ink(paint), &stroke, Transform::identity(), None);
}

fn ink(paint: Paint) -> Ink<'static> {
    let [r, g, b] = paint.rgb;
    let mut ink = Ink::default();
    ink.set_color_rgba8(r, g, b, (paint.opacity * 255.0).round() as u8);
    ink.anti_alias = true;
    ink
}

fn to(builder: &mut PathBuilder, p: Point, jump: bool) {
    // Far outside the page a float's steps and a rasteriser's fixed point run out.
    let (x, y) = (p.x.clamp(-1e5, 1e5) as f32, p.y.clamp(-1e5, 1e5) as f32);
    if jump {
        builder.move_to(x, y);
    } else {
        builder.line_to(x, y);
    }
}

fn path(steps: &[Step]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for step in steps {
        match step {
            Step::Move(p) => to(&mut builder, *p, true),
            Step::Line(p) => to(&mut builder, *p, false),
            Step::Close => builder.close(),
            Step::Arc(arc) => {
                let n = chords(arc.radius, arc.sweep);
                for i in 1..=n {
                    let p = if i == n { arc.b } else { arc.at(i as f64 / n as f64) };
                    to(&mut builder, p, false);
                }
            }
        }
    }
    builder.finish()
}

/// Chords of an arc that stay within a tenth of a pixel.
fn chords(radius: f64, sweep: f64) -> usize {
    let step = if radius > 0.1 { 2.0 * (1.0 - 0.1 / radius).acos() } else { 1.0 };
    (sweep.abs() / step).ceil().clamp(2.0, 2000.0) as usize
}
