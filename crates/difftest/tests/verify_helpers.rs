//! Calls of every helper with every kind of value in every argument: our verifier
//! must say what Linux says.
//!
//! What Linux says stands in `corpus/facts/linux-6.18/helper_calls.json`; where the
//! running kernel can be asked, it must still say so. `UPDATE_EXPECT=1` writes the
//! file. `VERIFY_HELPERS=text` takes only helpers whose name contains the text.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::PathBuf;

use abi::Flavor;
use abi::helpers::{HELPERS, Helper};
use difftest::verify::helper_calls::{Case, bare, cases, flavors, kinds};
use difftest::verify::{Judge, LinuxJudge, Opinion, OurJudge, Said};
use kernel::testing::{kernel_or_skip, note};
use loader::raw::RawProgram;
use serde_json::Value;

/// In how many flavors a helper is called.
const FLAVORS: usize = 2;
/// What Linux refuses without a word; the line that it stands behind is the
/// instruction's.
const SILENT: &str = "(85) call ";

/// `ok`, or error number and sentence.
fn said(opinion: &Opinion) -> String {
    match &opinion.said {
        Said::Accepted => "ok".to_owned(),
        Said::Refused(errno) if opinion.message.contains(SILENT) => format!("{errno}: "),
        Said::Refused(errno) => format!("{errno}: {}", opinion.message),
        Said::Unsupported(feature) => format!("unsupported: {feature}"),
    }
}

fn ask(judge: &mut dyn Judge, raw: &RawProgram, what: &dyn std::fmt::Display) -> String {
    let opinion = judge.judge(raw, 1);
    said(&opinion.unwrap_or_else(|error| panic!("{what}: {error}")))
}

/// How two parties agree.
#[derive(Default)]
struct Table {
    agreed: usize,
    unsupported: BTreeMap<String, usize>,
    /// By what the two say, the calls.
    disagreed: BTreeMap<(String, String), Vec<String>>,
}

impl Table {
    fn add(&mut self, what: &dyn std::fmt::Display, ours: String, linux: String) {
        if let Some(feature) = ours.strip_prefix("unsupported: ") {
            *self.unsupported.entry(feature.to_owned()).or_default() += 1;
        } else if ours == linux {
            self.agreed += 1;
        } else {
            let calls = self.disagreed.entry((ours, linux)).or_default();
            calls.push(what.to_string());
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let disagreed: usize = self.disagreed.values().map(Vec::len).sum();
        let unsupported: usize = self.unsupported.values().sum();
        let agreed = self.agreed;
        writeln!(
            f,
            "{agreed} agreed, {disagreed} disagreed, {unsupported} unsupported"
        )?;
        for (feature, count) in &self.unsupported {
            writeln!(f, "  {count:6} unsupported: {feature}")?;
        }
        for ((ours, linux), calls) in &self.disagreed {
            writeln!(f, "  {:6} ours: {ours}", calls.len())?;
            writeln!(f, "        linux: {linux}")?;
            writeln!(f, "            {}", calls[0])?;
        }
        Ok(())
    }
}

/// The measured answers: for each helper, flavor and argument what is said of
/// which kinds.
#[derive(Default)]
struct Measured {
    rows: BTreeMap<(u32, String, usize), BTreeMap<String, Vec<usize>>>,
}

impl Measured {
    fn path() -> PathBuf {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        root.join("../../corpus/facts/linux-6.18/helper_calls.json")
    }

    fn add(&mut self, case: &Case, kind: usize, said: String) {
        let key = (case.helper.id, case.flavor.to_string(), case.argument);
        let row = self.rows.entry(key).or_default();
        row.entry(said).or_default().push(kind);
    }

    fn text(&self) -> String {
        let kinds: Vec<String> = kinds().collect();
        let mut text = String::from("{\n\"kernel\": \"6.18.44 x86-64\",\n");
        text += "\"method\": \"a complete call of each helper in two flavors (argument 0), \
            then one argument at a time replaced by each of `kinds`; a row has \
            helper, flavor, argument, and by number of the sentence the numbers of the kinds \
            that it is said to\",\n";
        let _ = writeln!(text, "\"kinds\": {},", serde_json::json!(kinds));
        let sentences: BTreeSet<&String> = self.rows.values().flat_map(BTreeMap::keys).collect();
        let numbers: HashMap<&String, usize> = sentences.iter().copied().zip(0..).collect();
        let _ = writeln!(text, "\"sentences\": {},", serde_json::json!(sentences));
        text += "\"calls\": [\n";
        let rows = self.rows.iter().map(|((helper, flavor, argument), said)| {
            let said: BTreeMap<usize, String> = said
                .iter()
                .map(|(said, kinds)| (numbers[said], runs(kinds)))
                .collect();
            serde_json::json!([helper, flavor, argument, said]).to_string()
        });
        text += &rows.collect::<Vec<_>>().join(",\n");
        text + "\n]\n}\n"
    }

