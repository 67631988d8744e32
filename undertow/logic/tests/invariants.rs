// SPDX-License-Identifier: GPL-2.0

//! The list of invariants is the list of invariants in the code, and every
//! test that it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

fn ids(text: &str) -> BTreeSet<&str> {
    text.match_indices("INV-")
        .map(|(at, _)| {
            let rest = &text[at..];
            let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
            &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
        })
        .filter(|id| id.ends_with(|c: char| c.is_ascii_digit()))
        .collect()
}

#[test]
fn code_list_and_tests_name_the_same_invariants() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut code, mut tests) = (String::new(), String::new());
    read(&root.join("src"), &mut code);
    read(&root.join("../../rust/kernel/undertow"), &mut code);
    read(&root.join("tests"), &mut tests);
    let jobs = ["guest", "attack"].map(|dir| root.join("../../selftests").join(dir));
    let list = fs::read_to_string(root.join("INVARIANTS.md")).unwrap();

    assert!(ids(&list).len() >= 20, "the reader found too little");
    assert_eq!(ids(&code), ids(&list), "the code and INVARIANTS.md");
    for row in list.lines().filter(|row| row.starts_with("| INV-")) {
        let attacks = row.split('|').nth(4).unwrap();
        for name in attacks
            .split('`')
            .filter(|name| name.ends_with(".sh") || name.contains('_') && !name.ends_with(".rs"))
        {
            let is_there = match name.ends_with(".sh") {
                true => jobs.iter().any(|dir| dir.join(name).is_file()),
                false => tests.contains(&format!("fn {name}(")),
            };
            assert!(is_there, "no test {name}");
        }
    }
}
