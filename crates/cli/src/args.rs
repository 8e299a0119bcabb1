//! The command line: every option, its help, completions and man page follow
//! from here.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

/// Run, inspect and disassemble compiled eBPF programs without a kernel.
#[derive(Debug, Parser)]
#[command(name = "ebpf-sim", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 as expected, 1 a program trapped or is refused, or Linux \
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
    /// Run scenarios: packets in words through programs, and what should come of it.
    #[command(after_help = "docs/scenarios.md has the format.\n\
        Exit codes: 0 all as expected, 1 an expectation was missed or Linux would refuse a \
        program, 2 usage or unreadable input, 3 not simulated.")]
    Test(TestArgs),
    /// Put a program and a capture to the running kernel too, and show every difference.
    #[command(
        after_help = "Needs root, or CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, and \
        CAP_SYS_ADMIN for a network namespace. Nothing is attached to an interface.\n\
        Exit codes: 0 no difference, 1 a difference, 2 usage or unreadable input, 3 Linux cannot \
        be asked or refuses the program."
    )]
    Compare(Box<CompareArgs>),
    /// Measure how long the engines take for the packets of a capture.
    #[command(
        after_help = "Each packet is run many times in a row, on what the time before left of \
        it; engines take turns.\n\
        Exit codes: 0 measured, 1 an answer differs or Linux would refuse the program, \
        2 usage or unreadable input, 3 not simulated."
    )]
    Bench(Box<BenchArgs>),
    /// Say whether Linux would load programs, in its words, and explain refusals.
    #[command(
        after_help = "Exit codes: 0 everything is accepted, 1 something is refused, 2 usage \
        or unreadable input, 3 something uses what is not supported."
    )]
    Verify(Box<VerifyArgs>),
    /// Look for programs on which the verifier, the engines or Linux are wrong.
    #[command(
        after_help = "Prints a line of JSON for each finding (docs/fuzzing.md). \
        Exit codes: 0 nothing was found, 1 something was, 2 usage or unreadable input, 3 the \
        kernel or another verifier cannot be asked.",
        args_conflicts_with_subcommands = true
    )]
    Fuzz(Box<FuzzArgs>),
    /// Explain a refusal by its code, with a program that fails and one that does not.
    Explain(ExplainArgs),
    /// List what the verifier follows and the machine runs.
    Features(FeaturesArgs),
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

    #[command(flatten)]
    pub(crate) load: LoadArgs,
}

/// How to load objects where they do not say it themselves.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
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

    /// Runs a program even if Linux would refuse it: every access is checked.
    #[arg(long)]
    pub(crate) unverified: bool,

    /// Who runs the program, with the same report. `auto`: the JIT where there is one.
    #[arg(long, value_enum, default_value_t = Engine::Auto)]
    pub(crate) engine: Engine,

    /// Tells `perf` the names of compiled code: lines in /tmp/perf-PID.map, or a
    /// dump jit-PID.dump here, for `perf inject --jit`.
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) perf: Option<Perf>,

    /// Says on standard error who runs the program, and why.
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Feeds the capture this many times; maps keep their contents.
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

    /// Shows all maps at the end, or writes each to `DIR/NAME.json` in the form
    /// that `--map` reads.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true,
          default_missing_value = "-", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub(crate) dump_maps: Option<PathBuf>,

    /// Writes each packet before and after (pcapng); `-`: standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) write: Option<PathBuf>,

    /// Writes what leaves each interface to `DIR/INTERFACE.pcapng`.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub(crate) write_per_interface: Option<PathBuf>,

    /// Events and printk lines to show in the text report.
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = OUTPUT)]
    pub(crate) events: usize,

    /// Writes which source lines and branches ran, in lcov's form.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) coverage: Option<PathBuf>,

    /// Shows, or writes into a file, how often each source line ran.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true,
          default_missing_value = "-", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) annotate: Option<PathBuf>,

    /// Shows the instructions that ran most often.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true,
          default_missing_value = "20", help_heading = OUTPUT)]
    pub(crate) hottest: Option<usize>,

    /// Fails when a packet takes more instructions, and says which.
    #[arg(long, value_name = "N", help_heading = OUTPUT)]
    pub(crate) max_insns_per_packet: Option<u64>,

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

    /// Devices, routes and neighbours that helpers ask for (JSON).
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath, help_heading = WORLD)]
    pub(crate) network: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Scenario files (TOML).
    #[arg(value_name = "SCENARIO.toml", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) scenarios: Vec<PathBuf>,

    /// Only scenarios with this in their name or path. Repeatable.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,

    /// Writes into the files what happened, after showing the difference.
    #[arg(long, conflicts_with_all = ["write", "write_per_interface"])]
    pub(crate) bless: bool,

    /// Who runs the programs in the simulator. Default: auto.
    #[arg(long, value_enum)]
    pub(crate) engine: Option<Engine>,

    /// Where: the simulator, or the running kernel (root). There nothing is attached,
    /// redirects are not followed and instructions not counted; what needs more is
    /// skipped, with the reason.
    #[arg(long, value_enum, default_value_t = Ground::Simulator)]
    pub(crate) on: Ground,

    /// Writes each packet before and after its program (pcapng), with the verdict.
    #[arg(long, value_name = "FILE.pcapng", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) write: Option<PathBuf>,

    /// Writes what leaves each interface to `DIR/INTERFACE.pcapng`.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub(crate) write_per_interface: Option<PathBuf>,

    /// Prints TAP 14 instead of text.
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) tap: bool,

    /// Writes a JUnit report for CI.
    #[arg(long, value_name = "FILE.xml", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) junit: Option<PathBuf>,
}

