//! Packets: action, bytes, where they went, how much work they were.

use super::{Judge, Seen, quoted};
use crate::file::{Error, Seg, action_name};
use crate::model::{FateExpect, OutputExpect, Packets, Scenario, Step};
use crate::packet::{self, Pattern};
use crate::report::Check;
use crate::run::Fate;

/// More misses than this say nothing new.
const SHOWN: usize = 10;

/// Packets whose actions a file lists one by one.
const LISTED: usize = 64;

/// Holds the packets of a step against what is expected of them.
pub(crate) fn packets(
    scenario: &Scenario,
    step: &Step,
    seen: &Seen,
    check: &mut Check,
) -> Result<(), Error> {
    let expected = &step.expect.packets;
    let mut judge = Judge { scenario, check };
    if matches!(step.packets, Packets::None) {
        return Ok(());
    }
    if expected.is_empty() {
        if step.expect.spot.is_none() {
            bless_unexpected(&mut judge, step, seen);
        }
        return Ok(());
    }
    if expected.len() > 1 && expected.len() != seen.fates.len() {
        let spot = step.expect.spot.clone().unwrap_or_default();
        let (wanted, got) = (expected.len(), seen.fates.len());
        judge.miss(&spot, "packets", wanted.to_string(), got.to_string());
        return Ok(());
    }
    let many = seen.fates.len() > 1;
    let before = judge.check.fixes.len();
    for (number, (sent, fate)) in seen.fates.iter().enumerate() {
        let expect = match &expected[..] {
            [all] => all,
            each => &each[number],
        };
        let name = match many {
            true => format!("packet {number}: "),
            false => String::new(),
        };
        let mut one = One {
            judge: &mut judge,
            name,
            number: number as u64,
            sent,
            fate,
        };
        one.compare(expect)?;
    }
    let hidden = judge.check.misses.len().saturating_sub(SHOWN);
    if many && hidden > 0 {
        judge.check.misses.truncate(SHOWN);
        judge.detail(format!("… and {hidden} more\n"));
    }
    // One expectation for packets that fared differently becomes one for each.
    if many && expected.len() == 1 && judge.check.fixes.len() > before {
        judge.check.fixes.truncate(before);
        let spot = step.expect.spot.clone().unwrap_or_default();
        if let Some(list) = actions(seen) {
            judge.fix(&spot, list);
        }
    }
    Ok(())
}

/// What a file would expect of packets that it expects nothing of.
fn bless_unexpected(judge: &mut Judge<'_>, step: &Step, seen: &Seen) {
    let spot = step.spot.inside(Seg::Key("expect".to_owned()), 0..0);
    let value = match &seen.fates[..] {
        [] => return,
        [(sent, fate)] if fate.output == *sent || fate.to.is_empty() => {
            quoted(action_name(fate.action))
        }
        [(_, fate)] => format!(
            "{{ action = {}, output = {} }}",
            quoted(action_name(fate.action)),
            quoted(&packet::describe(&fate.output))
        ),
        _ => match actions(seen) {
            Some(list) => list,
            None => return,
        },
    };
    judge.fix(&spot, value);
}

/// The actions of all packets as TOML: one for all, or a list.
fn actions(seen: &Seen) -> Option<String> {
    let mut names = seen.fates.iter().map(|(_, fate)| action_name(fate.action));
    let first = names.next()?;
    if names.all(|name| name == first) {
        return Some(quoted(first));
    }
    if seen.fates.len() > LISTED {
        return None;
    }
    let names = seen.fates.iter().map(|(_, fate)| quoted(action_name(fate.action)));
    Some(format!("[{}]", names.collect::<Vec<_>>().join(", ")))
}

/// One packet under comparison.
struct One<'a, 'b> {
    judge: &'a mut Judge<'b>,
    name: String,
    number: u64,
    sent: &'a [u8],
    fate: &'a Fate,
}

impl One<'_, '_> {
    fn compare(&mut self, expect: &FateExpect) -> Result<(), Error> {
        let fate = self.fate;
        if let Some((action, spot)) = &expect.action {
            let (wanted, got) = (action_name(*action), action_name(fate.action));
            if wanted == got {
                self.judge.met();
            } else {
                self.miss(spot, "action", wanted.to_owned(), self.got_action());
                self.judge.fix(spot, quoted(got));
                self.judge.detail(packet::listing(self.sent));
            }
        }
        if let Some((ret, spot)) = &expect.ret {
            self.equal(spot, "return value", u64::from(*ret), u64::from(fate.ret));
        }
        if let Some(output) = &expect.output {
            self.output(output)?;
        }
        if let Some((to, spot)) = &expect.to {
            self.to(to, spot);
        }
        if let Some(metadata) = &expect.metadata {
            let pattern = Pattern::new(&metadata.text).map_err(|e| self.bad(metadata, e))?;
            if pattern.compare_bytes(&fate.metadata) {
                self.judge.met();
            } else {
                let got = xdp_sim::contents::to_hex(&fate.metadata);
                self.miss(&metadata.spot, "metadata", metadata.text.clone(), got.clone());
                self.judge.fix(&metadata.spot, quoted(&got));
            }
        }
        if let (Some((most, spot)), Some(took)) = (&expect.max_instructions, fate.instructions) {
            if took <= *most {
                self.judge.met();
            } else {
                self.miss(spot, "instructions", format!("at most {most}"), took.to_string());
                self.judge.fix(spot, took.to_string());
            }
        }
        if let Some(words) = &expect.trap {
            let got = fate.trap.clone().unwrap_or_else(|| "no trap".to_owned());
            if fate.trap.is_some() && got.contains(&words.text) {
                self.judge.met();
            } else {
                let expected = format!("a trap with `{}`", words.text);
                self.miss(&words.spot, "trap", expected, got);
            }
        } else if let (Some(trap), true) = (&fate.trap, expect.action.is_none()) {
            let nothing = "an answer of the program".to_owned();
            self.miss(&expect.spot, "trap", nothing, trap.clone());
        }
        Ok(())
    }

