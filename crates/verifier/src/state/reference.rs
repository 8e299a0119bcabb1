//! What a path holds and must give back.

use isa::Pc;

/// What a path holds and must give back, in the order in which it was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// What is held.
    pub list: Vec<Reference>,
    /// Locks held: entries of the list of the kind [`ReferenceKind::Lock`].
    pub active_locks: u32,
    /// Nested RCU read regions.
    pub rcu_locks: u32,
    /// Nested regions without preemption.
    pub preempt_locks: u32,
    /// The innermost saved interrupt flags; 0 for none.
    pub irq_id: u32,
}

/// One thing that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it is.
    pub kind: ReferenceKind,
    /// Its id; registers carry it as `ref_obj_id`.
    pub id: u32,
    /// The instruction that took it.
    pub pc: Pc,
}

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferenceKind {
    /// An object that was acquired.
    Pointer,
    /// A `bpf_spin_lock` in a value of this map (or allocation); the id is the
    /// value's.
    Lock {
        #[expect(missing_docs, reason = "said above")]
        map: super::MapRef,
    },
    /// Saved interrupt flags.
    Irq,
}