/// Where scenarios run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Ground {
    /// In user space.
    Simulator,
    /// Test runs of the running kernel.
    Kernel,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) feed: FeedArgs,

    /// Stays in the network namespace of the caller, which this file describes
    /// (JSON). Default: a namespace of its own with nothing but a loopback.
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) network: Option<PathBuf>,

    /// Who runs the program here.
    #[arg(long, value_enum, default_value_t = Engine::Auto)]
    pub(crate) engine: Engine,

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
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) feed: FeedArgs,

    /// Measures the running kernel's JIT too, by PROG_TEST_RUN; needs root, or
    /// CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN.
    #[arg(long, value_enum, value_name = "PARTY")]
    pub(crate) against: Option<Against>,

    /// Only this engine: interpreter, compiled code that checks every access, or
    /// that for verified programs. Repeatable.
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) engine: Vec<BenchEngine>,

    /// Prints JSON lines instead of text (docs/json.md).
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}

impl BenchArgs {
    /// The engines to measure.
    pub(crate) fn engines(&self) -> Vec<BenchEngine> {
        match self.engine[..] {
            [] => BenchEngine::value_variants().to_vec(),
            _ => self.engine.clone(),
        }
    }
}

/// Whom the engines are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Against {
    Kernel,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BenchEngine {
    Interp,
    Checked,
    Jit,
}

/// Headings of `verify --help`.
const KERNEL: &str = "Whose verdict";

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Compiled BPF objects (ELF); `-` for standard input.
    #[arg(value_name = "PROG.O", value_hint = ValueHint::FilePath,
          required_unless_present = "programs")]
    pub(crate) objects: Vec<PathBuf>,

    /// Only this program. Repeatable.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Vec<String>,

    /// Takes raw programs, a JSON object a line (docs/verify.md), instead of
    /// objects, and prints a JSON line for each; `-` for standard input.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["objects", "output", "compare"],
          value_hint = ValueHint::FilePath)]
    pub(crate) programs: Option<PathBuf>,

    /// Prints Linux's log: 1 the failing path, 2 every state, 4 statistics, or a
    /// sum of these.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=7),
          help_heading = OUTPUT)]
    pub(crate) log_level: Option<u32>,

    /// Prints the long explanation of each refusal.
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) explain: bool,

    /// The same as `-o json`.
    #[arg(long, conflicts_with = "output", help_heading = OUTPUT)]
    pub(crate) json: bool,

    /// How to print the verdicts; table and CSV have veristat's columns.
    #[arg(short, long, value_name = "FORMAT", help_heading = OUTPUT)]
    pub(crate) output: Option<Format>,

    /// Columns of table and CSV, by veristat's names, with commas between.
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', help_heading = OUTPUT)]
    pub(crate) emit: Vec<String>,

    /// Sorts table and CSV by these columns; `^` after a name for ascending.
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', help_heading = OUTPUT)]
    pub(crate) sort: Vec<String>,

    /// Keeps programs by name (`FILE/PROG`, with `*` and `?`) or figure
    /// (`insns>1000`, `verdict=failure`); `!` before it drops them. Repeatable.
    #[arg(short, long, value_name = "FILTER", help_heading = OUTPUT)]
    pub(crate) filter: Vec<String>,

    /// Compares with an earlier `-o csv`; exit code 1 too when a verdict changed.
    #[arg(long, value_name = "BASE.csv", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) compare: Option<PathBuf>,

    /// Who loads the programs.
    #[arg(long, value_enum, default_value_t = Caps::Root, help_heading = KERNEL)]
    pub(crate) caps: Caps,

    /// CPUs that the machine has; they bound `bpf_get_smp_processor_id`.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = KERNEL,
          value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub(crate) cpus: u32,

    /// `BPF_F_STRICT_ALIGNMENT`: refuses what is not aligned.
    #[arg(long, help_heading = KERNEL)]
    pub(crate) strict_alignment: bool,

    /// `BPF_F_TEST_STATE_FREQ`: keeps a state wherever one may be kept.
    #[arg(long, help_heading = KERNEL)]
    pub(crate) test_state_freq: bool,

    #[command(flatten)]
    pub(crate) load: LoadArgs,
}

