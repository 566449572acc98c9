//! Mesh formats in small files written here, with expectations worked out by hand; and laws over random ones.

use proptest::prelude::*;
use shop_formats::mesh::{Format, ReadOptions, Role, Scene, format_of, read};
use shop_geom::mesh::{Mesh, Point3};
use shop_report::{Checked, SourceId};
use std::fmt::Write as _;

fn read_bytes(bytes: &[u8]) -> Checked<Scene> {
    read(SourceId(0), bytes, &ReadOptions::default())
}

fn codes(read: &Checked<Scene>) -> Vec<&'static str> {
    read.diagnostics.iter().map(|d| d.code).collect()
}

/// Returns the scene of a file that is read without a word.
fn clean(bytes: &[u8]) -> Scene {
    let read = read_bytes(bytes);
    assert_eq!(read.diagnostics, []);
    read.value
}

/// A tetrahedron with legs of 6 mm: 36 mm³.
const POINTS: [[f64; 3]; 4] = [[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 6.0]];
const FACES: [[usize; 3]; 4] = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]];

fn facets() -> Vec<[[f64; 3]; 3]> {
    FACES.iter().map(|f| f.map(|i| POINTS[i])).collect()
}

fn binary_stl(header: &[u8], facets: &[[[f64; 3]; 3]]) -> Vec<u8> {
    let mut out = header.to_vec();
    out.resize(80, b' ');
    out.extend((facets.len() as u32).to_le_bytes());
    for facet in facets {
        out.extend([0; 12]);
        out.extend(facet.iter().flatten().flat_map(|v| (*v as f32).to_le_bytes()));
        out.extend([0xAB, 0xCD]);
    }
    out
}

fn text_stl(facets: &[[[f64; 3]; 3]], end: &str) -> String {
    let mut out = format!("solid a name{end}");
    for facet in facets {
        let _ = write!(out, "facet normal 0 0 0{end} outer loop{end}");
        for [x, y, z] in facet {
            let _ = write!(out, "  vertex {x} {y:e} {z}{end}");
        }
        let _ = write!(out, " endloop{end}endfacet{end}");
    }
    out + "endsolid a name"
}

