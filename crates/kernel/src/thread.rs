//! Where the calling thread runs while it asks.
//!
//! PROG_TEST_RUN runs a program on the CPU and in the network namespace of the
//! thread that asks. Both guards belong to their thread.

use std::marker::PhantomData;

use abi::Errno;

use crate::Kernel;
use crate::sys::{Affinity, Namespace};

/// Keeps the calling thread on one CPU until it is dropped.
#[derive(Debug)]
pub struct OnCpu {
    _affinity: Affinity,
    _of_this_thread: PhantomData<*const ()>,
}

/// Keeps the calling thread in a network namespace of its own, with nothing in
/// it but a loopback that is down, until it is dropped.
#[derive(Debug)]
pub struct PrivateNetwork {
    _namespace: Namespace,
    _of_this_thread: PhantomData<*const ()>,
}

impl Kernel {
    /// Keeps the calling thread on a CPU.
    ///
    /// # Errors
    ///
    /// `EINVAL` when there is no such CPU for this process.
    pub fn on_cpu(&self, cpu: u32) -> Result<OnCpu, Errno> {
        Ok(OnCpu {
            _affinity: Affinity::pin(cpu)?,
            _of_this_thread: PhantomData,
        })
    }

    /// Gives the calling thread a network namespace of its own.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`.
    pub fn private_network(&self) -> Result<PrivateNetwork, Errno> {
        Ok(PrivateNetwork {
            _namespace: Namespace::enter()?,
            _of_this_thread: PhantomData,
        })
    }
}
