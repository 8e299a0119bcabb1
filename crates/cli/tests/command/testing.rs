//! `docs/testing.md` says the truth: its files are written, its commands run.

use std::fs;
use std::path::Path;

use crate::support::{Ran, command, corpus};

/// The fenced blocks of a page: kind and lines.
fn blocks(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let inside = lines.by_ref().take_while(|line| *line != "```");
            blocks.push((kind, inside.collect()));
        }
    }
    blocks
}

/// Runs a line that begins with the name of the command.
fn run(folder: &Path, line: &str) -> Ran {
    let arguments = line.strip_prefix("ebpf-sim ").unwrap();
    let mut command = command(arguments);
    Ran::from(command.current_dir(folder).output().unwrap())
}

/// Commands behind `$ `, with what they print below.
fn console(folder: &Path, lines: &[&str]) -> usize {
    let mut lines = lines.iter().peekable();
    let (mut code, mut commands) = (0, 0);
    while let Some(line) = lines.next() {
        let line = line.strip_prefix("$ ").unwrap();
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            expected += line;
            expected.push('\n');
        }
        if line == "echo $?" {
            assert_eq!(expected.trim(), code.to_string());
            continue;
        }
        let ran = run(folder, line);
        assert_eq!(ran.stdout, expected, "{line}: {}", ran.stderr);
        code = ran.code;
        commands += 1;
    }
    commands
}

#[test]
fn from_an_object_to_a_green_test() {
    let page = corpus().join("../docs/testing.md");
    let page = fs::read_to_string(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let object = corpus().join("objects/portknock.bpf.o");
    fs::copy(object, folder.join("prog.o")).unwrap();

    let succeeds = |line: &str| {
        let ran = run(folder, line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.text());
    };
    let mut commands = 0;
    for (kind, lines) in blocks(&page) {
        match kind {
            "toml" => {
                let name = lines[0].strip_prefix("# ").unwrap();
                fs::write(folder.join(name), lines.join("\n")).unwrap();
            }
            "sh" => {
                lines.iter().for_each(|line| succeeds(line));
                commands += lines.len();
            }
            "yaml" => {
                let steps = lines
                    .iter()
                    .filter_map(|l| l.trim().strip_prefix("- run: "));
                for line in steps.filter(|line| line.starts_with("ebpf-sim ")) {
                    succeeds(line);
                    commands += 1;
                }
            }
            "console" => commands += console(folder, &lines),
            _ => {}
        }
    }
    assert!(commands >= 9, "{commands} commands");
    for written in ["knock.pcapng", "report.xml"] {
        assert!(folder.join(written).exists(), "{written}");
    }
}