/// Writes a ZIP package, entries deflated.
fn package(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let packed = miniz_oxide::deflate::compress_to_vec(bytes, 6);
        let mut head: Vec<u8> = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        head.extend(crc32fast::hash(bytes).to_le_bytes());
        head.extend((packed.len() as u32).to_le_bytes());
        head.extend((bytes.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(packed);
    }
    let (at, count) = (out.len() as u32, (files.len() as u16).to_le_bytes());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn mesh_xml() -> String {
    let mut out = String::from("<mesh><vertices>");
    for [x, y, z] in POINTS {
        let _ = write!(out, "<vertex x=\"{x}\" y='{y}' z=\"{z}\"/>");
    }
    out.push_str("</vertices><triangles>");
    for [a, b, c] in FACES {
        let _ = write!(out, "<triangle v1=\"{a}\" v2=\"{b}\" v3=\"{c}\" />");
    }
    out + "</triangles></mesh>"
}

fn model(attributes: &str, resources: &str, build: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><model {attributes} xmlns:p=\"x\"><metadata name=\"Application\">A &amp; B</metadata>\
         <resources>{resources}</resources><build>{build}</build></model>"
    )
}

fn threemf(model: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut files = vec![("3D/3dmodel.model", model.as_bytes())];
    files.extend(more);
    package(&files)
}

fn size(mesh: &Mesh) -> [f64; 3] {
    let (low, high) = mesh.bounds().expect("points");
    (high - low).into()
}

#[test]
fn stl_is_told_by_content() {
    let solid = facets();
    for header in
        [&b"solid from a program"[..], b"", b"COLOR=\xff\xff\xff\xff", b"PK", b"\xef\xbb\xbfsolid x\nfacet"]
    {
        let bytes = binary_stl(header, &solid);
        assert_eq!(format_of(&bytes), Some(Format::StlBinary));
        let mesh = clean(&bytes).objects.remove(0).parts.remove(0).mesh;
        assert_eq!((mesh.points.len(), mesh.triangles.len(), mesh.volume()), (4, 4, 36.0));
    }
    for end in ["\n", "\r\n", "\r", "\t \r\n"] {
        for text in [text_stl(&solid, end), text_stl(&solid, end).to_uppercase()] {
            assert_eq!(format_of(text.as_bytes()), Some(Format::StlText));
            let scene = clean(text.as_bytes());
            assert_eq!(scene.objects[0].name.to_lowercase(), "a name");
            assert_eq!(scene.objects[0].parts[0].mesh.volume(), 36.0);
        }
    }
    assert_eq!(codes(&read_bytes(b"something else")), ["mesh/unknown-format"]);
    assert_eq!(codes(&read_bytes(b"")), ["mesh/unknown-format"]);
}

#[test]
fn damaged_stl_is_read_as_far_as_it_goes() {
    let mut bytes = binary_stl(b"", &facets());
    bytes.extend([7; 9]);
    assert_eq!(codes(&read_bytes(&bytes)), ["mesh/trailing-bytes"]);
    bytes.truncate(84 + 3 * 50 + 20);
    let cut = read_bytes(&bytes);
    assert_eq!((codes(&cut), cut.value.triangles()), (vec!["mesh/truncated"], 3));
    assert!(cut.diagnostics[0].message.contains("after 3 of 4 facets, in the middle"), "{cut:?}");

    let mut infinite = facets();
    infinite[2][1][0] = f64::INFINITY;
    let read = read_bytes(&binary_stl(b"", &infinite));
    assert_eq!((codes(&read), read.value.triangles()), (vec!["mesh/not-finite"], 3));

    let text = text_stl(&facets(), "\n");
    let cut = read_bytes(&text.as_bytes()[..text.len() - 60]);
    assert_eq!((codes(&cut), cut.value.triangles()), (vec!["mesh/torn-facet", "mesh/truncated"], 3));
    let torn = read_bytes(text.replacen("vertex 6 0e0 0", "vertex 6 what 0", 1).as_bytes());
    assert_eq!((codes(&torn), torn.value.triangles()), (vec!["mesh/torn-facet"], 3));
}

#[test]
fn components_are_placed_and_scaled_by_the_unit_of_their_file() {
    let inner =
        model("unit=\"inch\"", &format!("<object id=\"7\" name=\"leaf\">{}</object>", mesh_xml()), "");
    let resources = "<object id=\"1\" name=\"two\"><components>\
        <component objectid=\"7\" p:path=\"/3D/other.model\" transform=\"2 0 0 0 1 0 0 0 1 1 0 0\"/>\
        <component objectid=\"7\" p:path=\"/3D/other.model\" transform=\"-1 0 0 0 1 0 0 0 1 0 0 0\"/>\
        </components></object>";
    let build = "<item objectid=\"1\" transform=\"1 0 0 0 1 0 0 0 1 3 4 5\"/><item objectid=\"1\" printable=\"0\"/>\
        <item objectid=\"1\"/>";
    let outer = model("unit=\"centimeter\"", resources, build);
    let read = read_bytes(&threemf(&outer, &[("3D/other.model", inner.as_bytes())]));
    assert_eq!(codes(&read), ["mesh/not-printable"]);
    let object = &read.value.objects[0];
    assert_eq!((read.value.objects.len(), object.name.as_str()), (1, "two"));
    let offsets: Vec<[f64; 3]> = object.instances.iter().map(|t| t.offset.into()).collect();
    assert_eq!(offsets, [[30.0, 40.0, 50.0], [0.0; 3]]);
    let inch = 6.0 * 25.4;
    let (stretched, mirrored) = (&object.parts[0].mesh, &object.parts[1].mesh);
    assert_eq!(size(stretched), [2.0 * inch, inch, inch]);
    assert_eq!(stretched.bounds().map(|b| b.0), Some(Point3::new(10.0, 0.0, 0.0)));
    // Mirrored parts are seen from outside all the same.
    let one = 36.0 * 25.4_f64.powi(3);
    assert!((stretched.volume() - 2.0 * one).abs() < 1e-6 && (mirrored.volume() - one).abs() < 1e-6);
    assert_eq!(read.value.program.as_deref(), Some("A & B"));
}

const PRUSA_MODEL: &str = r#"<config><object id="1" instances_count="1">
    <metadata type="object" key="name" value="the &quot;part&quot;"/><metadata type="object" key="extruder" value="2"/>
    <metadata type="object" key="fill_density" value="30%"/>
    <volume firstid="0" lastid="1"><metadata type="volume" key="name" value="body"/>
      <metadata type="volume" key="volume_type" value="ModelPart"/><metadata type="volume" key="matrix" value="1 0"/></volume>
    <volume firstid="2" lastid="3"><metadata type="volume" key="modifier" value="1"/>
      <metadata type="volume" key="volume_type" value="SupportBlocker"/>
      <metadata type="volume" key="extruder" value="3"/></volume>
    </object></config>"#;

#[test]
fn projects_of_cura_tell_that_their_settings_are_not_read() {
    let text = model("", &format!("<object id=\"1\">{}</object>", mesh_xml()), "<item objectid=\"1\"/>");
    let read =
        read_bytes(&threemf(&text, &[("Cura/part_user.inst.cfg", b"[values]\nlayer_height = 0.12\n")]));
    assert_eq!(codes(&read), ["mesh/cura-project"]);
    assert_eq!((read.value.objects.len(), read.value.settings.len()), (1, 0));
}

#[test]
fn projects_of_prusaslicer_say_what_parts_are() {
    let text = model("", &format!("<object id=\"1\">{}</object>", mesh_xml()), "<item objectid=\"1\"/>");
    let bytes = threemf(
        &text,
        &[
            ("Metadata/Slic3r_PE_model.config", PRUSA_MODEL.as_bytes()),
            (
                "Metadata/Slic3r_PE.config",
                b"; layer_height = 0.15\n; post_process = \"rm -rf\"\n; gcode = a = b\n",
            ),
            (
                "Metadata/Prusa_Slicer_layer_config_ranges.xml",
                b"<objects><object id=\"1\"><range min_z=\"1\" max_z=\"2.5\">\
              <option opt_key=\"layer_height\">0.1</option></range></object></objects>",
            ),
            (
                "Metadata/Prusa_Slicer_custom_gcode_per_print_z.xml",
                b"<c><code print_z=\"3.2\" type=\"1\" extruder=\"1\" \
              color=\"#FF0000\" extra=\"put the nut in\" gcode=\"M601\"/></c>",
            ),
        ],
    );
    let read = read_bytes(&bytes);
    assert_eq!(codes(&read), ["mesh/post-process-ignored"]);
    let scene = read.value;
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(scene.settings, [pair("layer_height", "0.15"), pair("gcode", "a = b")]);
    let object = &scene.objects[0];
    assert_eq!(object.name, "the \"part\"");
    assert_eq!(object.settings, [pair("extruder", "2"), pair("fill_density", "30%")]);
    let parts: Vec<_> =
        object.parts.iter().map(|p| (p.name.as_str(), p.role, p.extruder, p.mesh.triangles.len())).collect();
    assert_eq!(parts, [("body", Role::Solid, Some(2), 2), ("", Role::SupportBlocker, Some(3), 2)]);
    assert_eq!((object.ranges[0].low, object.ranges[0].high), (1.0, 2.5));
    assert_eq!(object.ranges[0].settings, [pair("layer_height", "0.1")]);
    assert_eq!((scene.changes[0].z, scene.changes[0].extra.as_str()), (3.2, "put the nut in"));
}

#[test]
fn painted_supports_and_seams_are_surfaces() {
    // Of the first triangle a corner is painted, all of the second; colours are named and left out.
    let paint = |text: &str, attributes: [&str; 2]| {
        let mut parts = text.splitn(3, "<triangle ");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for (part, more) in parts.zip(attributes) {
            write!(out, "<triangle {more} {part}").expect("text");
        }
        out
    };
    let kinds = [
        ["slic3rpe:custom_supports=\"40003\"", "slic3rpe:custom_seam=\"8\""],
        ["paint_supports=\"40003\"", "paint_seam=\"8\" paint_color=\"8\""],
    ];
    for (i, kind) in kinds.into_iter().enumerate() {
        let mesh = paint(&mesh_xml(), kind);
        let text = model("", &format!("<object id=\"1\">{mesh}</object>"), "<item objectid=\"1\"/>");
        let read = read_bytes(&threemf(&text, &[]));
        let wanted: &[&str] = if i == 0 { &[] } else { &["mesh/paint-ignored"] };
        assert_eq!(codes(&read), wanted);
        let parts = &read.value.objects[0].parts;
        let roles: Vec<Role> = parts.iter().map(|p| p.role).collect();
        assert_eq!(roles, [Role::Solid, Role::SupportPaint, Role::NoSeamPaint]);
        let whole: Vec<f64> = FACES[..2].iter().map(|f| area(f.map(|i| POINTS[i]))).collect();
        assert!((parts[1].mesh.area() - 0.25 * whole[0]).abs() < 1e-9, "{}", parts[1].mesh.area());
        assert!((parts[2].mesh.area() - whole[1]).abs() < 1e-9);
    }
    let torn = paint(&mesh_xml(), ["paint_supports=\"3\"", ""]);
    let text = model("", &format!("<object id=\"1\">{torn}</object>"), "<item objectid=\"1\"/>");
    assert_eq!(codes(&read_bytes(&threemf(&text, &[]))), ["mesh/paint-damaged"]);
}

fn area(corners: [[f64; 3]; 3]) -> f64 {
    let [a, b, c] = corners.map(Point3::from);
    0.5 * (b - a).cross(&(c - a)).norm()
}

#[test]
fn projects_of_orca_say_what_parts_are() {
    let leaf = |id: u32| format!("<object id=\"{id}\">{}</object>", mesh_xml());
    let resources = format!(
        "{}{}<object id=\"8\"><components><component objectid=\"1\"/><component objectid=\"2\"/></components></object>",
        leaf(1),
        leaf(2)
    );
    let text = model("", &resources, "<item objectid=\"8\"/><item objectid=\"8\"/>");
    let notes = r#"<config><object id="8"><metadata key="name" value="whole"/><metadata key="extruder" value="1"/>
        <part id="1" subtype="normal_part"><metadata key="name" value="body"/></part>
        <part id="2" subtype="negative_part"><metadata key="name" value="hole"/><metadata key="wall_loops" value="4"/></part>
        </object><plate><metadata key="plater_id" value="1"/><metadata key="plater_name" value="left"/>
        <model_instance><metadata key="object_id" value="8"/><metadata key="instance_id" value="1"/></model_instance>
        </plate></config>"#;
    let settings = br#"{"layer_height": "0.2", "nozzle_temperature": ["220", "225"], "post_process": []}"#;
    let bytes = threemf(
        &text,
        &[
            ("Metadata/model_settings.config", notes.as_bytes()),
            ("Metadata/project_settings.config", settings),
        ],
    );
    let scene = clean(&bytes);
    let object = &scene.objects[0];
    let parts: Vec<_> = object.parts.iter().map(|p| (p.name.as_str(), p.role, p.settings.len())).collect();
    assert_eq!(parts, [("body", Role::Solid, 0), ("hole", Role::Negative, 1)]);
    assert_eq!(object.instances.len(), 2);
    assert_eq!(scene.settings[1], ("nozzle_temperature".to_owned(), "[\"220\",\"225\"]".to_owned()));
    assert_eq!((scene.plates[0].name.as_str(), &scene.plates[0].instances[..]), ("left", &[(0, 1)][..]));
}

#[test]
fn packages_that_are_a_burden_are_refused() {
    // A model of empty elements, hundreds of times larger than its package.
    let text = model("", &"<b/>".repeat(16 << 20), "");
    let read = read_bytes(&threemf(&text, &[]));
    assert!(codes(&read).contains(&"mesh/zip-bomb"), "{:?}", codes(&read));

    // Each object holds the one before it four times.
    let mut resources = format!("<object id=\"1\">{}</object>", mesh_xml());
    for id in 2..40 {
        let inner = format!("<component objectid=\"{}\"/>", id - 1).repeat(4);
        let _ = write!(resources, "<object id=\"{id}\"><components>{inner}</components></object>");
    }
    let options = ReadOptions { max_triangles: 10_000, ..ReadOptions::default() };
    let bytes = threemf(&model("", &resources, "<item objectid=\"39\"/>"), &[]);
    assert!(codes(&read_with(&bytes, &options)).contains(&"mesh/too-large"));
    // One painted triangle, whose digits say that it is divided again and again, in many places.
    let paint = format!("<triangle paint_supports=\"{}\" ", "1".repeat(1000));
    let mesh = mesh_xml().replacen("<triangle ", &paint, 1);
    let places = "<component objectid=\"1\"/>".repeat(20);
    let resources = format!(
        "<object id=\"1\">{mesh}</object><object id=\"2\"><components>{places}</components></object>"
    );
    let bytes = threemf(&model("", &resources, "<item objectid=\"2\"/>"), &[]);
    assert!(codes(&read_with(&bytes, &options)).contains(&"mesh/too-large"));
    assert!(!codes(&read_bytes(&bytes)).contains(&"mesh/too-large"));
    // An object that holds itself.
    let own = "<object id=\"1\"><components><component objectid=\"1\"/></components></object>";
    let read = read_bytes(&threemf(&model("", own, "<item objectid=\"1\"/>"), &[]));
    assert_eq!(codes(&read), ["mesh/too-large"]);
}

fn read_with(bytes: &[u8], options: &ReadOptions) -> Checked<Scene> {
    read(SourceId(0), bytes, options)
}

#[test]
fn a_damaged_package_is_read_as_far_as_it_goes() {
    let many = format!("<object id=\"1\">{}</object>", mesh_xml());
    let text = model("", &many, "<item objectid=\"1\"/>");
    let whole = threemf(&text, &[("Metadata/thumbnail.png", b"not looked at")]);
    // Without the directory at the end everything is still there.
    let end = whole.windows(4).position(|w| w == b"PK\x01\x02").expect("a directory");
    let read = read_bytes(&whole[..end]);
    assert_eq!((codes(&read), read.value.triangles()), (vec!["mesh/truncated"], 4));
    // A wrong checksum.
    let mut wrong = whole.clone();
    wrong[end + 16] ^= 1;
    assert_eq!(codes(&read_bytes(&wrong)), ["mesh/damaged"]);
    // Unknown points and objects.
    let text = text.replace("v3=\"3\"", "v3=\"9\"").replace("</build>", "<item objectid=\"5\"/></build>");
    let read = read_bytes(&threemf(&text, &[]));
    assert_eq!(
        (codes(&read), read.value.triangles()),
        (vec!["mesh/unknown-point", "mesh/unknown-object"], 2)
    );
    assert_eq!(codes(&read_bytes(&package(&[("a.txt", b"x")]))), ["mesh/unknown-format"]);
}

fn amf(unit: &str, constellation: &str, cad: &str) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\"?>\n<amf unit=\"{unit}\"><metadata type=\"cad\">{cad}</metadata>\
         <material id=\"2\"><metadata type=\"name\">PLA</metadata></material>\
         <object id=\"0\"><metadata type=\"name\">thing</metadata><metadata type=\"slic3r.fill_density\">15%</metadata>\
         <mesh><vertices>"
    );
    for [x, y, z] in POINTS {
        let _ = write!(out, "<vertex><coordinates><x>{x}</x><y> {y} </y><z>{z}</z></coordinates></vertex>");
    }
    out.push_str("</vertices>");
    for (kind, faces) in [("ModelPart", &FACES[..]), ("ParameterModifier", &FACES[..2])] {
        let _ = write!(
            out,
            "<volume materialid=\"2\"><metadata type=\"slic3r.volume_type\">{kind}</metadata>\
             <metadata type=\"slic3r.extruder\">2</metadata>"
        );
        for [a, b, c] in faces {
            let _ = write!(out, "<triangle><v1>{a}</v1><v2>{b}</v2><v3>{c}</v3></triangle>");
        }
        out.push_str("</volume>");
    }
    out + "</mesh></object>" + constellation + "</amf>"
}

