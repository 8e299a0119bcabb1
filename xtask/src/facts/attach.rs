//! Which attach types a program type may be loaded with.

use std::collections::BTreeSet;

use abi::{AttachType, ProgType};

use super::flavor::Flavor;
use super::probe::{Answer, Extras, Probe, assemble};
use super::ranges;
use super::table::{Table, row};

pub(crate) fn measure(probe: &Probe) -> Table {
    let mut table = Table::new(
        "prog_types",
        "an empty program of each type with each expected_attach_type, sleepable too; \
         `accepted` and `sleepable` are numbers of bpf_attach_type; types that must name \
         something of the kernel (tracing, struct_ops, ext, lsm) are always refused here",
    );
    let code = assemble("r0 = 1\nexit");
    for prog_type in ProgType::ALL {
        let accepted = |sleepable: bool| {
            let asked = AttachType::ALL.iter().filter(|attach| {
                let flavor = Flavor {
                    name: String::new(),
                    prog_type: *prog_type,
                    attach: Some(**attach),
                    sleepable,
                    frags: false,
                    target: "",
                };
                !flavor.is_struct_ops()
                    && matches!(
                        probe.load(
                            &flavor,
                            &code,
                            &[],
                            &Extras {
                                silent: true,
                                ..Extras::default()
                            }
                        ),
                        Answer::Yes(_)
                    )
            });
            let numbers: BTreeSet<i64> = asked.map(|attach| i64::from(*attach as u32)).collect();
            ranges::write(&numbers)
        };
        table.rows.push(row! {
            "prog_type": prog_type.name(),
            "accepted": accepted(false),
            "sleepable": accepted(true),
        });
    }
    table
}
