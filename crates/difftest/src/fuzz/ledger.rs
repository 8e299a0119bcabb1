//! What campaigns did, in files that outlive them.
//!
//! A ledger is lines of JSON, each appended by one write to a file opened for
//! appending, so that several campaigns may share one. A campaign that is killed
//! loses no more than what it did since its last [`Entry::Progress`]; a line that
//! was cut off is passed over, and counted.
//!
//! | `type` | when |
//! |---|---|
//! | `campaign` | at the start: what is to be done, under a name (`run`) that no other has |
//! | `progress` | every half minute, and at the end: all that was done so far |
//! | `finding` | at each finding |
//!
//! [`Joined`] is what several ledgers say together; written, it is a ledger again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::{Found, Plan, Record, Report, Tally};

/// Time between two lines of progress.
const PAUSE: Duration = Duration::from_secs(30);

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Entry {
    /// What is to be done.
    Campaign(Campaign),
    /// What was done so far.
    Progress(Box<Progress>),
    /// What was found.
    Finding {
        /// Of which campaign.
        run: String,
        /// The finding.
        #[serde(flatten)]
        record: Box<Record>,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its name.
    pub run: String,
    /// Seconds since 1970 when it began.
    pub started: u64,
    /// Version of this library.
    pub version: String,
    /// The seed, in hexadecimal.
    pub seed: String,
    /// The kinds of programs.
    pub mix: String,
    /// Oracles, by name.
    pub oracles: Vec<String>,
    /// Whom ours was held against.
    pub against: String,
    /// Which part of the programs: `0/8`.
    pub shard: String,
}

/// What was done so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Of which campaign.
    pub run: String,
    /// Whether it is over.
    pub over: bool,
    /// Seconds.
    pub seconds: f64,
    /// The first so many programs of the shard were looked at.
    pub covered: u64,
    /// Programs and runs.
    #[serde(flatten)]
    pub tally: Tally,
    /// How often something of a class was found.
    pub classes: BTreeMap<String, u64>,
    /// What of the verifier was exercised.
    pub coverage: Coverage,
}

impl Progress {
    fn new(run: &str, over: bool, report: &Report) -> Progress {
        Progress {
            run: run.to_owned(),
            over,
            seconds: report.time.as_secs_f64(),
            covered: report.covered,
            tally: report.tally.clone(),
            classes: report.classes.clone(),
            coverage: report.coverage.clone(),
        }
    }
}

/// A ledger that a campaign writes into.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    run: String,
    told: Instant,
}

impl Ledger {
    /// Opens a ledger, which may have lines already, and writes down what is to be
    /// done.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub fn open(path: &Path, plan: &Plan) -> io::Result<Ledger> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        if is_cut_off(&mut file)? {
            file.write_all(b"\n")?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let run = format!(
            "{:x}-{}-{:x}-{:x}",
            plan.seed.0,
            plan.shard,
            now.as_nanos(),
            std::process::id()
        );
        let mut ledger = Ledger {
            file,
            run: run.clone(),
            told: Instant::now(),
        };
        let names = plan.oracles.iter().map(|oracle| oracle.name().to_owned());
        ledger.append(&Entry::Campaign(Campaign {
            run,
            started: now.as_secs(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: format!("{:#x}", plan.seed.0),
            mix: plan.mix.to_string(),
            oracles: names.collect(),
            against: plan.against.to_string(),
            shard: plan.shard.to_string(),
        }))?;
        Ok(ledger)
    }

    /// Writes down a finding.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn found(&mut self, found: &Found) -> io::Result<()> {
        self.append(&Entry::Finding {
            run: self.run.clone(),
            record: Box::new(found.record()),
        })?;
        self.file.sync_data()
    }

    /// Writes down how far the campaign has come, if it is time to.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn progress(&mut self, report: &Report) -> io::Result<()> {
        if self.told.elapsed() < PAUSE {
            return Ok(());
        }
        self.told = Instant::now();
        self.write(report, false)
    }

    /// Writes down what came of the campaign.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn end(&mut self, report: &Report) -> io::Result<()> {
        self.write(report, true)?;
        self.file.sync_data()
    }

    fn write(&mut self, report: &Report, over: bool) -> io::Result<()> {
        let progress = Progress::new(&self.run, over, report);
        self.append(&Entry::Progress(Box::new(progress)))
    }

    /// One write, so that lines of several campaigns do not mix.
    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

