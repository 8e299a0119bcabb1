//! Byte builders for captures.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}
pub(super) use Order::{Big, Little};

impl Order {
    pub(super) fn u16(self, v: u16) -> [u8; 2] {
        if self == Little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    }
    pub(super) fn u32(self, v: u32) -> [u8; 4] {
        if self == Little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    }
    pub(super) fn u64(self, v: u64) -> [u8; 8] {
        if self == Little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    }
    fn u32s<const N: usize>(self, vs: [u32; N]) -> Vec<u8> {
        vs.iter().flat_map(|&v| self.u32(v)).collect()
    }
}

pub(super) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(super) const MODIFIED: u32 = 0xa1b2_cd34;

/// A packet of `len` bytes, no two beginnings alike.
pub(super) fn payload(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| seed.wrapping_mul(31).wrapping_add(i as u8))
        .collect()
}

/// A pcap file under construction.
pub(super) struct Pcap {
    order: Order,
    magic: u32,
    pub(super) bytes: Vec<u8>,
}

impl Pcap {
    pub(super) fn new(order: Order, magic: u32) -> Self {
        Self::with(order, magic, 65_535, 1)
    }
    pub(super) fn with(order: Order, magic: u32, snap_len: u32, network: u32) -> Self {
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(2));
        bytes.extend(order.u16(4));
        bytes.extend(order.u32s([0, 0, snap_len, network]));
        Pcap {
            order,
            magic,
            bytes,
        }
    }
    pub(super) fn record(mut self, sec: u32, frac: u32, original: u32, data: &[u8]) -> Self {
        let fields = [sec, frac, data.len() as u32, original];
        self.bytes.extend(self.order.u32s(fields));
        if self.magic == MODIFIED {
            // Interface index, protocol, packet type, padding.
            self.bytes.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        }
        self.bytes.extend(data);
        self
    }
}

/// A pcapng file under construction.
pub(super) struct PcapNg {
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
}

impl PcapNg {
    pub(super) fn new(order: Order) -> Self {
        PcapNg {
            order,
            bytes: Vec::new(),
        }
        .section(order)
    }
    /// Any block, its body padded.
    pub(super) fn block(mut self, block_type: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let len = self.order.u32(padded as u32 + 12);
        self.bytes.extend(self.order.u32(block_type));
        self.bytes.extend(len);
        self.bytes.extend(body);
        self.bytes
            .resize(self.bytes.len() + padded - body.len(), 0xee);
        self.bytes.extend(len);
        self
    }
    pub(super) fn section(mut self, order: Order) -> Self {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend(order.u64(u64::MAX));
        body.extend(self.option(4, b"builder"));
        body.extend([0; 4]);
        self.block(0x0a0d_0d0a, &body)
    }
    pub(super) fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = self.order.u16(code).to_vec();
        option.extend(self.order.u16(value.len() as u16));
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0xee);
        option
    }
    pub(super) fn interface(self, link_type: u16, snap_len: u32, options: &[u8]) -> Self {
        let mut body = self.order.u16(link_type).to_vec();
        body.extend(self.order.u16(0));
        body.extend(self.order.u32(snap_len));
        body.extend(options);
        self.block(1, &body)
    }
    pub(super) fn ethernet(self) -> Self {
        self.interface(1, 0, &[])
    }
    pub(super) fn tsresol(self, tsresol: u8) -> Self {
        let option = self.option(9, &[tsresol]);
        self.interface(1, 0, &option)
    }
    pub(super) fn enhanced(self, interface: u32, units: u64, original: u32, data: &[u8]) -> Self {
        self.enhanced_with(interface, units, original, data, &[])
    }
    pub(super) fn enhanced_with(
        self,
        interface: u32,
        units: u64,
        original: u32,
        data: &[u8],
        options: &[u8],
    ) -> Self {
        let (high, low) = ((units >> 32) as u32, units as u32);
        let mut body = self
            .order
            .u32s([interface, high, low, data.len() as u32, original]);
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0xee);
        body.extend(options);
        self.block(6, &body)
    }
    pub(super) fn obsolete(self, interface: u16, units: u64, original: u32, data: &[u8]) -> Self {
        let (high, low) = ((units >> 32) as u32, units as u32);
        let mut body = self.order.u16(interface).to_vec();
        body.extend(self.order.u16(7));
        body.extend(self.order.u32s([high, low, data.len() as u32, original]));
        body.extend(data);
        self.block(2, &body)
    }
    pub(super) fn simple(self, original: u32, data: &[u8]) -> Self {
        let mut body = self.order.u32(original).to_vec();
        body.extend(data);
        self.block(3, &body)
    }
}

/// One file of every variant, each with several packets and what they are
/// expected to come out as is left to `variants`.
pub(super) fn samples() -> Vec<(String, Vec<u8>)> {
    let mut samples = Vec::new();
    for order in [Little, Big] {
        for magic in [MICROSECONDS, NANOSECONDS, MODIFIED] {
            let file = Pcap::new(order, magic)
                .record(1, 2, 60, &payload(1, 60))
                .record(3, 4, 0, &[])
                .record(5, 6, 1_500, &payload(2, 33));
            samples.push((format!("pcap {magic:#x} {order:?}"), file.bytes));
        }
        let mixed = mixed(order, if order == Little { Big } else { Little });
        samples.push((format!("pcapng {order:?}"), mixed.bytes));
    }
    samples
}

/// Two sections of different byte order with every kind of block.
pub(super) fn mixed(first: Order, second: Order) -> PcapNg {
    let file = PcapNg::new(first)
        .tsresol(9)
        .tsresol(0x94)
        .interface(1, 17, &[]);
    let comment = file.option(1, b"a comment");
    let verdict = file.option(7, &[2, 1, 2, 3, 4, 5, 6, 7, 8]);
    file.enhanced(0, 1_000, 60, &payload(1, 60))
        .enhanced_with(
            1,
            1 << 21,
            61,
            &payload(2, 61),
            &[comment, verdict].concat(),
        )
        .block(5, &[0; 12])
        .block(0x0bad, &[1, 2, 3, 4, 5, 6, 7])
        .obsolete(2, 5, 1_500, &payload(3, 17))
        .simple(5, &payload(4, 5))
        .section(second)
        .interface(1, 9, &[])
        .enhanced(0, 2_000, 0, &[])
        .simple(1_500, &payload(5, 9))
        .block(0x8000_0042, &[])
}