    /// The action with what else is known of it.
    fn got_action(&self) -> String {
        let fate = self.fate;
        let action = action_name(fate.action);
        match (&fate.trap, &fate.lost) {
            (Some(trap), _) => format!("{action} ({trap})"),
            (None, Some(lost)) => format!("{action} ({lost})"),
            _ if abi::xdp::XdpAction::from_ret(fate.ret).is_none() => {
                format!("{action} (it returned {})", fate.ret)
            }
            _ => action.to_owned(),
        }
    }

    fn output(&mut self, expect: &OutputExpect) -> Result<(), Error> {
        let got = &self.fate.output;
        let definitions = self.judge.scenario.definitions.numbered(self.number);
        match expect {
            OutputExpect::Equal(text) => {
                let expected = packet::bytes_with(&text.text, &definitions);
                let expected = expected.map_err(|e| self.bad(text, e))?;
                if expected == *got {
                    self.judge.met();
                    return Ok(());
                }
                let described = packet::describe(got);
                self.miss(&text.spot, "output", text.text.clone(), described.clone());
                self.judge.fix(&text.spot, quoted(&described));
                self.judge.detail(packet::side_by_side(&expected, got));
            }
            OutputExpect::Like(text) => {
                let pattern = Pattern::with(&text.text, &definitions);
                let pattern = pattern.map_err(|e| self.bad(text, e))?;
                let mismatches = pattern.compare(got);
                if mismatches.is_empty() {
                    self.judge.met();
                    return Ok(());
                }
                let described = packet::describe(got);
                self.miss(&text.spot, "output", format!("like {}", text.text), described.clone());
                self.judge.fix(&text.spot, quoted(&described));
                let lines = mismatches.iter().map(|m| format!("  {m}\n"));
                let detail = lines.collect::<String>() + &packet::listing(got);
                self.judge.detail(detail);
            }
            OutputExpect::Unchanged(wanted, spot) => {
                let unchanged = self.sent == got;
                if unchanged == *wanted {
                    self.judge.met();
                    return Ok(());
                }
                let say = |same| if same { "unchanged" } else { "changed" };
                self.miss(spot, "output", say(*wanted).to_owned(), say(unchanged).to_owned());
                self.judge.fix(spot, unchanged.to_string());
                if *wanted {
                    let detail = packet::side_by_side(self.sent, got);
                    self.judge.detail(detail);
                }
            }
        }
        Ok(())
    }

    fn to(&mut self, expected: &[String], spot: &crate::file::Spot) {
        let sorted = |places: &[String]| {
            let mut places = places.to_vec();
            places.sort();
            places
        };
        let got = &self.fate.to;
        let nowhere = ["nowhere".to_owned()];
        let meant = if expected == nowhere { &[][..] } else { expected };
        if sorted(meant) == sorted(got) {
            self.judge.met();
            return;
        }
        let say = |places: &[String]| match places {
            [] => "nowhere".to_owned(),
            places => places.join(", "),
        };
        let why = match &self.fate.lost {
            Some(lost) => format!("{} ({lost})", say(got)),
            None => say(got),
        };
        self.miss(spot, "to", say(expected), why);
        let value = match &got[..] {
            [] => quoted("nowhere"),
            [one] => quoted(one),
            all => {
                let all: Vec<_> = all.iter().map(|place| quoted(place)).collect();
                format!("[{}]", all.join(", "))
            }
        };
        self.judge.fix(spot, value);
    }

    fn equal(&mut self, spot: &crate::file::Spot, what: &str, expected: u64, got: u64) {
        if expected == got {
            self.judge.met();
        } else {
            self.miss(spot, what, expected.to_string(), got.to_string());
            self.judge.fix(spot, got.to_string());
        }
    }

    fn miss(&mut self, spot: &crate::file::Spot, what: &str, expected: String, got: String) {
        let what = format!("{}{what}", self.name);
        self.judge.miss(spot, what, expected, got);
    }

    fn bad(&self, text: &crate::model::Name, error: packet::Error) -> Error {
        let source = self.judge.scenario.source.as_ref();
        Error::in_packet(source, &text.spot.span, &text.text, error)
    }
}
