//! Formatted text: the trace pipe, and `bpf_snprintf`.

use abi::Errno;

use super::call::{Answer, Call, Stop};
use super::format::{MAX_ARGS, Output, format, readable};
use crate::world::Event;

/// Bytes of a line in the trace pipe with its closing NUL.
const LINE: usize = 1024;

/// `long bpf_trace_printk(fmt, u32 fmt_size, ...)`: up to three arguments. The
/// length of the line; text beyond 1023 bytes is cut.
pub(super) fn trace_printk(call: &mut Call<'_>) -> Answer {
    let args = [call.arg(3), call.arg(4), call.arg(5)];
    print_line(call, &args)
}

/// `long bpf_trace_vprintk(fmt, u32 fmt_size, data, u32 data_len)`: the arguments
/// are an array of `u64`.
pub(super) fn trace_vprintk(call: &mut Call<'_>) -> Answer {
    match arguments(call, 3)? {
        Ok((args, count)) => print_line(call, &args[..count]),
        Err(errno) => Ok(errno.to_ret()),
    }
}

fn print_line(call: &mut Call<'_>, args: &[u64]) -> Answer {
    let size = call.size(2)?;
    let text = call.readable(1, size)?;
    let machine = &mut *call.machine;
    let text = text.bytes(&machine.space);
    let Some(end) = text.iter().position(|b| *b == 0) else {
        return Ok(Errno::EINVAL.to_ret());
    };
    let mut out = Output::new(&mut machine.scratch, LINE);
    if let Err(errno) = format(&text[..end], args, &machine.space, &mut out) {
        return Ok(errno.to_ret());
    }
    let count = out.count() as u64;
    // The trace pipe gets it as a C string.
    let line = machine.scratch.split(|byte| *byte == 0).next();
    let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    machine.world.events.push(Event::Printk(line));
    Ok(count)
}

/// `long bpf_snprintf(str, u32 str_size, fmt, data, u32 data_len)`: the length of
/// the whole text with its closing NUL, of which as much is stored as fits.
pub(super) fn snprintf(call: &mut Call<'_>) -> Answer {
    let size = call.size(2)?;
    let buffer = call.writable(1, size)?;
    if !call.arg(5).is_multiple_of(8) {
        return Err(call.refuse(5, "not a multiple of 8"));
    }
    let (args, count) = match arguments(call, 4)? {
        Ok(args) => args,
        Err(errno) => return Ok(errno.to_ret()),
    };
    let bad = call.refuse(3, "not a format that Linux takes");
    let text = call.constant_string(3)?;
    let machine = &mut *call.machine;
    let text = text.bytes(&machine.space);
    let mut out = Output::new(&mut machine.scratch, size as usize);
    match format(text, &args[..count], &machine.space, &mut out) {
        Err(Errno::EINVAL) => return Err(bad),
        Err(errno) => return Ok(errno.to_ret()),
        Ok(()) => {}
    }
    let count = out.count() as u64 + 1;
    let kept = &machine.scratch;
    if let Some((text, rest)) = buffer
        .bytes_mut(&mut machine.space)
        .split_at_mut_checked(kept.len())
    {
        text.copy_from_slice(kept);
        if let Some(end) = rest.first_mut() {
            *end = 0;
        }
    }
    Ok(count)
}

type Arguments = ([u64; MAX_ARGS], usize);

/// The array of `u64` that arguments `n` and `n + 1` describe.
fn arguments(call: &Call<'_>, n: usize) -> Result<Result<Arguments, Errno>, Stop> {
    let len = call.size(n + 1)?;
    let data = call.readable(n, len)?;
    let bytes = data.bytes(&call.machine.space);
    let mut args = [0; MAX_ARGS];
    if !bytes.len().is_multiple_of(8) || bytes.len() > 8 * MAX_ARGS {
        return Ok(Err(Errno::EINVAL));
    }
    for (arg, bytes) in args.iter_mut().zip(bytes.chunks_exact(8)) {
        *arg = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    Ok(Ok((args, bytes.len() / 8)))
}

impl Call<'_> {
    /// A string that is constant to the verifier, without its NUL.
    pub(super) fn constant_string(&self, n: usize) -> Result<super::call::Mem, Stop> {
        let space = &self.machine.space;
        let bytes = readable(space, self.arg(n));
        match bytes.iter().position(|b| *b == 0) {
            Some(0) => self.readable(n, 0),
            Some(len) => self.readable(n, len as u32),
            None => Err(self.refuse(n, "not a constant string")),
        }
    }
}
