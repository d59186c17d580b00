#!/usr/bin/env python3
"""Seconds of DMD on 20,000 x 400 snapshots of rank 10 and noise 1e-6: kdm, PyDMD and plain numpy, in turn.

  benchmarks/peers/fits/install.sh
  cmake --build build/benchmarks --target benchmark_fit_server      # see benchmarks/README.md
  build/peers/main/bin/python benchmarks/peers/fits/speed.py [--threads 1] [--repeats 5] [--json FILE]

The rate of a matrix product is printed first: a BLAS that takes the machine for an old one (OpenBLAS does so under some
hypervisors) makes every figure below meaningless. Set OPENBLAS_CORETYPE=SkylakeX or Haswell then.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time
from importlib.metadata import version

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--rows", type=int, default=20000)
parser.add_argument("--times", type=int, default=400)
parser.add_argument("--json", type=pathlib.Path)
options = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(options.threads)  # read when numpy is loaded

import numpy as np
import pydmd
from scipy.optimize import linear_sum_assignment
from threadpoolctl import threadpool_info

import use_kdm

RANK = 10
KDM_METHODS = ("dmd::exact", "dmd::projected", "randomized_dmd")


def snapshots():
    """Columns are times: five damped oscillations with orthonormal shapes, so that rank 10 is the truth."""
    rng = np.random.default_rng(0)
    omega = -0.002 * np.arange(1, 6) + 1j * np.array([0.11, 0.23, 0.37, 0.53, 0.71])
    t = np.arange(options.times)
    shapes, _ = np.linalg.qr(rng.standard_normal((options.rows, RANK)))
    waves = np.concatenate([np.real(np.exp(np.outer(omega, t))), np.imag(np.exp(np.outer(omega, t)))])
    x = shapes @ waves + 1e-6 * rng.standard_normal((options.rows, options.times)) / np.sqrt(options.rows)
    return x, np.exp(np.concatenate([omega, omega.conj()]))


def projected(u, s, vh, y):
    return np.linalg.eigvals((u.T @ y) @ vh.T / s)


def plain_svd(x):
    u, s, vh = np.linalg.svd(x[:, :-1], full_matrices=False)
    return projected(u[:, :RANK], s[:RANK], vh[:RANK], x[:, 1:])


def qr_svd(x):
    return plain_svd(np.linalg.qr(x, mode="r"))  # the orthonormal factor changes neither singular values nor operator


def gram(x):
    c = x.T @ x
    values, v = np.linalg.eigh(c[:-1, :-1])
    v, s = v[:, -RANK:], np.sqrt(values[-RANK:])
    return np.linalg.eigvals((v.T @ c[:-1, 1:] @ v) / s[:, None] / s)


def randomized(x, oversampling=10, powers=2):
    sketch = x @ np.random.default_rng(1).standard_normal((x.shape[1], RANK + oversampling))
    for _ in range(powers):
        q, _ = np.linalg.qr(sketch)
        z, _ = np.linalg.qr(x.T @ q)
        sketch = x @ z
    q, _ = np.linalg.qr(sketch)
    return plain_svd(q.T @ x)


def of_pydmd(make):
    def run(x):
        model = make()
        model.fit(x)
        return model.eigs
    return run


def given_test_matrix():
    """The only way to make RDMD skip the full SVD that finds its rank: hand it the test matrix."""
    omega = np.random.default_rng(1).standard_normal((options.times, RANK + 10))
    return pydmd.RDMD(svd_rank=RANK, test_matrix=omega)


METHODS = {
    "PyDMD DMD": of_pydmd(lambda: pydmd.DMD(svd_rank=RANK)),
    "PyDMD RDMD": of_pydmd(lambda: pydmd.RDMD(svd_rank=RANK, seed=1)),
    "PyDMD RDMD, test matrix given": of_pydmd(given_test_matrix),
    "numpy svd": plain_svd,
    "numpy QR + svd(R)": qr_svd,
    "numpy Gram + eigh": gram,
    "numpy randomized": randomized,
}


def timed(run, x):
    start, start_cpu = time.perf_counter(), time.process_time()
    found = run(x)
    return time.perf_counter() - start, time.process_time() - start_cpu, found


def main():
    print(f"numpy {np.__version__}, PyDMD {version('pydmd')}")
    for library in threadpool_info():
        print(f"{library['internal_api']} {library.get('version')}, architecture {library.get('architecture')}, "
              f"threads {library['num_threads']}")
    a = np.random.default_rng(2).standard_normal((1500, 1500))
    a @ a
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    rate = 2 * 1500 ** 3 / min(seconds) / 1e9
    print(f"matrix product 1500 x 1500, double: {rate:.0f} GFLOP/s; load average {os.getloadavg()[0]:.1f}")

    x, expected = snapshots()
    report = dict(gemm_gflops=rate, threads=options.threads, rows=options.rows, times=options.times, results={})
    print(f"{options.rows} x {options.times}, rank {RANK}, {options.repeats} runs: "
          "median (fastest), median of CPU time, largest eigenvalue error")
    runs = {name: lambda run=run: timed(run, x) for name, run in METHODS.items()}
    if os.path.exists(use_kdm.PROGRAM):  # a process of its own, which times itself
        kdm = use_kdm.Server()
        file = kdm.file(x.T)

        def ask(method):
            answer = kdm.ask(method, x=file, rank=RANK)
            return answer["seconds"], answer["cpu"], answer["eigenvalues"]
        runs.update({f"kdm {method}": lambda method=method: ask(method) for method in KDM_METHODS})
    else:
        print(f"without kdm: there is no {use_kdm.PROGRAM}")
    times = {name: [] for name in runs}
    cpu = {name: [] for name in runs}
    errors = {}
    for _ in range(options.repeats):  # in turn, so that a busy machine slows all of them alike
        for name, run in runs.items():
            seconds, processor, found = run()
            times[name].append(seconds)
            cpu[name].append(processor)
            distance = np.abs(expected[:, None] - found[None, :])
            errors[name] = float(distance[linear_sum_assignment(distance)].max())
    for name, seconds in times.items():
        median, median_cpu = statistics.median(seconds), statistics.median(cpu[name])
        print(f"  {name:32} {median:7.3f} s ({min(seconds):.3f}), CPU {median_cpu:7.3f} s, error {errors[name]:.1e}")
        report["results"][name] = dict(median=median, fastest=min(seconds), cpu=median_cpu, error=errors[name])
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
