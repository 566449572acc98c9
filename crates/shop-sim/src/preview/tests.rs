//! Pictures of small programs: what is drawn, what is written on them, and that they never break.

use super::*;
use crate::proof::tests::{plates, pocket, pocket_intent, read, router};
use shop_cam::machine::MachineKind;

fn pictures(title: &str, intent: Option<&Intent>, sections: &[Section]) -> (String, Vec<u8>, String) {
    let input = PreviewInput { title, sections, intent, estimate: None, bed: None };
    (preview_svg(&input), preview_png(&input), preview_html(&input))
}

#[test]
fn pictures_are_whole_and_always_the_same() {
    let intent = plates(MachineKind::Router, 3.0);
    let sections = read(&router(), MachineKind::Router);
    let (svg, png, html) = pictures("plates", Some(&intent), &sections);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(
        svg.matches("<path").count() + svg.matches("<text").count() + 1,
        svg.matches('\n').count() - 2
    );
    assert!(svg.contains(">5</text>") && !svg.contains(">6</text>"), "five starts");
    assert!(svg.contains("cut, 3 mm wide"));
    assert_eq!(&png[1..4], b"PNG");
    assert!(html.contains("\"runs\":[[") && !html.contains("{{"));
    assert!(!html.contains("http://") && !html.contains("https://"), "no network");
    assert_eq!((svg, png, html), pictures("plates", Some(&intent), &sections));
}

#[test]
fn leads_are_told_from_cuts() {
    let intent = plates(MachineKind::Router, 3.0);
    let sections = read(&router(), MachineKind::Router);
    let input =
        PreviewInput { title: "", sections: &sections, intent: Some(&intent), estimate: None, bed: None };
    let trail = trail::follow(&input);
    let cuts: Vec<_> = trail.runs.iter().filter(|r| !r.rapid).collect();
    assert_eq!(cuts.len(), 5);
    // Down and out to the wall, then along it.
    assert!(cuts.iter().all(|r| r.lead_in == 2 && r.lead_out == 0));
}

#[test]
fn every_program_has_a_picture() {
    let (svg, png, html) = pictures("</script><b>&\"{{data}}", None, &[]);
    assert!(!svg.contains("<b>") && !png.is_empty());
    assert_eq!(html.matches("</script>").count(), 2, "the title cannot leave its script");
    let pocket = read(&pocket(1.2, false, 0.0), MachineKind::Router);
    assert!(!pictures("pocket", Some(&pocket_intent()), &pocket).1.is_empty());
    assert!(!pictures("no intent", None, &pocket).1.is_empty());
    let mut far = read(&router(), MachineKind::Router);
    far[0].commands.insert(4, shop_cam::canon::Command::Line { to: [1e12, -1e12, -1.0] });
    assert!(!pictures("far", None, &far).1.is_empty());
}
