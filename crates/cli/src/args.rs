//! The command line: every option, its help, completions and man page follow
//! from here.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};

/// Run, inspect and disassemble compiled eBPF programs without a kernel.
#[derive(Debug, Parser)]
#[command(name = "ebpf-sim", version, propagate_version = true)]
#[command(after_help = "Exit codes: 0 as expected, 1 a program trapped, \
    2 usage or unreadable input, 3 not supported.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Feed the packets of a capture through an XDP program.
    Run(Box<RunArgs>),
    /// Show what an object holds: programs, maps, globals, relocations, helpers.
    Inspect(InspectArgs),
    /// Print the instructions of an object's programs.
    Disasm(DisasmArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands to a directory.
    Man {
        /// Directory to write `ebpf-sim*.1` to.
        #[arg(value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
}

/// Which object, and how to read it where it does not say itself.
#[derive(Debug, clap::Args)]
pub(crate) struct ObjectArgs {
    /// Compiled BPF object (ELF); `-` for standard input.
    #[arg(value_name = "PROG.O", value_hint = ValueHint::FilePath)]
    pub(crate) object: PathBuf,

    /// Program type, where the section name does not say (such as `xdp`).
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) prog_type: Option<String>,

    /// BTF of the kernel that CO-RE relocations are resolved against: raw or
    /// ELF. Default: the running kernel's when readable, else the object's own.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) btf: Option<PathBuf>,

    /// Sets the size of a map (`max_entries`) before load. Repeatable.
    #[arg(long, value_name = "NAME=N")]
    pub(crate) map_size: Vec<String>,

    /// Sets a global variable before load: a number, or bytes in hex (`0x…`).
    /// Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) global: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,

    /// Capture to read: pcap or pcapng; `-` for standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pcap: PathBuf,

    /// Program to run, where the object has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,

    /// Writes the packets that leave (pass, transmit, redirect) as pcapng;
    /// `-` for standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) write: Option<PathBuf>,

    /// Fills a map before the first packet, from a JSON array of
    /// `{"key":…, "value":…}`. Repeatable.
    #[arg(long, value_name = "NAME=FILE.json")]
    pub(crate) map: Vec<String>,

    /// Shows all maps at the end; with a directory, writes each to
    /// `DIR/NAME.json` in the form that `--map` reads.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true,
          default_missing_value = "", value_hint = ValueHint::DirPath)]
    pub(crate) dump_maps: Option<PathBuf>,

    /// Prints JSON lines instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    /// With `--json`: a record for each packet.
    #[arg(long, requires = "json")]
    pub(crate) per_packet: bool,

    /// Seed of the random numbers that the program sees.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Clock that the program sees: `capture` (timestamps of the packets),
    /// `zero`, or a file with one number of nanoseconds a line, one line a packet.
    #[arg(long, value_name = "capture|zero|FILE", default_value = "capture")]
    pub(crate) clock: String,

    /// Stops after this many packets.
    #[arg(long, value_name = "N")]
    pub(crate) packets: Option<u64>,

    /// Feeds the whole capture this many times; maps keep their contents.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeat: u64,

    /// Index of the interface that packets arrive on.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) ifindex: u32,

    /// Receive queue that packets arrive on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) queue: u32,

    /// CPUs that the machine has.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) cpus: u32,

    /// CPU that the program runs on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) cpu: u32,

    /// Instructions that one packet may take before the run is stopped.
    #[arg(long, value_name = "N")]
    pub(crate) budget: Option<u64>,

    /// Devices, routes and neighbours for `bpf_fib_lookup` and `bpf_check_mtu`
    /// (JSON).
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) network: Option<PathBuf>,

    /// Takes the packets of any link type for Ethernet frames.
    #[arg(long)]
    pub(crate) force_ethernet: bool,

    /// Events and printk lines to show in the text report.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) events: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,

    /// Prints JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DisasmArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,

    /// Only this program.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,

    /// The bytes of each instruction below it.
    #[arg(long)]
    pub(crate) opcodes: bool,

    /// File, line and column beside each source line.
    #[arg(long)]
    pub(crate) linum: bool,

    /// The source line before the instructions that it made.
    #[arg(long)]
    pub(crate) source: bool,

    /// Prints the control flow graph for Graphviz instead.
    #[arg(long)]
    pub(crate) dot: bool,
}
