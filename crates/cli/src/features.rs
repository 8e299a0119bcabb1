//! `ebpf-sim features`: what the verifier follows and the machine runs.

use std::process::ExitCode;

use abi::helpers::{HELPERS, Helper};
use abi::kfuncs::{KFUNCS, Kfunc};
use abi::{MapType, ProgType};
use serde::Serialize;
use verifier::features::{NOT_FOLLOWED, follows_helper, follows_kfunc};

use crate::args::FeaturesArgs;
use crate::error::Failure;
use crate::output::Output;

/// A helper or kernel function.
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    name: &'static str,
    id: Option<u32>,
    /// Whether the verifier follows calls of it.
    verified: bool,
    /// Whether it works in at least one program type.
    simulated: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// Types that may call it.
    types: Vec<&'static str>,
}

pub(crate) fn features(args: &FeaturesArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let rows = HELPERS.iter().map(helper).chain(KFUNCS.iter().map(kfunc));
    let wanted = |row: &Row| match &args.name {
        Some(name) => row.name.contains(name.as_str()) || row.types.contains(&name.as_str()),
        None => true,
    };
    let rows: Vec<Row> = rows.filter(wanted).collect();
    if rows.is_empty() {
        let place = format!("features {}", args.name.as_deref().unwrap_or_default());
        return Err(Failure::input(
            place,
            "no helper, kernel function or program type",
        ));
    }
    match args.json {
        true => rows.iter().try_for_each(|row| out.json(row))?,
        false => print(&rows, args.name.is_none(), out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn helper(helper: &Helper) -> Row {
    let works = |prog_type| vm::helper::implementation(helper.id, prog_type).is_some();
    let simulated = helper.id == vm::helper::TAIL_CALL || ProgType::ALL.iter().copied().any(works);
    Row {
        kind: "helper",
        name: helper.name,
        id: Some(helper.id),
        verified: follows_helper(helper),
        simulated,
        why: vm::helper::absent::helper(helper.id).filter(|_| !simulated),
        types: helper.prog_types.iter().map(ProgType::name).collect(),
    }
}

fn kfunc(kfunc: &Kfunc) -> Row {
    let simulated = vm::helper::kfunc::implementation(kfunc.name).is_some();
    Row {
        kind: "kfunc",
        name: kfunc.name,
        id: None,
        verified: follows_kfunc(kfunc),
        simulated,
        why: vm::helper::absent::kfunc(kfunc.name).filter(|_| !simulated),
        types: kfunc.prog_types.iter().map(ProgType::name).collect(),
    }
}

fn print(rows: &[Row], whole: bool, out: &mut Output) -> Result<(), Failure> {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    out.line(format_args!("{:width$}  verified  simulated", ""))?;
    for row in rows {
        let (verified, simulated) = (yes(row.verified), yes(row.simulated));
        match row.why {
            Some(why) => out.line(format_args!(
                "{:width$}  {verified:8}  {simulated:9}  {why}",
                row.name
            ))?,
            None => out.line(format_args!(
                "{:width$}  {verified:8}  {simulated}",
                row.name
            ))?,
        }
    }
    if !whole {
        return Ok(());
    }
    let count = |kind: &str, which: fn(&Row) -> bool| {
        let of_kind = rows.iter().filter(|row| row.kind == kind);
        of_kind.filter(|row| which(row)).count()
    };
    out.line(format_args!(
        "\nhelpers: {} of {} verified, {} simulated; kernel functions: {} of {} verified, {} simulated",
        count("helper", |row| row.verified),
        count("helper", |_| true),
        count("helper", |row| row.simulated),
        count("kfunc", |row| row.verified),
        count("kfunc", |_| true),
        count("kfunc", |row| row.simulated),
    ))?;
    let maps: Vec<_> = MapType::ALL.iter().map(|t| t.name()).collect();
    out.line(format_args!("map types: {}", maps.join(", ")))?;
    out.line("not followed by the verifier (it says so, and gives no verdict):")?;
    NOT_FOLLOWED
        .iter()
        .try_for_each(|what| out.line(format_args!("  {what}")))
}
