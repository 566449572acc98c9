//! What is drawn, where and in which colour; and that the page reads back what was written.

use super::page::{lay_out, resolve};
use super::*;
use crate::estimate::tests::grbl;
use shop_cam::Speed;
use shop_cam::canon::Spindle;

fn plot(machine: &Machine) -> Plot<'_> {
    let mut plot = Plot::new(machine, "a <b> & \"c\"");
    let commands = [
        Command::Spindle(Spindle::Clockwise { rpm: 1000.0 }),
        Command::Rapid { to: [10.0, 0.0, 5.0] },
        Command::Feed(Speed::from_mm_per_min(600.0)),
        Command::Line { to: [10.0, 0.0, -1.0] },
        Command::Arc { to: [0.0, 10.0, -1.0], center: Point::new(0.0, 0.0), counter_clockwise: true },
        Command::ToolChange { number: 7 },
        Command::Line { to: [-10.0, 10.0, -2.0] },
        Command::Rapid { to: [-10.0, 10.0, 5.0] },
        Command::End,
        Command::Line { to: [99.0, 99.0, -9.0] },
    ];
    for command in &commands {
        plot.command(command);
    }
    plot
}

#[test]
fn the_path_is_kept_with_what_it_is() {
    let machine = grbl();
    let plot = plot(&machine);
    let dots = &plot.trail.dots;
    assert_eq!(dots[0].what, What::Start);
    assert!(dots.iter().all(|d| d.at[0].abs() < 11.0), "nothing after the end is drawn");
    let on_arc = dots.iter().filter(|d| d.what == What::Work && d.at[2] == -1.0 && d.tool == 0);
    let off = on_arc.map(|d| (d.at[0].hypot(d.at[1]) - 10.0).abs()).fold(0.0, f32::max);
    assert!(off < 1e-4);
    assert_eq!(plot.trail.tools, [0, 7]);
    assert_eq!(resolve(&plot.trail, PlotColour::Auto), PlotColour::Tool);
}

#[test]
fn the_page_is_scaled_alike_in_both_directions() {
    let machine = grbl();
    let plot = plot(&machine);
    let page = lay_out(&plot.trail, "t", PlotView::Top, PlotColour::Z);
    let [o, x, y] = [[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].map(|p| page.view.point(p));
    assert!((x[0] - o[0] - (o[1] - y[1])).abs() < 1e-9 && x[1] == o[1]);
    let iso = lay_out(&plot.trail, "t", PlotView::Iso, PlotColour::Z);
    let length = |p: [f64; 3]| {
        let (a, b) = (iso.view.point([0.0; 3]), iso.view.point(p));
        (b[0] - a[0]).hypot(b[1] - a[1])
    };
    assert!((length([1.0, 0.0, 0.0]) - length([0.0, 0.0, 1.0])).abs() < 1e-9);
    assert!((length([1.0, 0.0, 0.0]) - length([0.0, 1.0, 0.0])).abs() < 1e-9);
}

#[test]
fn pictures_hold_the_path_and_nothing_that_breaks_out() {
    let machine = grbl();
    let plot = plot(&machine);
    for colour in [PlotColour::Auto, PlotColour::Tool, PlotColour::Feed, PlotColour::Feature, PlotColour::Z] {
        for view in [PlotView::Top, PlotView::Iso] {
            let svg = plot.svg(view, colour);
            assert!(svg.ends_with("</svg>\n") && svg.contains("stroke-dasharray"));
            assert_eq!(
                svg.matches("<path").count(),
                svg.matches("/>\n").count() - svg.matches("<rect").count()
            );
            assert!(plot.png(view, colour).starts_with(b"\x89PNG"));
        }
    }
    let html = plot.html(PlotColour::Auto);
    assert!(html.contains("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"));
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("{{"));
    assert_eq!(plot.html(PlotColour::Auto), html);
}

#[test]
fn nothing_is_drawn_as_something() {
    let machine = grbl();
    let plot = Plot::new(&machine, "");
    assert!(plot.is_empty());
    assert!(plot.svg(PlotView::Iso, PlotColour::Auto).contains("</svg>"));
    assert!(!plot.png(PlotView::Top, PlotColour::Feed).is_empty());
    assert!(plot.html(PlotColour::Z).contains("\"count\":0"));
}
