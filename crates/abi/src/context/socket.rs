//! What programs may read of sockets. Nothing may be written, and all of it is
//! numbers.
//!
//! Measured on Linux 6.18 with a load of every size at every offset.

use super::Gives::Scalar;
use super::{Context, Load, at, every, load, run};

/// The part that sockets of all kinds have (`struct bpf_sock`, without what only
/// full sockets know).
pub static SOCK_COMMON: Context = numbers(&[
    load(
        1,
        Scalar,
        &[at(4), run(24, 44), run(48, 49), run(52, 72), at(76)],
    ),
    load(
        2,
        Scalar,
        &[
            at(4),
            every(2, 24, 44),
            every(4, 48, 52),
            every(2, 54, 72),
            at(76),
        ],
    ),
    load(4, Scalar, &[every(4, 0, 4), every(4, 24, 76)]),
]);

/// A full socket (`struct bpf_sock`).
pub static SOCK: Context = numbers(&[
    load(
        1,
        Scalar,
        &[
            every(4, 4, 12),
            run(24, 44),
            run(48, 49),
            run(52, 72),
            at(76),
        ],
    ),
    load(
        2,
        Scalar,
        &[
            every(4, 4, 12),
            every(2, 24, 44),
            every(4, 48, 52),
            every(2, 54, 72),
            at(76),
        ],
    ),
    load(4, Scalar, &[every(4, 0, 76)]),
]);

/// The TCP part (`struct bpf_tcp_sock`).
pub static TCP_SOCK: Context = numbers(&[
    load(4, Scalar, &[every(4, 0, 76), every(4, 96, 108)]),
    load(8, Scalar, &[every(8, 80, 88)]),
]);

/// An XDP socket (`struct bpf_xdp_sock`).
pub static XDP_SOCK: Context = numbers(&[load(4, Scalar, &[at(0)])]);

const fn numbers(loads: &'static [Load]) -> Context {
    Context {
        structure: None,
        loads,
        stores: &[],
    }
}