/// Headings of `fuzz --help`.
const PROGRAMS: &str = "Which programs";
const ORACLES: &str = "What is wrong with them";
const SELF_TEST: &str = "Whether it would be found";

#[derive(Debug, clap::Args)]
pub(crate) struct FuzzArgs {
    #[command(subcommand)]
    pub(crate) command: Option<FuzzCommand>,

    /// Ends after so long: `90s`, `10m`, `8h`. [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "programs",
          help_heading = PROGRAMS)]
    pub(crate) time: Option<Duration>,

    /// Ends after the programs with an index below this.
    #[arg(long, value_name = "N", help_heading = PROGRAMS)]
    pub(crate) programs: Option<u64>,

    /// Seed of the programs: the same seed, the same programs, on every machine.
    /// Default: a fresh one, which is said.
    #[arg(long, value_name = "S", value_parser = seed, help_heading = PROGRAMS)]
    pub(crate) seed: Option<u64>,

    /// How many of a thousand programs are of which kind.
    #[arg(long, value_name = "KIND=N,…", help_heading = PROGRAMS)]
    pub(crate) mix: Option<difftest::fuzz::Mix>,

    /// Only the programs whose index leaves i when divided by n: one of n parts of
    /// a campaign, from 0.
    #[arg(long, value_name = "i/n", default_value = "0/1", help_heading = PROGRAMS)]
    pub(crate) shard: difftest::fuzz::Shard,

    /// Only the program with this index.
    #[arg(long, value_name = "INDEX", requires = "seed",
          conflicts_with_all = ["time", "programs", "shard"], help_heading = PROGRAMS)]
    pub(crate) only: Option<u64>,

    /// Takes programs from a file instead: one that `--out` wrote, or any in the
    /// form of docs/verify.md; `-` for standard input.
    #[arg(long, value_name = "FILE.jsonl", value_hint = ValueHint::FilePath,
          conflicts_with_all = ["time", "programs", "seed", "mix", "shard", "only"],
          help_heading = PROGRAMS)]
    pub(crate) replay: Option<PathBuf>,

    /// Who looks at them, several with commas between. `state`: runs lie within what
    /// the verifier recorded; `registers`: and that is what Linux knows; `verdict`;
    /// `result`: the engines come to the same; `all` for which there is whom to ask.
    #[arg(long, value_enum, value_name = "ORACLE", value_delimiter = ',', default_value = "all",
          help_heading = ORACLES)]
    pub(crate) oracle: Vec<FuzzOracle>,

    /// Whom verdicts and results are held against: the running kernel, nobody, or a
    /// command that gives verdicts (docs/fuzzing.md).
    #[arg(long, value_name = "kernel|none|CMD", default_value = "none", help_heading = ORACLES)]
    pub(crate) against: String,

    /// How long one program may take.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s",
          help_heading = ORACLES)]
    pub(crate) patience: Duration,

    /// Threads. Default: as many as there are CPUs.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Writes each finding into this directory: as a file test, as a line for
    /// `--replay`, and as a C program that asks the kernel.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,

    /// Appends what was done to this file, for `fuzz merge`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) self_test: SelfTestArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SelfTestArgs {
    /// Brings back known bugs, one after another, and says how long each oracle takes
    /// to find it; exit status 1 when one is not found. Only in builds that were made
    /// for it: `cargo build --features inject`.
    #[arg(long, help_heading = SELF_TEST,
          conflicts_with_all = ["time", "programs", "shard", "only", "replay", "out", "ledger"])]
    pub(crate) self_test: bool,

    /// Only these bugs, by id. Default: all.
    #[arg(long, value_name = "ID,…", value_delimiter = ',', requires = "self_test",
          help_heading = SELF_TEST)]
    pub(crate) bugs: Vec<String>,

    /// So many seeds, from the one given on.
    #[arg(long, value_name = "N", default_value = "1", requires = "self_test",
          help_heading = SELF_TEST)]
    pub(crate) seeds: u64,

    /// How long one oracle may look for one bug, of the processor's time.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s",
          requires = "self_test", help_heading = SELF_TEST)]
    pub(crate) budget: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FuzzCommand {
    /// Say what campaigns came to together, with every finding once.
    Merge(MergeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct MergeArgs {
    /// Ledgers that `fuzz --ledger` wrote.
    #[arg(value_name = "LEDGER", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) ledgers: Vec<PathBuf>,

    /// Writes all of them into this file, as one ledger.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// Who looks at a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FuzzOracle {
    State,
    Registers,
    Verdict,
    Result,
    All,
}

/// A time as people write it.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let each = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => 0,
    };
    let number: Option<u64> = digits.parse().ok();
    match number
        .and_then(|number| number.checked_mul(each))
        .filter(|_| each > 0)
    {
        // A year is for ever.
        Some(seconds @ 1..=31_536_000) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a time from 1s to 365d, such as 90s, 10m or 8h".to_owned()),
    }
}

