#!/usr/bin/env python3
"""Runs every method of PyDMD, pykoopman, kooplearn and kdm on problems with known eigenvalues; prints one table.

  benchmarks/peers/fits/install.sh
  cmake --build build/benchmarks --target benchmark_fit_server      # see benchmarks/README.md
  python3 benchmarks/peers/fits/accuracy.py [--json FILE] [--only T2]

An error is the largest |lambda - expected| after the assignment of least total distance. A method that returns more
eigenvalues than there are is judged by those assigned, and the table counts the rest whose size is above 1e-6.
"""

import argparse
import contextlib
import io
import json
import os
import multiprocessing
import pathlib
import subprocess
import sys
import time
import warnings

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENTS = {"kdm": "main", "numpy": "main", "pydmd": "main", "kooplearn": "main", "pykoopman": "pykoopman"}

LIMITS = {"noise": 60}  # seconds for one row of the table; 10 for the other kinds


def match(found, expected):
    """Largest error over the expected eigenvalues, and what was found beyond them."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    found = np.atleast_1d(np.asarray(found, dtype=complex))
    if not np.all(np.isfinite(found)):
        return dict(error=float("nan"), found=len(found))
    distance = np.abs(expected[:, None] - found[None, :])
    if len(found) < len(expected):  # what was cut counts as an eigenvalue 0
        distance = np.hstack([distance, np.repeat(np.abs(expected)[:, None], len(expected) - len(found), axis=1)])
    rows, columns = linear_sum_assignment(distance)
    rest = np.abs(np.delete(found, columns[columns < len(found)]))
    extra = rest[rest > 1e-6]
    return dict(error=float(distance[rows, columns].max()), found=len(found), extra=len(extra),
                largest_extra=float(extra.max()) if len(extra) else 0.0)


def judge(problem, method):
    import numpy as np

    if problem["kind"] == "control":
        a, b = method(problem)
        error = max(np.abs(a - problem["a"]).max(), np.abs(b - problem["b"]).max())
        return dict(error=float(error), a=np.real(a).tolist())
    if problem["kind"] == "noise":
        sizes, angles = [], []
        true_angle = np.abs(np.angle(problem["expected"])).mean()
        for x in problem["trials"]:
            eigenvalues = np.asarray(method(x, problem))
            sizes.append(np.abs(eigenvalues).mean() - 1)
            angles.append(np.abs(np.angle(eigenvalues)).mean() - true_angle)
        deviation = np.std(sizes, ddof=1) / np.sqrt(len(sizes))
        return dict(error=float(np.mean(sizes)), deviation=float(deviation), angle=float(np.mean(angles)))
    found = np.asarray(method(problem))
    if problem.get("on_circle"):
        return dict(error=float(np.abs(np.abs(found) - 1).max()), found=len(found))
    return match(found, problem["expected"])


def attempt(problem, method):
    """Runs one method; what a package raises or warns is a result."""
    row, start = {}, time.perf_counter()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        try:
            row.update(judge(problem, method))
        except Exception as exception:
            row["exception"] = f"{type(exception).__name__}: {' '.join(str(exception).split())[:120]}"
    row["seconds"] = round(time.perf_counter() - start, 3)
    kept = [w for w in caught if not issubclass(w.category, (DeprecationWarning, FutureWarning))]
    if kept:
        row["warning"] = f"{kept[0].category.__name__}: {' '.join(str(kept[0].message).split())[:120]}"
    return row


def attempt_in_child(problem, method, limit):
    """The same in a child process: a LAPACK call that never returns hears no signal but SIGKILL."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: sender.send(attempt(problem, method)))
    child.start()
    row = receiver.recv() if receiver.poll(limit) else dict(exception=f"no answer in {limit} s")
    child.kill()
    child.join()
    return row


def worker(package, only):
    sys.path.insert(0, str(HERE))
    adapter = __import__("use_" + package)
    import problems

    results = []
    for problem in problems.all_problems():
        if only and not problem["name"].startswith(only):
            continue
        for name, method in adapter.METHODS.get(problem["kind"], {}).items():
            row = dict(problem=problem["name"], title=problem["title"], package=package, method=name)
            row.update(attempt_in_child(problem, method, LIMITS.get(problem["kind"], 10)))
            results.append(row)
            print(f"{problem['name']:6} {package:10} {name}", file=sys.stderr, flush=True)
    facts = adapter.facts() if hasattr(adapter, "facts") else []
    json.dump(dict(versions=adapter.VERSIONS, results=results, facts=facts), sys.stdout)


def cell(row):
    if "exception" in row:
        return row["exception"]
    text = f"{row['error']:+.1e} +- {row['deviation']:.0e}" if "deviation" in row else f"{row['error']:.1e}"
    if row.get("extra"):
        text += f", {row['extra']} spurious up to {row['largest_extra']:.2g}"
    if "warning" in row:
        text += f"  (warns: {row['warning'][:48]})"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path, default=HERE.parents[2] / "build/peers",
                        help="what install.sh made")
    parser.add_argument("--json", type=pathlib.Path, help="write the table here as well")
    parser.add_argument("--only", default="", help="problems whose name starts so")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.only)

    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONWARNINGS="ignore")
    report = dict(versions={}, results=[], facts=[])
    for package, folder in ENVIRONMENTS.items():
        python = options.peers / folder / "bin/python"
        command = [str(python), str(HERE / "accuracy.py"), "--worker", package, "--only", options.only]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        part = json.loads(done.stdout)
        report["versions"][package] = part["versions"]
        report["results"] += part["results"]
        report["facts"] += part["facts"]
    for package, versions in report["versions"].items():
        print(f"{package}: " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    order = list(dict.fromkeys(row["problem"] for row in report["results"]))
    for problem in order:
        rows = [row for row in report["results"] if row["problem"] == problem]
        print(f"\n{problem}  {rows[0]['title']}")
        for row in rows:
            print(f"    {row['package']:10} {row['method']:44} {cell(row)}")
    print()
    for fact in report["facts"]:
        print(f"{fact['package']:10} {fact['what']}: {fact['value']}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
