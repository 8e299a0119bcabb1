//! The tables say what was measured.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Gives;
use crate::flavor::Flavor;
use crate::flavor::tests::{facts, measured, numbers, text};

/// The register that the kernel's log has after such a load.
fn printed(gives: Gives) -> String {
    match gives {
        Gives::Scalar => "scalar".into(),
        Gives::Packet => "pkt(r=0)".into(),
        Gives::PacketEnd => "pkt_end()".into(),
        Gives::PacketMeta => "pkt_meta(r=0)".into(),
        Gives::Sock => "sock()".into(),
        Gives::SockOrNull => "sock_or_null(id=1)".into(),
        Gives::SockCommonOrNull => "sock_common_or_null(id=1)".into(),
        Gives::FlowKeys => "flow_keys()".into(),
        Gives::TpBuffer => "tp_buffer()".into(),
        Gives::Kernel(name) => format!("trusted_ptr_{name}()"),
        Gives::KernelOrNull(name) => format!("trusted_ptr_or_null_{name}(id=1)"),
        Gives::Argument => "by its type".into(),
    }
}

/// By flavor, access, size and offset.
type Accesses = BTreeMap<(String, String, u8, i32), String>;

fn asked() -> Accesses {
    let mut all = Accesses::new();
    for row in facts("context")["accesses"].as_array().expect("rows") {
        let size = row["size"].as_u64().expect("a size") as u8;
        for offset in numbers(text(row, "offsets")) {
            let key = (
                text(row, "flavor").to_owned(),
                text(row, "access").to_owned(),
                size,
                offset,
            );
            all.insert(key, text(row, "gives").to_owned());
        }
    }
    all
}

/// Every offset that was asked, in every flavor.
#[test]
fn tables_are_the_measured_file() {
    let mut ours = Accesses::new();
    for (name, flavor) in measured() {
        let size = flavor.context.structure.map_or(96, |s| s.size as i32);
        for offset in -8..size + 8 {
            for size in [1, 2, 4, 8] {
                let key = |access: &str| (name.clone(), access.to_owned(), size, offset);
                if let Some(gives) = flavor.context.load(offset, size) {
                    ours.insert(key("load"), printed(gives));
                }
                if flavor.context.may_store(offset, size) {
                    ours.insert(key("store"), "ok".into());
                    ours.insert(key("store_imm"), "ok".into());
                }
            }
        }
    }
    let measured = asked();
    assert!(measured.len() > 5_000);
    for (key, gives) in &measured {
        assert_eq!(ours.get(key), Some(gives), "{key:?}");
    }
    for (key, gives) in &ours {
        assert_eq!(measured.get(key), Some(gives), "{key:?}");
    }
}

#[test]
fn structures_are_those_of_the_kernel() {
    let facts = facts("structs");
    for (_, flavor) in measured() {
        let Some(structure) = flavor.context.structure else {
            continue;
        };
        assert_eq!(facts["sizes"][structure.name], structure.size);
        let members = facts["members"].as_array().expect("rows").iter();
        let members = members.filter(|m| text(m, "struct") == structure.name);
        let fields: Vec<(u32, &str)> = members
            .map(|m| {
                let offset = m["offset"].as_u64().expect("bits") as u32 / 8;
                let union = m["type"].as_array().into_iter().flatten();
                let mut names = union.filter_map(Value::as_str).filter(|n| !n.is_empty());
                let name = text(m, "name");
                let name = if name.is_empty() {
                    names.next()
                } else {
                    Some(name)
                };
                (offset, name.expect("a name"))
            })
            .collect();
        assert_eq!(fields, structure.fields, "{}", structure.name);
    }
}

#[test]
fn fields_have_names() {
    let xdp = Flavor::of(crate::ProgType::Xdp, None, false, "").expect("xdp");
    assert_eq!(xdp.context.field(0), Some("data"));
    assert_eq!(xdp.context.field(23), Some("egress_ifindex"));
    assert_eq!(xdp.context.field(24), None);
    assert_eq!(xdp.context.field(-1), None);
    assert_eq!(xdp.context.load_signed(0, 4), None);
    assert_eq!(xdp.context.load_signed(12, 4), Some(Gives::Scalar));
}