#[test]
fn amf_has_units_scales_and_turns() {
    let constellation = "<constellation id=\"1\"><instance objectid=\"0\"><deltax>1</deltax><rz>90</rz>\
        <scale>2</scale></instance><instance objectid=\"0\"><deltay>3</deltay><mirrorx>-1</mirrorx></instance></constellation>";
    let plain = amf("inch", constellation, "a program");
    for bytes in [plain.clone().into_bytes(), package(&[("thing.amf", plain.as_bytes())])] {
        let scene = clean(&bytes);
        let object = &scene.objects[0];
        assert_eq!((object.name.as_str(), object.settings.len()), ("thing", 1));
        let roles: Vec<_> =
            object.parts.iter().map(|p| (p.role, p.extruder, p.material.as_deref())).collect();
        assert_eq!(roles, [(Role::Solid, Some(2), Some("PLA")), (Role::Modifier, Some(2), Some("PLA"))]);
        assert_eq!(size(&object.parts[0].mesh), [6.0 * 25.4; 3]);
        let [first, second] = [0, 1].map(|i| object.instances[i].apply(Point3::new(1.0, 0.0, 0.0)));
        assert_eq!(first, Point3::new(25.4, 2.0, 0.0));
        assert_eq!(second, Point3::new(-1.0, 3.0 * 25.4, 0.0));
        assert!(object.instances[1].mirrors());
    }
    // Slic3r writes radians.
    let radians = clean(
        amf("millimeter", &constellation.replace("90", "3.141592653589793"), "Slic3r 1.3.0").as_bytes(),
    );
    assert!(
        (radians.objects[0].instances[0].apply(Point3::new(1.0, 0.0, 0.0)).x - (1.0 - 2.0)).abs() < 1e-12
    );
    let cut = &plain[..plain.len() - 200];
    assert!(codes(&read_bytes(cut.as_bytes())).contains(&"mesh/truncated"));
}

