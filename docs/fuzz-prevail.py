#!/usr/bin/env python3
"""PREVAIL as the other verifier of `ebpf-sim fuzz` (docs/fuzzing.md).

    ebpf-sim fuzz --oracle verdict --against 'docs/fuzz-prevail.py path/to/check'

Reads programs, a JSON object a line (docs/verify.md), writes each as an ELF
object, runs PREVAIL on it, and answers with a JSON object a line. What the object
cannot carry (kernel functions, maps in maps, types of values, global data,
signatures of functions) and what PREVAIL cannot read is `unsupported`.

PREVAIL refuses much that Linux accepts, on purpose. With `--only-unsound` its
refusals are `unsupported` too, so that only programs remain that it accepts and
ours does not.
"""
import json
import struct
import subprocess
import sys
import tempfile

# Section names by which PREVAIL knows program types, by number: those whose name
# says all.
SECTIONS = {1: "socket", 2: "kprobe", 3: "tc", 5: "tracepoint", 6: "xdp", 7: "perf_event"}
# Types of maps that a plain definition is enough for, by bpftool's name.
MAPS = {"hash": 1, "array": 2, "prog_array": 3, "perf_event_array": 4, "percpu_hash": 5,
        "percpu_array": 6, "stack_trace": 7, "lru_hash": 9, "lpm_trie": 11, "devmap": 14,
        "sockmap": 15, "cpumap": 16, "xskmap": 17, "queue": 22, "stack": 23, "ringbuf": 27}


class Unsupported(Exception):
    pass


def slots(program):
    insns = program["insns"]
    data = bytes.fromhex(insns if isinstance(insns, str) else "".join(insns))
    return [bytearray(data[at:at + 8]) for at in range(0, len(data), 8)]


def elf(program):
    """An ELF object with the program, its maps in the section `maps`."""
    if program.get("externs") or program.get("func_info"):
        raise Unsupported("kernel functions or signatures")
    section = SECTIONS.get(program.get("type"))
    if section is None:
        raise Unsupported("program type %s" % program.get("type"))
    maps = program.get("maps", [])
    definitions = b""
    for each in maps:
        if each["type"] not in MAPS or "inner" in each or "value_type_id" in each or "frozen" in each:
            raise Unsupported("map type %s" % each["type"])
        definitions += struct.pack("<5I", MAPS[each["type"]], each["key_size"],
                                   each["value_size"], each["max_entries"], each.get("flags", 0))
    code, relocations, at = slots(program), b"", 0
    while at < len(code):
        if code[at][0] == 0x18:
            source = code[at][1] >> 4
            if source == 5:
                index = struct.unpack_from("<i", code[at], 4)[0]
                if not 0 <= index < len(maps):
                    raise Unsupported("a map that there is not")
                code[at][1] &= 0x0f
                struct.pack_into("<i", code[at], 4, 0)
                # Symbols: the empty one, the program, then the maps. R_BPF_64_64.
                relocations += struct.pack("<QQ", at * 8, (index + 2) << 32 | 1)
            elif source:
                raise Unsupported("a wide load of another kind")
            at += 1
        at += 1
    code = b"".join(bytes(slot) for slot in code)

    strings = bytearray(b"\0")

    def name(text):
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text) - 1

    # 1 program, 2 relocations, 3 maps, 4 license, 5 symbols, 6 strings
    license_text = program.get("license", "GPL").encode() + b"\0"
    symbols = bytes(24) + struct.pack("<IBBHQQ", name("main"), 0x12, 0, 1, 0, len(code))
    for index in range(len(maps)):
        symbols += struct.pack("<IBBHQQ", name("map%d" % index), 0x11, 0, 3, index * 20, 20)
    parts = [(section, 1, 6, code, 0, 0, 0), (".rel" + section, 9, 0, relocations, 5, 1, 16),
             ("maps", 1, 3, definitions, 0, 0, 0), ("license", 1, 3, license_text, 0, 0, 0),
             (".symtab", 2, 0, symbols, 6, 1, 24), (".strtab", 3, 0, None, 0, 0, 0)]
    names = [name(part[0]) for part in parts]
    headers, body, place = bytes(64), b"", 64
    for (_, kind, flags, data, link, info, size), label in zip(parts, names):
        data = bytes(strings) if data is None else data
        headers += struct.pack("<IIQQQQIIQQ", label, kind, flags, 0, place, len(data),
                               link, info, 8, size)
        data += bytes(-len(data) % 8)
        body += data
        place += len(data)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 1, 247, 1, 0, 0, place, 0,
                       64, 0, 0, 64, len(parts) + 1, len(parts))
    return head + body + headers


def verdict(command, program, only_unsound):
    with tempfile.NamedTemporaryFile(suffix=".o") as file:
        try:
            file.write(elf(program))
        except Unsupported as why:
            return {"verdict": "unsupported", "message": str(why)}
        file.flush()
        ran = subprocess.run(command + [file.name], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, errors="replace")
    said = (ran.stdout + ran.stderr).strip().splitlines()
    message = said[-1] if said else ""
    if ran.returncode == 0:
        return {"verdict": "success"}
    if ran.returncode < 0:
        # It died: so shall we, for that is what is to be found.
        sys.exit("%s died of signal %d" % (command[0], -ran.returncode))
    unread = any("unmarshal" in line or "error:" in line.lower() for line in said)
    if ran.returncode != 1 or unread or only_unsound:
        return {"verdict": "unsupported", "message": message}
    return {"verdict": "failure", "message": message}


def main():
    words = sys.argv[1:]
    only_unsound = "--only-unsound" in words
    command = [word for word in words if word != "--only-unsound"]
    if not command:
        sys.exit(__doc__)
    for line in sys.stdin:
        print(json.dumps(verdict(command, json.loads(line), only_unsound)), flush=True)


if __name__ == "__main__":
    main()
