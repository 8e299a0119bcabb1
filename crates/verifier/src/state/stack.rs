//! The stack of a frame, in slots of eight bytes.

use std::iter::repeat_n;
use std::rc::Rc;

use super::Value;

/// The stack of a frame. Slot `i` holds the bytes from `fp - 8 * (i + 1)` up.
///
/// Copies share the slots until one of them is written: registers change far
/// more often than the stack does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Nothing while none was touched.
    slots: Option<Rc<[Slot]>>,
}

impl Stack {
    /// The slots that were ever touched, the one below the frame pointer first.
    pub fn slots(&self) -> &[Slot] {
        self.slots.as_deref().unwrap_or_default()
    }

    /// Slot `index`, if the stack reaches so far.
    pub fn slot(&self, index: usize) -> Option<&Slot> {
        self.slots().get(index)
    }

    /// Slot `index`, to be written; the stack grows to hold it. `index` is below
    /// 64: a frame has 512 bytes.
    pub fn slot_mut(&mut self, index: usize) -> &mut Slot {
        assert!(index < 64, "a frame has 64 slots");
        self.grow(8 * (index + 1));
        &mut self.slots_mut()[index]
    }

    /// All slots, to be written.
    pub fn slots_mut(&mut self) -> &mut [Slot] {
        self.slots.as_mut().map(Rc::make_mut).unwrap_or_default()
    }

    /// Grows to hold at least `bytes` bytes, at most 512.
    pub fn grow(&mut self, bytes: usize) {
        let slots = self.slots();
        let more = bytes.min(512).div_ceil(8).saturating_sub(slots.len());
        if more > 0 {
            let new = repeat_n(Slot::EMPTY, more);
            self.slots = Some(slots.iter().copied().chain(new).collect());
        }
    }
}

/// Eight bytes of stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What each byte is; `bytes[0]` is the one with the highest address, as
    /// Linux prints them.
    pub bytes: [Byte; 8],
    /// What the slot holds as a whole.
    pub content: Content,
}

impl Default for Slot {
    fn default() -> Slot {
        Slot::EMPTY
    }
}

impl Slot {
    /// A slot that was never written.
    pub const EMPTY: Slot = Slot {
        bytes: [Byte::Invalid; 8],
        content: Content::Bytes,
    };

    /// Whether every byte is of this sort.
    #[inline]
    pub fn is_all(&self, sort: Byte) -> bool {
        let bytes = u64::from_ne_bytes(self.bytes.map(|byte| byte as u8));
        bytes == u64::from_ne_bytes([sort as u8; 8])
    }

    /// The spilled value, whole or narrower than the slot.
    pub fn spill(&self) -> Option<&Value> {
        match &self.content {
            Content::Spill(value) => Some(value),
            _ => None,
        }
    }

    /// The spilled value, to be written.
    pub fn spill_mut(&mut self) -> Option<&mut Value> {
        match &mut self.content {
            Content::Spill(value) => Some(value),
            _ => None,
        }
    }
}

/// What one byte of stack is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Byte {
    /// Never written.
    #[default]
    Invalid,
    /// Part of a spilled value.
    Spill,
    /// Some number.
    Misc,
    /// Zero.
    Zero,
    /// Part of a dynptr.
    Dynptr,
    /// Part of an iterator.
    Iter,
    /// Part of saved interrupt flags.
    Irq,
}

/// What a slot holds as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing but its bytes.
    #[default]
    Bytes,
    /// A register's value; the bytes that are [`Byte::Spill`] belong to it.
    Spill(Value),
    /// Half of a dynptr.
    Dynptr(Dynptr),
    /// An open-coded iterator, or a slot of one.
    Iter(Iter),
    /// Saved interrupt flags: the id of the region.
    Irq {
        #[expect(missing_docs, reason = "said above")]
        ref_id: u32,
        /// Whether `res_spin_lock` saved them.
        lock: bool,
    },
}

/// Half of a dynptr on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dynptr {
    /// What it is over.
    pub kind: DynptrKind,
    /// Whether this is the slot with the lower number of the pair, the one at
    /// the higher address.
    pub first: bool,
    /// Distinguishes dynptrs; slices carry it.
    pub id: u32,
    /// The reference that it holds; 0 for none.
    pub ref_id: u32,
    /// Read-only.
    pub rdonly: bool,
}

/// What a dynptr is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as Linux prints them")]
pub enum DynptrKind {
    Local,
    Ringbuf,
    Skb,
    Xdp,
    SkbMeta,
    File,
}

impl DynptrKind {
    /// The name that Linux prints.
    pub fn name(self) -> &'static str {
        match self {
            DynptrKind::Local => "local",
            DynptrKind::Ringbuf => "ringbuf",
            DynptrKind::Skb => "skb",
            DynptrKind::Xdp => "xdp",
            DynptrKind::SkbMeta => "skb_meta",
            DynptrKind::File => "file",
        }
    }
}

/// A slot of an open-coded iterator on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iter {
    /// Its type, by the name that Linux prints (`num` of `bpf_iter_num`).
    pub name: &'static str,
    /// Whether this is its first slot.
    pub first: bool,
    /// The reference that it is.
    pub ref_id: u32,
    /// Where it stands.
    pub state: IterState,
    /// How often `next` was called on this path.
    pub depth: u32,
}

/// Where an iterator stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as Linux prints them")]
pub enum IterState {
    Active,
    Drained,
}