#[test]
fn a_unit_said_by_the_caller_holds() {
    let options = ReadOptions { mm_per_unit: Some(25.4), ..ReadOptions::default() };
    let scene = read_with(&binary_stl(b"", &facets()), &options).value;
    assert_eq!(size(&scene.objects[0].parts[0].mesh), [6.0 * 25.4; 3]);
}

#[test]
fn a_part_in_inches_is_remarked_upon_and_not_scaled() {
    let inches =
        |size: f64| facets().iter().map(|f| f.map(|c| c.map(|v| v * size / 6.0))).collect::<Vec<_>>();
    let read = read_bytes(&binary_stl(b"", &inches(2.0)));
    assert_eq!((codes(&read), size(&read.value.objects[0].parts[0].mesh)), (vec!["mesh/tiny"], [2.0; 3]));
    let hint = read.diagnostics[0].hint.clone().unwrap_or_default();
    assert!(hint.contains("--units in ") && hint.contains("50.8 x 50.8 x 50.8 mm"), "{hint}");
    let metres = read_bytes(&binary_stl(b"", &inches(0.125)));
    assert!(metres.diagnostics[0].hint.as_deref().is_some_and(|h| h.contains("--units m ")), "{metres:?}");
    // Said is said.
    let options = ReadOptions { mm_per_unit: Some(1.0), ..ReadOptions::default() };
    assert_eq!(codes(&read_with(&binary_stl(b"", &inches(2.0)), &options)), Vec::<&str>::new());
}

