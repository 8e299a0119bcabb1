//! The tables, as `README.md` has them.

use crate::case::Group;
use crate::compile_time::{COMPILERS, CompileTimes};
use crate::{Row, Who};

pub(crate) fn print(rows: &[Row]) {
    println!("Nanoseconds of a call\n");
    head("| program | instructions |");
    for row in rows {
        print!("| {} | {} |", row.name, row.executed);
        for who in Who::ALL {
            cell(row.time(who), "");
        }
        println!();
    }
    println!(
        "\nTimes the kernel's JIT, each less its own empty call in the same rounds; where the \
         kernel's takes less than {FEW} ns, which is the noise, by how many nanoseconds it \
         is more or less\n"
    );
    head("| program | base ns |");
    for row in rows.iter().filter(|row| row.group != Group::Call) {
        print!("| {} |", row.name);
        cell(base(row), "");
        for who in Who::ALL {
            match ratio(row, who) {
                None => difference(row, who),
                ratio => cell(ratio, ""),
            }
        }
        println!();
    }
    for (name, group) in [
        ("compute", Group::Compute),
        ("packets", Group::Packets),
        ("maps", Group::Maps),
    ] {
        print!("| **{name}**, geometric mean | |");
        for who in Who::ALL {
            let rows = rows.iter().filter(|row| row.group == group);
            cell(mean(rows.filter_map(|row| ratio(row, who))), "**");
        }
        println!();
    }
    println!();
    left_out(rows);
}

/// What compiling took, by instruction, and over all programs.
pub(crate) fn print_compile_times(times: &[CompileTimes]) {
    println!("\nNanoseconds of compiling, for each instruction\n");
    header("| program | instructions |", &COMPILERS);
    for row in times {
        print!("| {} | {} |", row.name, row.insns);
        for time in row.times {
            cell(time.map(|time| time / row.insns as f64), "");
        }
        println!();
    }
    print!("| **all together** | |");
    for compiler in 0..COMPILERS.len() {
        let known = times
            .iter()
            .filter_map(|row| Some((row.times[compiler]?, row.insns)));
        let (time, insns) = known.fold((0.0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        cell((insns > 0).then(|| time / insns as f64), "**");
    }
    println!();
}

fn head(first: &str) {
    header(first, &Who::ALL.map(Who::name));
}

fn header(first: &str, columns: &[&str]) {
    print!("{first}");
    for column in columns {
        print!(" {column} |");
    }
    print!("\n|---|---:|");
    println!("{}", "---:|".repeat(columns.len()));
}

fn cell(value: Option<f64>, mark: &str) {
    match value {
        Some(value) if value < 10.0 => print!(" {mark}{value:.2}{mark} |"),
        Some(value) if value < 100.0 => print!(" {mark}{value:.1}{mark} |"),
        Some(value) => print!(" {mark}{value:.0}{mark} |"),
        None => print!(" – |"),
    }
}

fn difference(row: &Row, who: Who) {
    match net(row, who).zip(base(row)) {
        Some((time, base)) => print!(" {:+.1} ns |", time - base),
        None => print!(" – |"),
    }
}

/// What the kernel's machine code takes: its copy where there is one, for it runs
/// under the same conditions as the others.
fn base(row: &Row) -> Option<f64> {
    net(row, Who::KernelCopied).or_else(|| net(row, Who::Kernel))
}

/// Nanoseconds of which nothing can be the multiple.
const FEW: f64 = 1.0;

/// How many times the kernel's time that is, if it can be said.
fn ratio(row: &Row, who: Who) -> Option<f64> {
    let base = base(row).filter(|base| *base >= FEW)?;
    Some(net(row, who)? / base)
}

/// The program without the call.
fn net(row: &Row, who: Who) -> Option<f64> {
    Some((row.time(who)? - row.call(who)?).max(0.01))
}

/// The geometric mean.
fn mean(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let logs: Vec<_> = ratios.map(f64::ln).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

/// Why figures are missing, the same reason once.
fn left_out(rows: &[Row]) {
    for who in Who::ALL {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for row in rows {
            let time = row.times.iter().find(|(known, _)| *known == who);
            let Some((_, Err(why))) = time else {
                continue;
            };
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, names)) => names.push(row.name),
                None => reasons.push((why, vec![row.name])),
            }
        }
        for (why, names) in reasons {
            println!("- {}: {}: {why}", who.name(), names.join(", "));
        }
    }
}
