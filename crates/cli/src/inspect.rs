//! `ebpf-sim inspect`: what an object holds.

use std::collections::BTreeSet;
use std::process::ExitCode;

use abi::{Initial, InitialEntry, MapDef, MapKind, Program};
use isa::{CallTarget, Code, Imm64, Insn};
use loader::{Entry, ExternSource, Object};
use serde_json::{Value as Json, json};

use crate::args::InspectArgs;
use crate::error::Failure;
use crate::input;
use crate::output::Output;

pub(crate) fn inspect(args: &InspectArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let object = input::object(&args.object)?;
    let view = View::new(&object);
    match args.json {
        true => out.json(&view.json())?,
        false => view.print(out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// An object and its programs, each of which may have an error of its own.
struct View<'a> {
    object: &'a Object,
    programs: Vec<(&'a Entry, Result<Program, loader::Error>)>,
}

impl<'a> View<'a> {
    fn new(object: &'a Object) -> View<'a> {
        let programs = object
            .entries()
            .iter()
            .map(|entry| (entry, object.program(&entry.name)))
            .collect();
        View { object, programs }
    }

    fn print(&self, out: &mut Output) -> Result<(), Failure> {
        let license = match self.object.license() {
            "" => "none",
            license => license,
        };
        out.line(format_args!("licence {license}"))?;
        if self.object.kern_version() != 0 {
            out.line(format_args!(
                "kernel version {:#x}",
                self.object.kern_version()
            ))?;
        }
        for (entry, program) in &self.programs {
            print_program(entry, program, out)?;
        }
        self.print_list("maps", self.map_lines(), out)?;
        self.print_list("globals", self.global_lines(), out)?;
        self.print_list("externs", self.extern_lines(), out)?;
        self.print_list("CO-RE relocations", self.relocation_lines(), out)?;
        let notes = self.object.notes().iter().map(ToString::to_string);
        self.print_list("notes", notes, out)
    }

    fn print_list(
        &self,
        title: &str,
        lines: impl Iterator<Item = String>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() {
            return Ok(());
        }
        out.line(format_args!("\n{title}"))?;
        lines
            .iter()
            .try_for_each(|line| out.line(format_args!("  {line}")))
    }

    fn map_lines(&self) -> impl Iterator<Item = String> {
        let maps = self.object.maps();
        maps.iter().map(|map| map_line(map, maps))
    }

    fn global_lines(&self) -> impl Iterator<Item = String> {
        self.object.globals().iter().map(|global| {
            let name = match self.object.btf() {
                Some(btf) if global.type_id.0 != 0 => {
                    btf.declaration(global.type_id, &global.name).to_string()
                }
                _ => global.name.clone(),
            };
            format!(
                "{name}  ({} bytes at {}+{})",
                global.size, global.section, global.offset
            )
        })
    }

    fn extern_lines(&self) -> impl Iterator<Item = String> {
        self.object.externs().iter().map(|found| {
            let weak = if found.weak { "weak " } else { "" };
            format!("{}  ({weak}{})", found.name, extern_kind(&found.source))
        })
    }

    fn relocation_lines(&self) -> impl Iterator<Item = String> {
        self.object.core_relocations().map(|relocation| {
            let name = self
                .object
                .btf()
                .map(|b| b.type_name(relocation.relo.type_id).to_string());
            format!(
                "{} insn {}: {} of {} [{}] = {}",
                relocation.section,
                relocation.pc.0,
                relocation.relo.kind,
                name.unwrap_or_default(),
                relocation.relo.access,
                answer(relocation),
            )
        })
    }

    fn json(&self) -> Json {
        json!({
            "version": 1,
            "license": self.object.license(),
            "kernel_version": self.object.kern_version(),
            "programs": self.programs.iter().map(|(e, p)| program_json(e, p)).collect::<Vec<_>>(),
            "maps": self.object.maps().iter().map(|m| map_json(m, self.object.maps())).collect::<Vec<_>>(),
            "globals": self.object.globals().iter().map(|g| json!({
                "name": g.name,
                "section": g.section,
                "offset": g.offset,
                "size": g.size,
            })).collect::<Vec<_>>(),
            "externs": self.object.externs().iter().map(|e| json!({
                "name": e.name,
                "weak": e.weak,
                "kind": extern_kind(&e.source),
            })).collect::<Vec<_>>(),
            "relocations": self.object.core_relocations().map(|r| json!({
                "section": r.section,
                "insn": r.pc.0,
                "kind": r.relo.kind.to_string(),
                "type": self.object.btf().map(|b| b.type_name(r.relo.type_id).to_string()),
                "access": r.relo.access,
                "answer": answer(r),
            })).collect::<Vec<_>>(),
            "notes": self.object.notes().iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

fn print_program(
    entry: &Entry,
    program: &Result<Program, loader::Error>,
    out: &mut Output,
) -> Result<(), Failure> {
    let kind = entry
        .prog_type
        .map_or("unknown type".to_owned(), |t| t.to_string());
    let attach = entry
        .attach_type
        .map(|t| format!(", attach type {t}"))
        .unwrap_or_default();
    out.line(format_args!(
        "\nprogram {}: {kind}{attach}, section {}",
        entry.name, entry.section
    ))?;
    if !entry.attach_target.is_empty() {
        out.line(format_args!("  attaches to {}", entry.attach_target))?;
    }
    for (what, set) in [
        ("sleepable", entry.flags.sleepable),
        ("understands multi-buffer packets", entry.flags.xdp_frags),
        ("not loaded by default", entry.optional),
    ] {
        if set {
            out.line(format_args!("  {what}"))?;
        }
    }
    let program = match program {
        Ok(program) => program,
        Err(error) => return out.line(format_args!("  cannot be made: {error}")),
    };
    let functions: Vec<_> = program.functions.iter().map(|f| f.name.as_str()).collect();
    let used = Used::of(program);
    out.line(format_args!(
        "  {} instructions in {}",
        program.code.len(),
        functions.join(", ")
    ))?;
    for (what, names) in [
        ("helpers", used.helpers),
        ("kfuncs", used.kfuncs),
        ("maps", used.maps),
    ] {
        if !names.is_empty() {
            let names: Vec<_> = names.into_iter().collect();
            out.line(format_args!("  {what}: {}", names.join(", ")))?;
        }
    }
    Ok(())
}

fn program_json(entry: &Entry, program: &Result<Program, loader::Error>) -> Json {
    let mut json = json!({
        "name": entry.name,
        "section": entry.section,
        "type": entry.prog_type.map(|t| t.name()),
        "attach_type": entry.attach_type.map(|t| t.name()),
        "attach_target": entry.attach_target,
        "sleepable": entry.flags.sleepable,
        "frags": entry.flags.xdp_frags,
        "optional": entry.optional,
    });
    match program {
        Ok(program) => {
            let used = Used::of(program);
            json["instructions"] = json!(program.code.len());
            json["functions"] = program.functions.iter().map(|f| f.name.clone()).collect();
            json["helpers"] = used.helpers.into_iter().collect();
            json["kfuncs"] = used.kfuncs.into_iter().collect();
            json["maps"] = used.maps.into_iter().collect();
        }
        Err(error) => json["error"] = json!(error.to_string()),
    }
    json
}

/// What a program calls and refers to, by name.
#[derive(Default)]
struct Used {
    helpers: BTreeSet<String>,
    kfuncs: BTreeSet<String>,
    maps: BTreeSet<String>,
}

impl Used {
    fn of(program: &Program) -> Used {
        let mut used = Used::default();
        for (_, insn) in Code::new(program.code.clone()).iter() {
            used.add(program, insn);
        }
        used
    }

    fn add(&mut self, program: &Program, insn: Insn) {
        match insn {
            Insn::Call {
                target: CallTarget::Helper(id),
            } => {
                let known = u32::try_from(id).ok().and_then(abi::helpers::by_id);
                // Poisoned calls are no helpers; notes and relocations tell of them.
                self.helpers.extend(known.map(|h| h.name.to_owned()));
            }
            Insn::Call {
                target: CallTarget::Kfunc { btf_id, .. },
            } => {
                let found = usize::try_from(btf_id)
                    .ok()
                    .and_then(|i| program.externs.get(i));
                self.kfuncs.extend(found.map(|f| f.name.clone()));
            }
            Insn::LoadImm {
                imm: Imm64::MapIndex { index } | Imm64::MapIndexValue { index, .. },
                ..
            } => {
                let found = usize::try_from(index)
                    .ok()
                    .and_then(|i| program.maps.get(i));
                self.maps.extend(found.map(|m| m.name.clone()));
            }
            _ => {}
        }
    }
}

fn map_line(map: &MapDef, all: &[MapDef]) -> String {
    let mut line = format!(
        "{}: {}, key {}, value {}, max entries {}",
        map.name,
        map.map_type.name(),
        map.key_size,
        map.value_size,
        map.max_entries
    );
    if map.flags.0 != 0 {
        line += &format!(", flags {}", map.flags);
    }
    if let Some(inner) = &map.inner {
        line += &format!(", of {} maps", inner.map_type.name());
    }
    if let Some(entries) = initial_entries(map, all) {
        line += &format!(", at first {}", entries.join(", "));
    }
    line
}

fn initial_entries(map: &MapDef, all: &[MapDef]) -> Option<Vec<String>> {
    let Initial::Entries(entries) = &map.initial else {
        return None;
    };
    let name = |entry: &InitialEntry| match entry {
        InitialEntry::Map { slot, map } => {
            let name = all.get(*map).map_or("?", |m| &m.name);
            format!("[{slot}] = {name}")
        }
        InitialEntry::Program { slot, program } => format!("[{slot}] = {program}"),
    };
    Some(entries.iter().map(name).collect())
}

fn map_json(map: &MapDef, all: &[MapDef]) -> Json {
    json!({
        "name": map.name,
        "type": map.map_type.name(),
        "key_size": map.key_size,
        "value_size": map.value_size,
        "max_entries": map.max_entries,
        "flags": map.flags.0,
        "kind": match map.kind {
            MapKind::User => "map",
            MapKind::Rodata => "rodata",
            MapKind::Data => "data",
            MapKind::Bss => "bss",
            MapKind::Kconfig => "kconfig",
        },
        "initial": initial_entries(map, all),
        "inner": map.inner.as_deref().map(|inner| map_json(inner, all)),
    })
}

fn extern_kind(source: &ExternSource) -> &'static str {
    match source {
        ExternSource::Kconfig { .. } => "kernel configuration",
        ExternSource::Ksym {
            kind: abi::ExternKind::Kfunc,
            ..
        } => "kfunc",
        ExternSource::Ksym {
            kind: abi::ExternKind::Variable,
            ..
        } => "kernel variable",
        ExternSource::Ksym {
            kind: abi::ExternKind::Address,
            ..
        } => "kernel address",
    }
}

fn answer(relocation: &loader::CoreRelocation) -> String {
    match &relocation.fixup {
        Ok(fixup) if fixup.poison => "not in the target".to_owned(),
        Ok(fixup) => fixup.new.to_string(),
        Err(error) => error.to_string(),
    }
}