    fn read() -> HashMap<(u32, String, usize, usize), String> {
        let text = std::fs::read_to_string(Measured::path()).expect("the measured file");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let number = |value: &Value| value.as_u64().expect("a number") as usize;
        let mut all = HashMap::new();
        for row in file["calls"].as_array().expect("rows") {
            let flavor = row[1].as_str().expect("a name");
            for (sentence, kinds) in row[3].as_object().expect("answers") {
                let said = &file["sentences"][sentence.parse::<usize>().expect("a number")];
                let said = said.as_str().expect("a sentence");
                for kind in numbers(kinds.as_str().expect("a set")) {
                    let key = (
                        number(&row[0]) as u32,
                        flavor.to_owned(),
                        number(&row[2]),
                        kind,
                    );
                    all.insert(key, said.to_owned());
                }
            }
        }
        all
    }
}

/// `0-3,7`.
fn runs(numbers: &[usize]) -> String {
    let mut text = String::new();
    let mut rest = numbers;
    while let Some(first) = rest.first() {
        let run = rest
            .iter()
            .enumerate()
            .take_while(|(i, n)| **n == first + i)
            .count();
        let comma = if text.is_empty() { "" } else { "," };
        let _ = match run {
            1 => write!(text, "{comma}{first}"),
            _ => write!(text, "{comma}{first}-{}", first + run - 1),
        };
        rest = &rest[run..];
    }
    text
}

fn numbers(set: &str) -> impl Iterator<Item = usize> {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    set.split(',').flat_map(move |part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        number(first)..=number(last)
    })
}

fn wanted() -> impl Iterator<Item = &'static Helper> {
    let wanted = std::env::var("VERIFY_HELPERS").unwrap_or_default();
    HELPERS
        .iter()
        .filter(move |helper| helper.name.contains(&wanted))
}

#[test]
fn arguments_of_helpers() {
    let kernel = kernel_or_skip();
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    // Kernel types and CPUs are those of the machine that is asked.
    let Some(kernel) = kernel else {
        return;
    };
    let mut ours = OurJudge::of(&kernel);
    let mut linux = LinuxJudge::new(kernel);
    let names: HashMap<String, usize> = kinds().zip(0..).collect();
    let measured = if update {
        HashMap::new()
    } else {
        Measured::read()
    };
    let (mut table, mut now, mut changed) = (Table::default(), Measured::default(), String::new());
    for helper in wanted() {
        for case in cases(helper, FLAVORS) {
            let kind = names.get(&case.kind).copied().unwrap_or(0);
            let said = ask(&mut linux, &case.raw, &case);
            let key = (helper.id, case.flavor.to_string(), case.argument, kind);
            if !update && measured.get(&key) != Some(&said) {
                let _ = writeln!(changed, "{case}: {said}");
            }
            table.add(&case, ask(&mut ours, &case.raw, &case), said.clone());
            now.add(&case, kind, said);
        }
    }
    if update {
        std::fs::write(Measured::path(), now.text()).expect("the file can be written");
    }
    note(&format!("arguments of helpers: {table}"));
    assert!(table.disagreed.is_empty());
    assert!(changed.is_empty(), "{changed}");
}

/// Where no kernel can be asked the file stands for it. What depends on the
/// kernel's types is not supported then.
#[test]
fn arguments_of_helpers_as_measured() {
    let mut ours = OurJudge::default();
    let names: HashMap<String, usize> = kinds().zip(0..).collect();
    let measured = Measured::read();
    let mut table = Table::default();
    for helper in wanted() {
        for case in cases(helper, FLAVORS) {
            let kind = names.get(&case.kind).copied().unwrap_or(0);
            let key = (helper.id, case.flavor.to_string(), case.argument, kind);
            let said = measured.get(&key).expect("every call was measured");
            table.add(&case, ask(&mut ours, &case.raw, &case), said.clone());
        }
    }
    note(&format!("arguments of helpers, as measured: {table}"));
    assert!(table.agreed > 60_000);
    assert!(table.disagreed.is_empty());
}

/// Who may call what, under which licence, and the first thing that is said.
#[test]
fn helpers_of_flavors() {
    let Some(kernel) = kernel_or_skip() else {
        return;
    };
    let mut ours = OurJudge::of(&kernel);
    let mut linux = LinuxJudge::new(kernel);
    let mut table = Table::default();
    let ids = 0..HELPERS.len() as u32 + 3;
    let calls = |flavor: &'static Flavor| {
        let ids = ids.clone();
        ids.flat_map(move |id| ["GPL", "Proprietary"].map(|license| (flavor, id, license)))
    };
    for (flavor, id, license) in flavors().flat_map(calls) {
        let raw = bare(id, flavor, license);
        let what = format!("{id} in {flavor}, {license}");
        let said = ask(&mut linux, &raw, &what);
        table.add(&what, ask(&mut ours, &raw, &what), said);
    }
    note(&format!("helpers of flavors: {table}"));
    assert!(table.disagreed.is_empty());
}
