//! A raw program as the line that it is read from.

use abi::{Initial, MapDef};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value, json};

use super::{Caps, RawProgram, SLEEPABLE, XDP_HAS_FRAGS};

impl RawProgram {
    /// The object that [`RawProgram::parse`] reads as this program: what is not
    /// its default stands in it. Maps and externs are named by index.
    pub fn to_json(&self) -> Value {
        let program = &self.program;
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
        if !program.name.is_empty() {
            put("name", json!(program.name));
        }
        put("type", json!(program.prog_type as u32));
        if let Some(attach) = program.attach_type {
            put("attach_type", json!(attach as u32));
        }
        if !program.attach_target.is_empty() {
            put("attach_target", json!(program.attach_target));
        }
        if let Some(id) = self.attach_btf_id {
            put("attach_btf_id", json!(id));
        }
        if self.all_flags() != 0 {
            put("flags", json!(self.all_flags()));
        }
        put("license", json!(program.license));
        if program.kern_version != 0 {
            put("kern_version", json!(program.kern_version));
        }
        if self.caps != Caps::ROOT {
            put("caps", caps(self.caps));
        }
        let slots = program.code.iter();
        let slots = slots.map(|slot| HEXLOWER.encode(&slot.to_bytes()));
        put("insns", slots.collect::<Vec<_>>().into());
        if !program.maps.is_empty() {
            put("maps", program.maps.iter().map(map).collect());
        }
        if !program.externs.is_empty() {
            let names = program.externs.iter().map(|known| known.name.as_str());
            put("externs", names.collect());
        }
        if let Some(btf) = &program.btf {
            put("btf", json!(BASE64.encode(btf.bytes())));
        }
        if !program.func_info.is_empty() {
            let infos = program.func_info.iter();
            put(
                "func_info",
                infos.map(|i| json!([i.pc.0, i.type_id.0])).collect(),
            );
        }
        if !program.line_info.is_empty() {
            let infos = program.line_info.iter().map(|i| {
                let place = i.line << 10 | (i.column & 0x3ff);
                json!([i.pc.0, i.file_name_off, i.line_off, place])
            });
            put("line_info", infos.collect());
        }
        line.into()
    }

    fn all_flags(&self) -> u32 {
        let flag = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
        let own = &self.program.flags;
        self.flags | flag(own.sleepable, SLEEPABLE) | flag(own.xdp_frags, XDP_HAS_FRAGS)
    }
}

fn caps(caps: Caps) -> Value {
    let names = [
        (caps.bpf, "BPF"),
        (caps.perfmon, "PERFMON"),
        (caps.net_admin, "NET_ADMIN"),
    ];
    names
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect()
}

fn map(def: &MapDef) -> Value {
    let mut form = Map::new();
    let mut put = |name: &str, value: Value| form.insert(name.to_owned(), value);
    if !def.name.is_empty() {
        put("name", json!(def.name));
    }
    put("type", json!(def.map_type.name()));
    put("key_size", json!(def.key_size));
    put("value_size", json!(def.value_size));
    put("max_entries", json!(def.max_entries));
    if def.flags.0 != 0 {
        put("flags", json!(def.flags.0));
    }
    if def.extra != 0 {
        put("map_extra", json!(def.extra));
    }
    if def.key_type.0 != 0 {
        put("key_type_id", json!(def.key_type.0));
    }
    if def.value_type.0 != 0 {
        put("value_type_id", json!(def.value_type.0));
    }
    if let Initial::Bytes(bytes) = &def.initial {
        put("contents_hex", json!(HEXLOWER.encode(bytes)));
    }
    if def.kind.is_constant() {
        put("frozen", json!(true));
    }
    if let Some(inner) = &def.inner {
        put("inner", map(inner));
    }
    form.into()
}
