//! Bundles: many profiles in one file, of which some extend others (PrusaSlicer's, Slic3r's and their relatives').
//!
//! ```text
//!   [print:*common*]              a profile: what it is about, and its name; names in stars are for others to extend
//!   [print:0.20mm]
//!   inherits = *common*; *fast*   what is said later counts, and what the profile itself says counts most
//!   [presets]                     which of them are in use
//! ```

use super::ini_line;
use shop_formats::mesh::Setting;

/// One profile of a bundle.
#[derive(Clone, Debug, Default, PartialEq)]
struct Profile<'a> {
    about: &'a str,
    name: &'a str,
    settings: Vec<(&'a str, &'a str)>,
}

/// What profiles are about; others are of the vendor's own business.
const ABOUT: [&str; 3] = ["printer", "filament", "print"];
/// Profiles extend one another no deeper than this.
const DEEPEST: usize = 32;
/// And no more often than this all in all: each may name several, or one again and again.
const MOST_EXTENDED: usize = 10_000;

/// True when a text is a bundle.
pub fn is_bundle(text: &str) -> bool {
    text.lines().any(|l| head(l).is_some_and(|(about, name)| ABOUT.contains(&about) && !name.is_empty()))
}

fn head(line: &str) -> Option<(&str, &str)> {
    let inside = line.trim().strip_prefix('[')?.strip_suffix(']')?;
    Some(inside.split_once(':').unwrap_or((inside, "")))
}

