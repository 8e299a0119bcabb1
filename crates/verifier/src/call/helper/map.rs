//! Which helper works on which map, and what is known of keys.

use abi::helpers::{Arg, Helper};
use abi::{AttachType, MapDef, MapType, ProgType};
use isa::Reg;

use super::Call;
use super::argument::Usage;
use crate::explore::Verifier;
use crate::reason::{Argument, HelperCall, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// The map of the call.
    pub(super) fn map_def(&self, call: &Call) -> Result<&MapDef> {
        let def = call.map.and_then(|map| map.def(self.program));
        def.ok_or_else(|| self.unsupported("unknown map"))
    }

    pub(super) fn note_map(&self, call: &mut Call, value: &Value) -> Result {
        let Kind::MapPtr(map) = value.kind else {
            return Err(self.unsupported("unknown map"));
        };
        // A timer before it belongs to a map already.
        if let Some(timer) = call.map
            && (timer != map || timer.uid != map.uid)
        {
            let (timer, map) = (timer.uid, map.uid);
            return Err(Argument::TimerMap { timer, map }.into());
        }
        call.map = Some(map);
        Ok(())
    }

    /// The key of the map, and its number if that may tell that there is a value.
    pub(super) fn check_map_key(&mut self, call: &mut Call, reg: Reg) -> Result {
        let def = self.map_def(call)?;
        let (size, has_all_keys) = (def.key_size, has_all_keys(def.map_type));
        self.check_fixed(call, reg, size, Usage::Read)?;
        if has_all_keys {
            call.key = self.constant_key(reg, size)?;
        }
        Ok(())
    }

    /// Whether the look-up surely finds a value.
    pub(super) fn finds_surely(&self, call: &Call) -> bool {
        let entries = self.map_def(call).map_or(0, |def| def.max_entries);
        call.is("bpf_map_lookup_elem") && call.key.is_some_and(|key| key < u64::from(entries))
    }

    /// Publishes what is known of the call's map and key.
    pub(super) fn note_proven(&mut self, call: &Call) {
        let map = call.map.filter(|map| !map.inner).map(|map| map.index);
        let key = call.key.filter(|_| self.finds_surely(call));
        let key = key.and_then(|key| u32::try_from(key).ok());
        let call = abi::proven::Call { map, key };
        self.proven.note_call(self.pc, call);
    }

    /// Refuses changes of a map that programs may only read.
    pub(super) fn check_map_written(&self, call: &Call) -> Result {
        let writes = matches!(
            call.helper.name,
            "bpf_map_update_elem"
                | "bpf_map_delete_elem"
                | "bpf_map_push_elem"
                | "bpf_map_pop_elem"
        );
        if writes && self.map_def(call)?.is_read_only_to_programs() {
            return Err(HelperCall::MapReadOnly.into());
        }
        Ok(())
    }

    pub(super) fn check_tail_call(&mut self, call: &Call) -> Result {
        if !call.is("bpf_tail_call") {
            return Ok(());
        }
        let def = self.map_def(call)?;
        if def.map_type != MapType::ProgArray {
            return Err(HelperCall::TailCallMap.into());
        }
        let entries = def.max_entries;
        let index = self.state.reg(Reg::R3).as_const();
        if index.is_some_and(|index| index < u64::from(entries)) {
            self.mark_precise(Reg::R3)?;
        }
        Ok(())
    }

    /// Checks that the helper works on maps of this type.
    pub(super) fn check_map_type(&self, call: &Call) -> Result {
        if call.map.is_none() {
            return Ok(());
        }
        let map_type = self.map_def(call)?.map_type;
        if self.works_on(call.helper, map_type) {
            return Ok(());
        }
        let helper = call.helper.into();
        let changes = matches!(
            call.helper.name,
            "bpf_map_update_elem" | "bpf_map_delete_elem"
        );
        let sockets = matches!(map_type, MapType::Sockmap | MapType::Sockhash);
        Err(if changes && sockets {
            HelperCall::SockmapUpdate { map_type, helper }.into()
        } else {
            HelperCall::MapType { map_type, helper }.into()
        })
    }

    fn works_on(&self, helper: &Helper, map_type: MapType) -> bool {
        let sockets = matches!(map_type, MapType::Sockmap | MapType::Sockhash);
        match helper.name {
            "bpf_map_update_elem" if sockets => self.may_update_sockmap(false),
            "bpf_map_delete_elem" if sockets => self.may_update_sockmap(true),
            // These work on all maps that nothing special is known of.
            _ if is_general(map_type) && takes_any_map(helper) => true,
            _ => helper.maps.contains(map_type),
        }
    }

    fn may_update_sockmap(&self, delete: bool) -> bool {
        use ProgType::*;
        match self.program.prog_type {
            Tracing => self.program.attach_type == Some(AttachType::TraceIter),
            SockOps => delete,
            SocketFilter | SchedCls | SchedAct | Xdp | SkReuseport | FlowDissector | SkLookup => {
                true
            }
            _ => false,
        }
    }
}

/// Whether every key below the number of entries has a value.
fn has_all_keys(map_type: MapType) -> bool {
    matches!(map_type, MapType::Array | MapType::PercpuArray)
}

/// Whether a map has no list of its own of helpers that work on it.
fn is_general(map_type: MapType) -> bool {
    use MapType::*;
    matches!(
        map_type,
        Hash | Array
            | PercpuHash
            | PercpuArray
            | LruHash
            | LruPercpuHash
            | LpmTrie
            | StructOps
            | Arena
    )
}

/// Whether a helper has no list of its own of maps that it works on.
fn takes_any_map(helper: &Helper) -> bool {
    let generic = matches!(
        helper.name,
        "bpf_map_lookup_elem"
            | "bpf_map_update_elem"
            | "bpf_map_delete_elem"
            | "bpf_for_each_map_elem"
    );
    generic || helper.args.first() == Some(&Arg::Timer) || helper.args.contains(&Arg::Kptr)
}
