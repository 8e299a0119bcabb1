//! The command line: every option, its help, completions and man page follow
//! from here.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};

/// Run, inspect and disassemble compiled eBPF programs without a kernel.
#[derive(Debug, Parser)]
#[command(name = "ebpf-sim", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 as expected, 1 a program trapped or Linux \
    answers otherwise, 2 usage or unreadable input, 3 not simulated or Linux cannot be asked."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Feed the packets of a capture through an XDP program.
    Run(Box<RunArgs>),
    /// Put a program and a capture to the running kernel too, and show every difference.
    #[command(
        after_help = "Needs root, or CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, and \
        CAP_SYS_ADMIN for a network namespace. Nothing is attached to an interface.\n\
        Exit codes: 0 no difference, 1 a difference, 2 usage or unreadable input, 3 Linux cannot \
        be asked or refuses the program."
    )]
    Compare(Box<CompareArgs>),
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

/// Heading of the options that say how an object is loaded.
const OBJECT: &str = "Loading the object";

/// Which object, and how to load it where it does not say itself.
#[derive(Debug, clap::Args)]
pub(crate) struct ObjectArgs {
    /// Compiled BPF object (ELF); `-` for standard input.
    #[arg(value_name = "PROG.O", value_hint = ValueHint::FilePath)]
    pub(crate) object: PathBuf,

    /// Type of programs whose section name does not say it, such as `xdp`.
    #[arg(long = "type", value_name = "TYPE", help_heading = OBJECT)]
    pub(crate) prog_type: Option<String>,

    /// BTF of the kernel that CO-RE relocations are resolved against: raw or
    /// ELF. Default: the running kernel's when readable, else the object's own.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OBJECT)]
    pub(crate) btf: Option<PathBuf>,

    /// Sets the size of a map (`max_entries`) before load. Repeatable.
    #[arg(long, value_name = "NAME=N", help_heading = OBJECT)]
    pub(crate) map_size: Vec<String>,

    /// Sets a global variable before load: JSON (`80`, `[1, 2]`, `{"min": 3}`),
    /// hexadecimal, or text. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", help_heading = OBJECT)]
    pub(crate) global: Vec<String>,
}

/// What is fed to which program.
#[derive(Debug, clap::Args)]
pub(crate) struct FeedArgs {
    /// Capture to read: pcap or pcapng; `-` for standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pcap: PathBuf,

    /// Program to run, where the object has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,

    /// Fills a map before the first packet, from a JSON array of
    /// `{"key": K, "value": V}`. Repeatable.
    #[arg(long, value_name = "NAME=FILE.json")]
    pub(crate) map: Vec<String>,

    /// Stops after this many packets.
    #[arg(long, value_name = "N")]
    pub(crate) packets: Option<u64>,

    /// Takes the packets of any link type for Ethernet frames.
    #[arg(long)]
    pub(crate) force_ethernet: bool,
}

/// Headings of `run --help`.
const OUTPUT: &str = "Output";
const WORLD: &str = "What the program sees";

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) feed: FeedArgs,

    /// Feeds the whole capture this many times; maps keep their contents.
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) repeat: NonZeroU64,

    /// Instructions that one packet may take before the program is stopped.
    #[arg(long, value_name = "N")]
    pub(crate) budget: Option<u64>,

    /// Prints JSON lines instead of text (docs/json.md).
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) json: bool,

    /// With `--json`: a record for each packet.
    #[arg(long, requires = "json", help_heading = OUTPUT)]
    pub(crate) per_packet: bool,

    /// Shows all maps at the end, not only those that changed; with a directory,
    /// writes each to `DIR/NAME.json` in the form that `--map` reads.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true,
          default_missing_value = "-", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub(crate) dump_maps: Option<PathBuf>,

    /// Writes the packets that leave (pass, transmit, redirect) as pcapng;
    /// `-` for standard output, the report then goes to standard error.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) write: Option<PathBuf>,

    /// Events and printk lines to show in the text report.
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = OUTPUT)]
    pub(crate) events: usize,

    /// Clock: `capture` (timestamps of the packets), `zero`, or a file with one
    /// number of nanoseconds a line, one line a packet.
    #[arg(long, value_name = "capture|zero|FILE", default_value = "capture", help_heading = WORLD)]
    pub(crate) clock: PathBuf,

    /// Seed of the random numbers.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = WORLD)]
    pub(crate) seed: u64,

    /// Index of the interface that packets arrive on.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = WORLD)]
    pub(crate) ifindex: u32,

    /// Receive queue that packets arrive on.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = WORLD)]
    pub(crate) queue: u32,

    /// CPUs that the machine has.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = WORLD,
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) cpus: u32,

    /// CPU that the program runs on.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = WORLD)]
    pub(crate) cpu: u32,

    /// Devices, routes and neighbours for `bpf_fib_lookup` and `bpf_check_mtu`
    /// (JSON).
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath, help_heading = WORLD)]
    pub(crate) network: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) feed: FeedArgs,

    /// Stays in the network namespace of the caller, which this file describes
    /// (JSON). Default: a namespace of its own with nothing but a loopback.
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) network: Option<PathBuf>,

    /// Prints JSON lines instead of text (docs/json.md).
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) json: bool,

    /// Differences to show in the text report.
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = OUTPUT)]
    pub(crate) differences: usize,

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// Prints JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DisasmArgs {
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

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}
