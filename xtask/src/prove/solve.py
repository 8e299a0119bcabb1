"""Solves SMT-LIB files, as `cargo xtask prove` asks for them on standard input.

A line in: SOLVER SECONDS PATH. Out: what the solver says of the file, and a line
"; " with the seconds of processor time that it took. It is stopped when it has
taken as many as it may.
"""

import os
import pathlib
import resource
import sys

import bitwuzla

Z3 = pathlib.Path(sys.executable).parent / "z3"


def run_bitwuzla(path):
    options = bitwuzla.Options()
    options.set(bitwuzla.Option.PRODUCE_MODELS, True)
    try:
        bitwuzla.Parser(bitwuzla.TermManager(), options).parse(path)
    except bitwuzla.BitwuzlaException:
        # Values are asked for where there are none.
        pass


def run_z3(path):
    os.execv(Z3, [Z3, path])


def run(solver, seconds, path):
    """In a process of its own: a solver may be stopped, or end the process."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        {"bitwuzla": run_bitwuzla, "z3": run_z3}[solver](path)
        sys.exit(0)
    os.waitpid(child, 0)


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


for line in sys.stdin:
    solver, seconds, path = line.rstrip("\n").split(" ", 2)
    before = spent()
    run(solver, int(seconds), path)
    print(f"\n; {spent() - before:.3f}", flush=True)