/// Whether the last line has no end.
fn is_cut_off(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// What several ledgers say together.
#[derive(Clone, Debug, Default)]
pub struct Joined {
    /// Campaigns by name, each with how far it came. Of those that did the same
    /// programs for the same oracles, the one that came farthest.
    pub runs: BTreeMap<String, (Campaign, Option<Progress>)>,
    /// Programs that were looked at twice: by a campaign that was run again.
    pub repeated: u64,
    /// Findings by hash: the first of each, with how often it stands in the ledgers.
    pub findings: BTreeMap<String, (String, Record, u64)>,
    /// Lines that were cut off.
    pub cut_off: u64,
}

impl Joined {
    /// Adds a ledger. A text without any line of a ledger is none.
    ///
    /// # Errors
    ///
    /// [`NoLedger`].
    pub fn add(&mut self, text: &str) -> Result<(), NoLedger> {
        let mut read = false;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(entry) => {
                    read = true;
                    self.entry(entry);
                }
                Err(_) => self.cut_off += 1,
            }
        }
        read.then_some(()).ok_or(NoLedger)
    }

    fn entry(&mut self, entry: Entry) {
        match entry {
            Entry::Campaign(campaign) => {
                let run = campaign.run.clone();
                self.runs.entry(run).or_insert((campaign, None));
            }
            Entry::Progress(progress) => {
                if let Some((_, known)) = self.runs.get_mut(&progress.run) {
                    let later = known
                        .as_ref()
                        .is_none_or(|k| k.tally.programs <= progress.tally.programs);
                    if later {
                        *known = Some(*progress);
                    }
                }
            }
            Entry::Finding { run, record } => {
                let hash = record.hash.clone();
                let known = self.findings.entry(hash).or_insert((run, *record, 0));
                known.2 += 1;
            }
        }
    }

    /// Leaves out campaigns that did again what another one did.
    pub fn settle(&mut self) {
        let mut best: BTreeMap<(String, String, Vec<String>, String, String), String> =
            BTreeMap::new();
        let programs = |runs: &BTreeMap<String, (Campaign, Option<Progress>)>, run: &str| {
            let progress = runs.get(run).and_then(|(_, progress)| progress.as_ref());
            progress.map_or(0, |progress| progress.tally.programs)
        };
        let runs = std::mem::take(&mut self.runs);
        for (run, (campaign, _)) in &runs {
            let key = (
                campaign.seed.clone(),
                campaign.mix.clone(),
                campaign.oracles.clone(),
                campaign.against.clone(),
                campaign.shard.clone(),
            );
            let known = best.entry(key).or_insert_with(|| run.clone());
            if known == run {
                continue;
            }
            let (ours, theirs) = (programs(&runs, run), programs(&runs, known));
            self.repeated += ours.min(theirs);
            if ours > theirs {
                known.clone_from(run);
            }
        }
        self.runs = runs;
        self.runs
            .retain(|run, _| best.values().any(|kept| kept == run));
    }

    /// All campaigns together.
    pub fn report(&self) -> Report {
        let mut report = Report {
            found: self.findings.len() as u64,
            ..Report::default()
        };
        for progress in self.runs.values().filter_map(|(_, p)| p.as_ref()) {
            report.tally.add(&progress.tally);
            report.coverage.add(progress.coverage.clone());
            report.time += Duration::from_secs_f64(progress.seconds.max(0.0));
            for (class, count) in &progress.classes {
                *report.classes.entry(class.clone()).or_default() += count;
            }
        }
        report
    }

    /// The lines of a ledger that says the same.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let runs = self.runs.values().flat_map(|(campaign, progress)| {
            let progress = progress.clone().map(|p| Entry::Progress(Box::new(p)));
            [Some(Entry::Campaign(campaign.clone())), progress]
        });
        let findings = self
            .findings
            .values()
            .map(|(run, record, _)| Entry::Finding {
                run: run.clone(),
                record: Box::new(record.clone()),
            });
        runs.flatten().chain(findings)
    }
}

/// A text that is no ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no ledger: none of its lines is one that `ebpf-sim fuzz --ledger` writes")]
pub struct NoLedger;

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(run: &str, shard: &str) -> String {
        let entry = Entry::Campaign(Campaign {
            run: run.to_owned(),
            started: 1,
            version: "1".to_owned(),
            seed: "0x1".to_owned(),
            mix: String::new(),
            oracles: vec!["state".to_owned()],
            against: "none".to_owned(),
            shard: shard.to_owned(),
        });
        serde_json::to_string(&entry).expect("JSON") + "\n"
    }

    fn progress(run: &str, programs: u64) -> String {
        let mut report = Report::default();
        report.tally.programs = programs;
        report.classes.insert("a: b".to_owned(), programs);
        let progress = Progress::new(run, false, &report);
        serde_json::to_string(&Entry::Progress(Box::new(progress))).expect("JSON") + "\n"
    }

    fn finding(run: &str, hash: &str) -> String {
        let entry = Entry::Finding {
            run: run.to_owned(),
            record: Box::new(Record {
                hash: hash.to_owned(),
                oracle: "a".to_owned(),
                class: "b".to_owned(),
                what: String::new(),
                seed: "0x1".to_owned(),
                index: 4,
                pc: None,
                slots: 2,
                slots_before: 9,
                program: serde_json::Value::Null,
            }),
        };
        serde_json::to_string(&entry).expect("JSON") + "\n"
    }

    #[test]
    fn what_several_say_together() {
        let mut joined = Joined::default();
        let first = campaign("r1", "0/2")
            + &progress("r1", 10)
            + &progress("r1", 30)
            + &finding("r1", "ff");
        let second = campaign("r2", "1/2") + &progress("r2", 5) + &finding("r2", "ff");
        // The first one once more, which was killed.
        let third = campaign("r3", "0/2") + &progress("r3", 20) + "{\"type\":\"progr";
        for text in [&first, &second, &third] {
            joined.add(text).expect("a ledger");
        }
        joined.settle();
        let report = joined.report();
        assert_eq!(report.tally.programs, 35);
        assert_eq!(report.classes["a: b"], 35);
        assert_eq!((joined.repeated, joined.cut_off), (20, 1));
        assert_eq!(joined.findings["ff"].2, 2);
        let mut text = String::new();
        for entry in joined.entries() {
            text += &serde_json::to_string(&entry).expect("JSON");
            text += "\n";
        }
        let mut again = Joined::default();
        again.add(&text).expect("a ledger");
        again.settle();
        assert_eq!(again.report().tally.programs, 35);
        assert_eq!(again.findings.len(), 1);
    }

    #[test]
    fn what_is_no_ledger() {
        assert_eq!(Joined::default().add("{}\nhello\n"), Err(NoLedger));
        assert_eq!(Joined::default().add(""), Err(NoLedger));
    }
}
