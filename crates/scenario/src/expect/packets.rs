//! Packets: action, bytes, where they went, how much work they were.

use super::{Judge, quoted};
use crate::file::{Error, Seg, action_name};
use crate::model::{FateExpect, HopExpect, OutputExpect, Packets, Scenario, Step};
use crate::packet::{self, Pattern};
use crate::report::Check;
use crate::run::{Fate, Hop};

/// More misses than this say nothing new.
const SHOWN: usize = 10;

/// Packets whose actions a file lists one by one.
const LISTED: usize = 64;

/// What may be mended in the expectations of one step.
const FIXES: usize = 512;

/// Holds the packets of a step against what is expected of them, as they come, so
/// that none has to be kept.
pub(crate) struct PacketJudge<'a> {
    scenario: &'a Scenario,
    step: &'a Step,
    check: Check,
    /// What the first few became.
    first: Vec<Fate>,
    changed: bool,
    seen: usize,
    /// Misses that are not shown.
    hidden: usize,
}

impl<'a> PacketJudge<'a> {
    pub(crate) fn new(scenario: &'a Scenario, step: &'a Step) -> PacketJudge<'a> {
        PacketJudge {
            scenario,
            step,
            check: Check::default(),
            first: Vec::new(),
            changed: false,
            seen: 0,
            hidden: 0,
        }
    }

    /// One more packet.
    pub(crate) fn packet(&mut self, sent: &[u8], fate: &Fate) -> Result<(), Error> {
        let number = self.seen;
        self.seen += 1;
        if self.first.len() <= LISTED {
            self.changed |= fate.output != sent && !fate.to.is_empty();
            self.first.push(fate.clone());
        }
        let expect = match &self.step.expect.packets[..] {
            [] => return Ok(()),
            [all] => all,
            each => match each.get(number) {
                Some(expect) => expect,
                None => return Ok(()),
            },
        };
        let many = self.step.repeat > 1 || !matches!(self.step.packets, Packets::Described(_));
        let mut judge = Judge {
            scenario: self.scenario,
            check: &mut self.check,
        };
        let mut one = One {
            judge: &mut judge,
            name: match many {
                true => format!("packet {number}: "),
                false => String::new(),
            },
            number: number as u64,
            sent,
            fate,
        };
        one.compare(expect)?;
        let more = self.check.misses.len().saturating_sub(SHOWN);
        self.hidden += more;
        self.check.misses.truncate(SHOWN);
        // One expectation for all is mended by one value, or by a list of them.
        self.check.fixes.truncate(FIXES);
        Ok(())
    }

    /// Notes what was missed.
    pub(crate) fn finish(mut self, check: &mut Check) {
        let expected = self.step.expect.packets.len();
        let mut judge = Judge {
            scenario: self.scenario,
            check: &mut self.check,
        };
        if self.hidden > 0 {
            let last = judge.check.misses.last().map(|miss| miss.detail.clone());
            judge.detail(last.unwrap_or_default() + &format!("… and {} more\n", self.hidden));
        }
        let spot = self.step.expect.spot.clone();
        let missed = !judge.check.fixes.is_empty();
        if expected > 1 && expected != self.seen {
            let spot = spot.clone().unwrap_or_default();
            judge.miss(
                &spot,
                "packets",
                expected.to_string(),
                self.seen.to_string(),
            );
        }
        match spot {
            Some(spot) if missed && expected == 1 && self.seen > 1 => {
                judge.check.fixes.clear();
                if let Some(list) = actions(&self.first, self.seen) {
                    judge.fix(&spot, list);
                }
            }
            None if self.seen > 0 => {
                let spot = self.step.spot.inside(Seg::Key("expect".to_owned()), 0..0);
                if let Some(value) = unexpected(&self.first, self.seen, self.changed) {
                    judge.fix(&spot, value);
                }
            }
            _ => {}
        }
        check.expectations += self.check.expectations;
        check.misses.append(&mut self.check.misses);
        check.fixes.append(&mut self.check.fixes);
    }
}

/// What a file would expect of packets that it expects nothing of.
fn unexpected(first: &[Fate], seen: usize, changed: bool) -> Option<String> {
    match first {
        [fate] if changed => Some(format!(
            "{{ action = {}, output = {} }}",
            quoted(action_name(fate.action)),
            quoted(&packet::describe(&fate.output))
        )),
        _ => actions(first, seen),
    }
}

