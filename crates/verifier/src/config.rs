//! What a verdict depends on besides the program.

use std::sync::Arc;

use btf::Btf;

/// The kernel release whose rules and words are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Release {
    /// Linux 6.18.
    #[default]
    V6_18,
}

/// Who loads the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Privileges {
    /// CAP_BPF and CAP_PERFMON (root): pointers may leak, uninitialised stack
    /// may be read, no speculative paths.
    #[default]
    Full,
    /// CAP_BPF without CAP_PERFMON.
    BpfOnly,
}

/// What a verdict depends on besides the program.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose rules and words.
    pub release: Release,
    /// Who loads it.
    pub privileges: Privileges,
    /// `BPF_F_STRICT_ALIGNMENT`.
    pub strict_alignment: bool,
    /// `BPF_F_TEST_STATE_FREQ`: a checkpoint at every prune point.
    pub test_state_freq: bool,
    /// `BPF_F_TEST_REG_INVARIANTS`: contradictory ranges refuse the program.
    pub test_reg_invariants: bool,
    /// CPUs of the machine: bounds `bpf_get_smp_processor_id`.
    pub cpus: u32,
    /// Types of the kernel it is loaded into.
    pub kernel_btf: Option<Arc<Btf>>,
    /// Instructions to follow, over all paths, before giving up: the answer is
    /// that this is not supported. Linux's own limit, 1,000,000, is a refusal.
    pub patience: u64,
}

impl Default for Config {
    /// Linux 6.18, root, one CPU, no kernel types.
    fn default() -> Config {
        Config {
            release: Release::default(),
            privileges: Privileges::default(),
            strict_alignment: false,
            test_state_freq: false,
            test_reg_invariants: false,
            cpus: 1,
            kernel_btf: None,
            patience: u64::MAX,
        }
    }
}
