//! The README's commands name machines and files that exist.

use std::path::Path;

#[test]
fn machines_and_files_of_the_readme_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let commands: Vec<&str> = readme
        .lines()
        .filter(|l| l.contains("shopctl cut ") || l.contains("-- cut ") || l.contains("shopctl machine "))
        .collect();
    assert!(commands.len() >= 5);
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        for pair in words.windows(2) {
            if matches!(pair[0], "-m" | "--from" | "show") {
                let profile = root.join("machines").join(format!("{}.toml", pair[1]));
                assert!(profile.exists(), "{} of `{command}`", pair[1]);
            }
        }
        for word in words.iter().filter(|w| w.starts_with("examples/")) {
            assert!(root.join(word).exists(), "{word} of `{command}`");
        }
    }
}