/// A number, decimal or hexadecimal.
fn seed(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "expected a number of 64 bits, decimal or hexadecimal".to_owned())
}

#[derive(Debug, clap::Args)]
pub(crate) struct FeaturesArgs {
    /// Only those with this in their name, or that this program type may call.
    pub(crate) name: Option<String>,

    /// Prints a JSON object a line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Code of a refusal, as `verify` prints it, or part of one. Default: lists all.
    pub(crate) code: Option<String>,
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Sentences, for a person.
    Text,
    /// veristat's table.
    Table,
    /// veristat's CSV.
    Csv,
    /// A JSON object a line (docs/json.md).
    Json,
}

/// Who runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    Auto,
    Jit,
    Interp,
}

impl From<Engine> for xdp_sim::Engine {
    fn from(engine: Engine) -> xdp_sim::Engine {
        match engine {
            Engine::Auto => xdp_sim::Engine::Auto,
            Engine::Jit => xdp_sim::Engine::Jit,
            Engine::Interp => xdp_sim::Engine::Interpreter,
        }
    }
}

/// How compiled code accesses memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum JitMode {
    Checked,
    Sandboxed,
    Trusted,
}

/// How perf learns the names of compiled code.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Perf {
    Map,
    Dump,
}

impl From<Perf> for jit::PerfNames {
    fn from(perf: Perf) -> jit::PerfNames {
        match perf {
            Perf::Map => jit::PerfNames::Map,
            Perf::Dump => jit::PerfNames::Dump,
        }
    }
}

impl From<JitMode> for jit::Mode {
    fn from(mode: JitMode) -> jit::Mode {
        match mode {
            JitMode::Checked => jit::Mode::Checked,
            JitMode::Sandboxed => jit::Mode::Sandboxed,
            JitMode::Trusted => jit::Mode::Trusted,
        }
    }
}

/// Who loads a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Caps {
    /// CAP_BPF and CAP_PERFMON.
    Root,
    /// CAP_BPF only.
    Bpf,
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

    /// The x86-64 code of each instruction below it. Code for a verified program
    /// is `sandboxed` (the default), for any other `checked`; `trusted` is never run.
    #[arg(long, value_enum, value_name = "MODE", num_args = 0..=1, require_equals = true,
          default_missing_value = "sandboxed", conflicts_with = "dot")]
    pub(crate) jit: Option<JitMode>,

    /// With `--jit`: code that counts instructions, as `run` has it.
    #[arg(long, requires = "jit")]
    pub(crate) meter: bool,

    /// Prints the control flow graph for Graphviz instead.
    #[arg(long)]
    pub(crate) dot: bool,

    #[command(flatten)]
    pub(crate) object: ObjectArgs,
}