/// Returns the settings of the wanted profiles: of each thing that they are about the one that is named, or the one that is
/// in use, or the only one. Says what is missing otherwise.
pub fn pick(text: &str, wanted: &[String]) -> Result<Vec<Setting>, String> {
    let profiles = parse(text);
    let in_use = profiles.iter().find(|p| p.about == "presets");
    let mut out: Vec<Setting> = Vec::new();
    let mut known = vec![false; wanted.len()];
    for about in ABOUT {
        let of: Vec<&Profile<'_>> =
            profiles.iter().filter(|p| p.about == about && !p.name.starts_with('*')).collect();
        let named = wanted.iter().position(|w| of.iter().any(|p| p.name == w));
        let name = match named {
            Some(i) => {
                known[i] = true;
                Some(wanted[i].as_str())
            }
            None if of.len() == 1 => Some(of[0].name),
            None => in_use.and_then(|p| p.settings.iter().find(|(k, _)| *k == about)).map(|(_, v)| *v),
        };
        match name.and_then(|name| of.iter().find(|p| p.name == name)) {
            Some(profile) => {
                let mut own = Vec::new();
                gather(&profiles, profile, 0, &mut { MOST_EXTENDED }, &mut own)?;
                out.extend(own.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
            }
            None if of.is_empty() => {}
            None => return Err(format!("which {about}? {}", listed(&of))),
        }
    }
    // Several of one kind, such as filaments, cannot be told apart here: one after another is asked for.
    if let Some(i) = known.iter().position(|k| !k) {
        let all: Vec<&Profile<'_>> = profiles.iter().filter(|p| ABOUT.contains(&p.about)).collect();
        return Err(format!(
            "there is no second profile for `{}` to be, or none at all: {}",
            wanted[i],
            listed(&all)
        ));
    }
    Ok(out)
}

fn listed(profiles: &[&Profile<'_>]) -> String {
    let few: Vec<String> = profiles.iter().take(12).map(|p| format!("`{}`", p.name)).collect();
    let more = profiles.len().saturating_sub(few.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("there are {}{rest}; name one with --preset", few.join(", "))
}

/// Lays what a profile extends, and then itself, over settings.
fn gather<'a>(
    profiles: &[Profile<'a>],
    profile: &Profile<'a>,
    depth: usize,
    left: &mut usize,
    out: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("the profile `{}` extends itself", profile.name));
    }
    let Some(fewer) = left.checked_sub(1) else {
        return Err(format!("the profile `{}` extends too many others", profile.name));
    };
    *left = fewer;
    let parents = profile.settings.iter().find(|(k, _)| *k == "inherits").map_or("", |(_, v)| *v);
    for parent in parents.split(';').map(|p| p.trim().trim_matches('"')).filter(|p| !p.is_empty()) {
        let found = profiles.iter().find(|p| p.about == profile.about && p.name == parent);
        let found = found.ok_or_else(|| {
            format!(
                "`{}` extends `{parent}`, which is not in the file; export the profile alone",
                profile.name
            )
        })?;
        gather(profiles, found, depth + 1, left, out)?;
    }
    for (key, value) in profile.settings.iter().filter(|(k, _)| *k != "inherits") {
        out.retain(|(k, _)| k != key);
        out.push((key, value));
    }
    Ok(())
}

fn parse(text: &str) -> Vec<Profile<'_>> {
    let mut out: Vec<Profile<'_>> = Vec::new();
    for line in text.lines() {
        if let Some((about, name)) = head(line) {
            out.push(Profile { about, name, settings: Vec::new() });
        } else if let (Some(pair), Some(profile)) = (ini_line(line), out.last_mut()) {
            profile.settings.push(pair);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = "\
# generated
[vendor]
name = somebody
[printer:MK3]
bed_shape = 0x0,250x0,250x210,0x210
[print:*common*]
perimeters = 2
fill_density = 20%
[print:*fast*]
fill_density = 10%
[print:draft]
inherits = *common*; *fast*
layer_height = 0.3
[print:fine]
inherits = draft
layer_height = 0.1
perimeters = 4
[filament:PLA]
temperature = 210
[filament:PETG]
inherits = PLA
temperature = 240
[presets]
print = draft
filament = PETG
";

    fn picked(wanted: &[&str]) -> Result<Vec<Setting>, String> {
        pick(BUNDLE, &wanted.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    fn value(all: &[Setting], key: &str) -> Option<String> {
        let mut found = all.iter().filter(|(k, _)| k == key);
        let value = found.next().map(|(_, v)| v.clone());
        assert!(found.next().is_none(), "{key} is said once");
        value
    }

    #[test]
    fn what_is_in_use_is_taken_or_what_is_named() {
        assert!(is_bundle(BUNDLE) && !is_bundle("perimeters = 2\n[presets]\n"));
        let used = picked(&[]).expect("in use");
        for (key, want) in [("layer_height", "0.3"), ("fill_density", "10%"), ("temperature", "240")] {
            assert_eq!(value(&used, key).as_deref(), Some(want));
        }
        let named = picked(&["fine", "PLA"]).expect("named");
        for (key, want) in
            [("layer_height", "0.1"), ("perimeters", "4"), ("fill_density", "10%"), ("temperature", "210")]
        {
            assert_eq!(value(&named, key).as_deref(), Some(want));
        }
        assert_eq!(value(&named, "inherits"), None);
    }

    #[test]
    fn what_is_missing_is_told() {
        assert!(picked(&["nothing"]).is_err_and(|e| e.contains("`draft`")));
        let open = BUNDLE.split("[presets]").next().unwrap_or_default();
        assert!(pick(open, &[]).is_err_and(|e| e.starts_with("which filament?") && e.contains("`PETG`")));
        assert!(pick("[print:a]\ninherits = b\n", &[]).is_err_and(|e| e.contains("`b`")));
        assert!(pick("[print:a]\ninherits = a\n", &[]).is_err_and(|e| e.contains("extends itself")));
    }

    #[test]
    fn profiles_that_name_others_twice_are_no_burden() {
        let twice = |n: usize| format!("[print:*{n}*]\ninherits = *{0}*; *{0}*\n", n - 1);
        let chain = |n| (1..=n).map(twice).collect::<String>() + &format!("[print:a]\ninherits = *{n}*\n");
        let of = |n| pick(&format!("[print:*0*]\nperimeters = 2\n{}", chain(n)), &[]);
        assert_eq!(of(8), Ok(vec![("perimeters".to_owned(), "2".to_owned())]));
        assert!(of(30).is_err_and(|e| e.contains("extends too many others")));
    }
}