#[test]
fn what_is_too_far_away_is_left_out() {
    let mut far = facets();
    far[0][0][2] = 1e30;
    let read = read_bytes(&binary_stl(b"", &far));
    assert_eq!((codes(&read), read.value.triangles()), (vec!["mesh/not-finite"], 3));
    let resources = format!("<object id=\"1\">{}</object>", mesh_xml());
    let build = "<item objectid=\"1\" transform=\"1 0 0 0 1 0 0 0 1 1e9 0 0\"/><item objectid=\"1\"/>";
    let read = read_bytes(&threemf(&model("", &resources, build), &[]));
    assert_eq!((codes(&read), read.value.objects[0].instances.len()), (vec!["mesh/too-far"], 1));
    // Nothing in a file is no part.
    let read = read_bytes(b"solid x\nendsolid x vertex");
    assert_eq!((codes(&read), read.value.objects.len()), (vec!["mesh/empty"], 0));
}

proptest! {
    /// Random bytes after beginnings that each format has.
    #[test]
    fn no_bytes_at_all_break_a_reader(
        start in prop::sample::select(vec![
            &b"solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0"[..], b"v 0 0 0\nv 1 0 0\nf 1 2 ", b"<amf><object id=\"1\">",
            b"PK\x03\x04", b"",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
        words in "[ \nvf/0-9.e\\-<>a-z\"=]{0,200}",
    ) {
        let read = read_bytes(&[start, words.as_bytes(), &rest].concat());
        let meshes = read.value.objects.iter().flat_map(|o| &o.parts).map(|p| &p.mesh);
        for mesh in meshes {
            prop_assert!(mesh.points.iter().all(|p| p.iter().all(|v| v.is_finite())));
            prop_assert!(mesh.triangles.iter().flatten().all(|i| (*i as usize) < mesh.points.len()));
        }
    }

    #[test]
    fn a_mesh_is_the_same_in_text_and_in_bytes(
        facets in prop::collection::vec(prop::array::uniform3(prop::array::uniform3(-20_i32..20)), 1..40),
    ) {
        let facets: Vec<_> = facets.iter().map(|f| f.map(|c| c.map(|v| f64::from(v) / 4.0))).collect();
        let mut obj = String::new();
        for facet in &facets {
            for [x, y, z] in facet {
                let _ = writeln!(obj, "v {x} {y} {z}");
            }
            obj.push_str("f -3 -2 -1\n");
        }
        let read_mm = |bytes: &[u8]| read_with(bytes, &ReadOptions { mm_per_unit: Some(1.0), ..ReadOptions::default() }).value;
        let meshes = [binary_stl(b"", &facets), text_stl(&facets, "\n").into_bytes(), obj.into_bytes()]
            .map(|bytes| read_mm(&bytes).objects.remove(0).parts.remove(0).mesh);
        prop_assert_eq!(&meshes[0], &meshes[1]);
        prop_assert_eq!(&meshes[0], &meshes[2]);
    }
}
