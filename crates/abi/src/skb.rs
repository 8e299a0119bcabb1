//! Socket buffers as programs and PROG_TEST_RUN see them (`struct __sk_buff`).
//!
//! Which of the fields a program may load and store is in
//! [`context`](crate::context); here is where they lie.

/// Byte offsets of the fields of `struct __sk_buff`.
#[expect(missing_docs, reason = "the names are those of the structure")]
pub mod field {
    pub const LEN: u32 = 0;
    pub const PKT_TYPE: u32 = 4;
    pub const MARK: u32 = 8;
    pub const QUEUE_MAPPING: u32 = 12;
    pub const PROTOCOL: u32 = 16;
    pub const VLAN_PRESENT: u32 = 20;
    pub const VLAN_TCI: u32 = 24;
    pub const VLAN_PROTO: u32 = 28;
    pub const PRIORITY: u32 = 32;
    pub const INGRESS_IFINDEX: u32 = 36;
    pub const IFINDEX: u32 = 40;
    pub const TC_INDEX: u32 = 44;
    pub const CB: u32 = 48;
    pub const HASH: u32 = 68;
    pub const TC_CLASSID: u32 = 72;
    pub const DATA: u32 = 76;
    pub const DATA_END: u32 = 80;
    pub const NAPI_ID: u32 = 84;
    pub const DATA_META: u32 = 140;
    pub const TSTAMP: u32 = 152;
    pub const WIRE_LEN: u32 = 160;
    pub const GSO_SEGS: u32 = 164;
    pub const GSO_SIZE: u32 = 176;
    pub const HWTSTAMP: u32 = 184;
    /// Bytes in the structure.
    pub const SIZE: u32 = 192;
}

/// Values of `pkt_type`: to whom a frame is sent.
#[expect(missing_docs, reason = "the names are those of `PACKET_*`")]
pub mod pkt_type {
    pub const HOST: u32 = 0;
    pub const BROADCAST: u32 = 1;
    pub const MULTICAST: u32 = 2;
    pub const OTHERHOST: u32 = 3;
}

#[cfg(test)]
mod tests {
    use super::field::*;

    #[test]
    fn offsets_are_those_of_the_context_table() {
        let context = crate::context::table::TC.structure.expect("a structure");
        assert_eq!(context.size, SIZE);
        for (offset, name) in [
            (LEN, "len"),
            (PKT_TYPE, "pkt_type"),
            (MARK, "mark"),
            (QUEUE_MAPPING, "queue_mapping"),
            (PROTOCOL, "protocol"),
            (VLAN_PRESENT, "vlan_present"),
            (VLAN_TCI, "vlan_tci"),
            (VLAN_PROTO, "vlan_proto"),
            (PRIORITY, "priority"),
            (INGRESS_IFINDEX, "ingress_ifindex"),
            (IFINDEX, "ifindex"),
            (TC_INDEX, "tc_index"),
            (CB, "cb"),
            (HASH, "hash"),
            (TC_CLASSID, "tc_classid"),
            (DATA, "data"),
            (DATA_END, "data_end"),
            (NAPI_ID, "napi_id"),
            (DATA_META, "data_meta"),
            (TSTAMP, "tstamp"),
            (WIRE_LEN, "wire_len"),
            (GSO_SEGS, "gso_segs"),
            (GSO_SIZE, "gso_size"),
            (HWTSTAMP, "hwtstamp"),
        ] {
            assert!(context.fields.contains(&(offset, name)), "{name}");
        }
    }
}
