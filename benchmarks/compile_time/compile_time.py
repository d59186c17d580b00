#!/usr/bin/env python3
"""Compiles every public header and a few programs at -O2 and writes a table. Run by benchmarks/compile_time.sh."""
import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 3
LONG = 10  # seconds: what takes longer is compiled once
# Program, what it needs beside kdm.hpp, the limit in seconds.
PROGRAMS = {
    "a student and its trainer, reference backend": ("reference_backend", None, 3),
    "the same, native backend": ("native_backend", None, None),
    "the same, Eigen backend": ("eigen_backend", "kdm/backend/eigen.hpp", 6),
}
# What every program pays that uses the standard library: how fast this machine and compiler are just now.
STANDARD = ("algorithm", "chrono", "cmath", "complex", "filesystem", "fstream", "functional", "memory", "string", "vector")


def flags_of_headers(build):
    """Header -> the flags of its component: the build has a command for every header alone."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        _, found, name = entry["file"].partition("_verify_interface_header_sets/")
        if found:
            words = shlex.split(entry["command"])
            kept = [w for k, w in enumerate(words) if w.startswith(("-I", "-D", "-fopenmp")) and w != "-DNDEBUG"
                    or w == "-isystem" or words[k - 1] == "-isystem"]
            flags[name.removesuffix(".cxx")] = kept
    return flags


def compile_once(command):
    """Seconds of processor time of the compiler and what it started."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {shlex.join(command)}")
    return use.ru_utime


class Table:
    def __init__(self, compiler, folder):
        self.compiler, self.folder, self.rows = compiler, folder, []

    def add(self, name, source, flags, limit=None):
        output = self.folder / "out.o"
        command = [self.compiler, "-std=c++20", "-O2", *flags, "-c", str(source), "-o", str(output)]
        rounds = [compile_once(command)]
        while len(rounds) < ROUNDS and rounds[0] < LONG:
            rounds.append(compile_once(command))
        seconds = statistics.median(rounds)
        print(f"  {seconds:5.2f} s  {name}", file=sys.stderr, flush=True)
        self.rows.append((name, seconds, output.stat().st_size, limit))

    def markdown(self):
        lines = ["| | seconds | target | met | object, bytes |", "|---|---|---|---|---|"]
        for name, seconds, size, limit in self.rows:
            target, met = ("", "") if limit is None else (f"≤ {limit}", "yes" if seconds <= limit else "**no**")
            lines.append(f"| {name} | {seconds:.2f} | {target} | {met} | {size} |")
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a configured build")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--programs", action="store_true", help="without the single headers")
    options = parser.parse_args()
    flags = flags_of_headers(options.build)
    if not flags:
        sys.exit(f"{options.build}/compile_commands.json has no headers")
    environment = subprocess.run([options.compiler, "--version"], capture_output=True, text=True, check=True).stdout
    os.environ["CCACHE_DISABLE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        programs, headers = Table(options.compiler, folder), Table(options.compiler, folder)
        (folder / "standard.cpp").write_text("".join(f"#include <{name}>\n" for name in STANDARD))
        programs.add("for comparison: headers of the standard library alone", folder / "standard.cpp", [])
        source = pathlib.Path(__file__).parent / "trainer.cpp"
        for name, (backend, header, limit) in PROGRAMS.items():
            extra = flags[header] + ["-include", header] if header else flags["kdm/kdm.hpp"]
            programs.add(name, source, [*extra, f"-DPROGRAM_BACKEND={backend}"], limit)
        for header in [] if options.programs else sorted(flags):
            (folder / "header.cpp").write_text(f"#include <{header}>\n")
            headers.add(f"`{header}`", folder / "header.cpp", flags[header])
    text = (f"{environment.splitlines()[0]}, `-std=c++20 -O2`; seconds of processor time, median of {ROUNDS}; "
            f"one measurement above {LONG} s.\n\n"
            f"{programs.markdown()}\n")
    if headers.rows:
        text += f"\nOne `#include` and nothing else:\n\n{headers.markdown()}\n"
    (options.build / "compile_time.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