/// The actions of all packets as TOML: one for all, or a list.
fn actions(first: &[Fate], seen: usize) -> Option<String> {
    if first.len() < seen {
        return None;
    }
    let mut names = first.iter().map(|fate| quoted(action_name(fate.action)));
    let one = names.next()?;
    if names.all(|name| name == one) {
        return Some(one);
    }
    let names = first.iter().map(|fate| quoted(action_name(fate.action)));
    Some(format!("[{}]", names.collect::<Vec<_>>().join(", ")))
}

/// A line about one interface of a packet's way.
fn way(hop: &Hop) -> String {
    let programs = match &hop.fate.programs[..] {
        [] => "no program".to_owned(),
        programs => programs.join(", "),
    };
    let places = match &hop.fate.to[..] {
        [] => "nowhere".to_owned(),
        places => places.join(", "),
    };
    let why = hop.fate.lost.as_ref().or(hop.fate.trap.as_ref());
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let action = action_name(hop.fate.action);
    format!("  {}: {programs}: {action}, to {places}{why}\n", hop.at)
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
        if let Some((programs, spot)) = &expect.programs {
            if *programs == fate.programs {
                self.judge.met();
            } else {
                let got = fate.programs.join(", ");
                self.miss(spot, "programs", programs.join(", "), got);
                let names: Vec<String> = fate.programs.iter().map(|p| quoted(p)).collect();
                self.judge.fix(spot, format!("[{}]", names.join(", ")));
            }
        }
        if let Some((hops, spot)) = &expect.hops {
            self.hops(hops, spot)?;
        }
        if let Some(metadata) = &expect.metadata {
            let pattern = Pattern::new(&metadata.text).map_err(|e| self.bad(metadata, e))?;
            if pattern.compare_bytes(&fate.metadata) {
                self.judge.met();
            } else {
                let got = xdp_sim::contents::to_hex(&fate.metadata);
                self.miss(
                    &metadata.spot,
                    "metadata",
                    metadata.text.clone(),
                    got.clone(),
                );
                self.judge.fix(&metadata.spot, quoted(&got));
            }
        }
        if let (Some((most, spot)), Some(took)) = (&expect.max_instructions, fate.instructions) {
            if took <= *most {
                self.judge.met();
            } else {
                self.miss(
                    spot,
                    "instructions",
                    format!("at most {most}"),
                    took.to_string(),
                );
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

    /// Where the packet came, one after the other, and what became of it there.
    fn hops(&mut self, expected: &[HopExpect], spot: &crate::file::Spot) -> Result<(), Error> {
        let got = &self.fate.hops;
        if !self.fate.followed {
            return Ok(());
        }
        let names = got.iter().map(|hop| hop.at.as_str());
        let same = names
            .clone()
            .eq(expected.iter().map(|hop| hop.at.text.as_str()));
        if !same {
            let wanted: Vec<&str> = expected.iter().map(|hop| hop.at.text.as_str()).collect();
            let names: Vec<&str> = names.collect();
            self.miss(spot, "hops", wanted.join(", "), names.join(", "));
            let fix: Vec<String> = names.into_iter().map(quoted).collect();
            self.judge.fix(spot, format!("[{}]", fix.join(", ")));
            self.judge.detail(got.iter().map(way).collect());
            return Ok(());
        }
        self.judge.met();
        for (expected, hop) in expected.iter().zip(got) {
            let mut one = One {
                judge: &mut *self.judge,
                name: format!("{}at {}: ", self.name, hop.at),
                number: self.number,
                sent: &hop.before,
                fate: &hop.fate,
            };
            one.compare(&expected.fate)?;
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
                self.miss(
                    &text.spot,
                    "output",
                    format!("like {}", text.text),
                    described.clone(),
                );
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
                self.miss(
                    spot,
                    "output",
                    say(*wanted).to_owned(),
                    say(unchanged).to_owned(),
                );
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
        // What nobody followed may be as expected.
        if !self.fate.followed && self.fate.action == abi::xdp::XdpAction::Redirect {
            return;
        }
        let got = &self.fate.to;
        let nowhere = ["nowhere".to_owned()];
        let meant = if expected == nowhere {
            &[][..]
        } else {
            expected
        };
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
        let what = format!("{}{what}", self.name);
        self.judge.equal(spot, what, expected, got);
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
