//! The BTF of the running kernel, where it may be read.
#![expect(clippy::print_stdout, reason = "says why it skips")]

use std::{sync::Arc, time::Instant};

use btf::{Btf, Kind, TypeId};

/// The kernel's BTF, or the reason printed why there is none.
fn kernel() -> Option<Vec<u8>> {
    let path = "/sys/kernel/btf/vmlinux";
    match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            println!("skipped: {path}: {error}");
            None
        }
    }
}

#[test]
fn every_type_of_the_kernel_can_be_asked_everything() {
    let Some(bytes) = kernel() else { return };
    let start = Instant::now();
    let btf = Btf::parse(&bytes).unwrap();
    println!("{} types parsed in {:?}", btf.len(), start.elapsed());
    let start = Instant::now();
    let task = btf.find("task_struct", Kind::Struct).unwrap();
    println!("index and first lookup in {:?}", start.elapsed());
    let composite = btf.ty(task).unwrap().as_composite().unwrap();
    assert!(composite.members().any(|member| member.name == "pid"));
    assert_eq!(btf.size_of(task), Some(composite.size));
    assert_eq!(btf.pointer_size(), 8);

    let start = Instant::now();
    for (id, ty) in btf.types() {
        let sized = !matches!(
            btf.resolved(id).unwrap().1.kind(),
            Kind::Void | Kind::Fwd | Kind::Func | Kind::FuncProto
        );
        let tag = ty.kind() == Kind::DeclTag;
        assert!(
            tag || btf.size_of(id).is_some() == sized || ty.kind() == Kind::Var,
            "{id}"
        );
        assert!(!btf.type_name(id).to_string().contains('…'), "{id}");
        btf.align_of(id);
    }
    println!("all asked in {:?}", start.elapsed());
}

#[test]
fn modules_continue_the_kernel() {
    let Some(bytes) = kernel() else { return };
    let base = Arc::new(Btf::parse(&bytes).unwrap());
    for entry in std::fs::read_dir("/sys/kernel/btf").unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("vmlinux") {
            continue;
        }
        let module = Btf::parse_split(&std::fs::read(&path).unwrap(), Arc::clone(&base)).unwrap();
        assert_eq!(
            module.own_ids().next(),
            Some(TypeId(base.len())),
            "{}",
            path.display()
        );
    }
}
