#!/usr/bin/env python3
"""Measures the library beside its peers, interleaved, and prints one table. Needs the standard library alone.

    compare.py cpu --server build/benchmarks/bin/benchmark_server --model build/benchmarks/model \\
               --out build/benchmarks --peer 'torch=build/peers/torch/bin/python benchmarks/peers/torch/server.py'

Every measuring program reads JSON requests and answers them (benchmarks/README.md). A row of the table asks each of
its programs once a round, one after the other, so that whatever slows the machine down for a while slows all of them.
"""
import argparse
import datetime
import json
import os
import platform
import select
import shlex
import statistics
import subprocess
import sys
import time

# Products in which the networks spend their time, as (m, n, k, transpose_a, transpose_b): z = x W', dx = dz W,
# dW = dz' x for slices and for the whole batch, a large product, and the thin first and last layers.
PRODUCTS = {
    "256x256x256 x W'": (256, 256, 256, False, True),
    "256x256x256 dz W": (256, 256, 256, False, False),
    "256x256x256 dz' x": (256, 256, 256, True, False),
    "4096x256x256 x W'": (4096, 256, 256, False, True),
    "256x256x4096 dz' x": (256, 256, 4096, True, False),
    "2048x2048x2048": (2048, 2048, 2048, False, False),
    "4096x256x2 x W'": (4096, 256, 2, False, True),
    "4096x2x256 x W'": (4096, 2, 256, False, True),
}
QUICK_PRODUCTS = ("256x256x256 x W'", "4096x256x256 x W'")
PRECISIONS = ("fp32", "tf32")  # of a device's products
# Ours. The ratios are about the first one that the build has.
BACKENDS = ("native", "eigen", *PRECISIONS)
LIBRARIES = ("dnnl", "xtensor")  # products of other libraries behind our verb


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Program:
    """A measuring program: started once, asked many times."""

    def __init__(self, name, command, environment=None):
        self.name, self.command, self.environment = name, command, dict(environment or {})
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env={**os.environ, **self.environment})
        self.about = self._read(300)
        if not self.about.get("ready"):
            raise RuntimeError(f"{name}: the first line is {self.about}, expected that it is ready")

    def _read(self, seconds):
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            self.process.kill()
            raise RuntimeError(f"{self.name}: no answer in {seconds} s")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self.process.wait()}: {shlex.join(self.command)}")
        return json.loads(line)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        return self._read(1200)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Series:
    """What one program answered to one request, round after round."""

    def __init__(self, label, program, request):
        self.label, self.program, self.request = label, program, request
        self.answers, self.why_not = [], None

    def run(self):
        if self.why_not:
            return
        answer = self.program.ask(self.request)
        if "seconds" in answer:
            self.answers.append(answer)
        else:
            self.why_not = answer.get("error") or answer.get("skip") or "no seconds in the answer"
            self.failed = "error" in answer
            say(f"  {self.label}: {self.why_not}")

    @property
    def ok(self):
        return bool(self.answers) and not self.why_not

    @property
    def all_seconds(self):
        return [s for answer in self.answers for s in answer["seconds"]]

    @property
    def seconds(self):
        return statistics.median(self.all_seconds)

    @property
    def spread(self):
        """Half the distance between the quartiles, as a share of the median."""
        values = sorted(self.all_seconds)
        if len(values) < 4:
            return (values[-1] - values[0]) / 2 / self.seconds
        low, _, high = statistics.quantiles(values, n=4)
        return (high - low) / 2 / self.seconds

    def number(self, key):
        values = [a[key] for a in self.answers if key in a]
        return statistics.median(values) if values else None

    @property
    def rate(self):
        return self.answers[0]["flops"] / self.seconds

    def record(self):
        return {"label": self.label, "program": self.program.name, "request": self.request,
                "median_seconds": self.seconds if self.ok else None, "spread": self.spread if self.ok else None,
                "why_not": self.why_not, "answers": self.answers}


def interleave(series, rounds):
    for _ in range(rounds):
        for s in series:
            s.run()
    return [s for s in series if s.ok]


def fastest(series):
    return min(series, key=lambda s: s.seconds, default=None)


class Table:
    """Rows of what was measured; a target is the least ratio that is wanted."""

    HEAD = ("case", "threads", "ours", "peer", "ratio", "target", "met")

    def __init__(self):
        self.rows = []

    def add(self, case, threads, ours, peer, ratio=None, target=None, more_is_better=True):
        met = None
        if ratio is not None and target is not None:
            met = ratio >= target if more_is_better else ratio <= target
        self.rows.append(dict(case=case, threads=threads, ours=ours, peer=peer, ratio=ratio, target=target,
                              more_is_better=more_is_better, met=met))

    def markdown(self):
        def cells(r):
            sign = "≥" if r["more_is_better"] else "≤"
            ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
            target = "" if r["target"] is None else f"{sign} {r['target']:g}"
            met = {None: "", True: "yes", False: "**no**"}[r["met"]]
            return [r["case"], str(r["threads"] or ""), r["ours"], r["peer"], ratio, target, met]
        lines = [list(self.HEAD)] + [cells(r) for r in self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.HEAD))]
        text = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |" for line in lines]
        text.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
        return "\n".join(text)


def quantity(value, unit):
    prefixes = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
    for factor, prefix in prefixes:
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def shown(s, text):
    return f"{s.label}: {text} ±{100 * s.spread:.0f} %"


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def processor_flags():
    try:
        with open("/proc/cpuinfo") as f:
            return next((set(line.split()) for line in f if line.startswith("flags")), set())
    except OSError:
        return set()


def blas_environments():
    """Settings under which a peer's BLAS may find its fast kernels. OpenBLAS and MKL both decide by the processor's
    name and are wrong about some; what a library does not know it ignores."""
    flags = processor_flags()
    core = "SkylakeX" if "avx512f" in flags else "Haswell" if "avx2" in flags else None
    yield {}
    if core:
        yield {"OPENBLAS_CORETYPE": core}
        yield {"OPENBLAS_CORETYPE": core, "MKL_ENABLE_INSTRUCTIONS": "AVX512" if core == "SkylakeX" else "AVX2",
               "MKL_DEBUG_CPU_TYPE": "5"}


class Run:
    product_runs = "on one thread"

    def __init__(self, options):
        self.options, self.table, self.notes, self.records = options, Table(), [], []
        environment = next((e for e in blas_environments() if e), {})
        self.ours = Program("kdm", shlex.split(options.server), environment)
        self.backends = [b for b in BACKENDS if b in self.ours.about["versions"]["backends"].split(", ")]
        self.libraries = [b for b in LIBRARIES if b in self.ours.about["versions"]["backends"].split(", ")]
        self.peer = None
        self.most = max(options.threads)

    def measure(self, series, rounds=None):
        good = interleave(series, rounds or self.options.rounds)
        self.records += [s.record() for s in series]
        for s in series:
            if s.why_not and s.failed:
                self.notes.append(f"{s.label}: {s.request['case']}: {s.why_not}")
        return good

    def our(self, variant, case, **fields):
        label = "kdm" if variant is None else f"kdm {variant}"
        request = {"case": case, "repeats": self.options.repeats, **fields}
        if variant is not None:
            request["variant"] = variant
        return Series(label, self.ours, request)

    def their(self, variant, case, **fields):
        if not self.peer:
            return []
        label = self.peer.name if variant is None else f"{self.peer.name} {variant}"
        request = {"case": case, "repeats": self.options.repeats, **fields}
        if variant is not None:
            request["variant"] = variant
        return [Series(label, self.peer, request)]

    # --- The machine

    def machine(self, when):
        peaks = {}
        for threads in self.options.threads:
            peak, triad = self.our(None, "peak", threads=threads), self.our(None, "triad", threads=threads)
            self.measure([peak, triad], 3)
            best = min(peak.all_seconds)
            peaks[threads] = peak.answers[0]["flops"] / best
            cpu = peak.number("cpu_seconds_per_call") / threads / peak.seconds
            band = triad.answers[0]["bytes"] / min(triad.all_seconds)
            self.notes.append(f"{when}, {threads} thread{'s' * (threads > 1)}: FMA loop {quantity(peaks[threads], 'FLOP/s')}, "
                              f"triad {quantity(band, 'B/s')}, {100 * cpu:.0f} % of the processor time was ours")
            if cpu < 0.9:
                self.notes.append("**The machine was not quiet: other programs ran meanwhile. Trust no figure of this "
                                  "run, and ratios only with care.**")
        return peaks

    # --- The peer, and whether its BLAS is worth comparing with

    def peer_environments(self):
        return blas_environments()

    def start_peer(self, name, command):
        shape = dict(zip(("m", "n", "k"), (4096, 256, 256)))
        ours = [self.our(b, "gemm", **shape, transpose_b=True, threads=1) for b in self.backends]
        best_ours = fastest(self.measure(ours, 2)).rate
        tried = []
        for environment in self.peer_environments():
            try:
                program = Program(name, shlex.split(command), environment)
            except (OSError, RuntimeError, ValueError) as e:
                self.notes.append(f"{name} was left out: {e}")
                return
            series = Series(name, program, {"case": "gemm", **shape, "threads": 1, "repeats": 5})
            series.run()
            self.records.append(series.record())
            if not series.ok:
                self.notes.append(f"{name} was left out: its matrix product: {series.why_not}")
                program.close()
                return
            tried.append((2 * 4096 * 256 * 256 / min(series.all_seconds), program))
        tried.sort(key=lambda t: -t[0])
        for _, program in tried[1:]:
            program.close()
        rate, program = tried[0]
        settings = " ".join(f"{k}={v}" for k, v in program.environment.items()) or "nothing"
        what = (f"{name}: {json.dumps(program.about.get('versions', {}))}, matrix product 4096x256x256 "
                f"{self.product_runs} {quantity(rate, 'FLOP/s')} with {settings} set (ours {quantity(best_ours, 'FLOP/s')})")
        if rate < best_ours / 2:
            self.notes.append(f"**Refused to compare**: {what}. That is below half of ours: the peer's BLAS does not "
                              "know this processor, and whatever we won would be false. Give it another BLAS.")
            program.close()
            return
        self.notes.append(what)
        self.peer = program

    # --- The cases

    def products(self):
        best = {}
        for threads in self.options.threads:
            for name, (m, n, k, ta, tb) in PRODUCTS.items():
                if self.options.quick and (name not in QUICK_PRODUCTS or threads != self.most):
                    continue
                fields = dict(m=m, n=n, k=k, threads=threads)
                ours = [self.our(b, "gemm", **fields, transpose_a=ta, transpose_b=tb) for b in self.backends]
                others = [self.our(b, "gemm", **fields, transpose_a=ta, transpose_b=tb) for b in self.libraries]
                for s in others:
                    s.label = {"dnnl": "oneDNN", "xtensor": "BLAS"}[s.request["variant"]]
                theirs = self.their(None, "gemm", **fields)
                for s in theirs:
                    s.flops = 2 * m * n * k
                good = self.measure(ours + others + theirs, max(2, self.options.rounds // 2))
                rate = {s.label: (2 * m * n * k if s in theirs else s.answers[0]["flops"]) / s.seconds for s in good}
                if min(m, n, k) > 64:
                    best[threads] = max(best.get(threads, 0), *rate.values())
                mine = {s.label: rate[s.label] for s in good if s in ours}
                rest = {s.label: rate[s.label] for s in good if s not in ours}
                if not mine:
                    continue
                show = lambda rates: ", ".join(f"{label} {r / 1e9:.0f}" for label, r in rates.items())
                self.table.add(f"product {name}, GFLOP/s", threads, show(mine), show(rest),
                               max(mine.values()) / max(rest.values()) if rest else None)
        return best

    def steps(self, best_product):
        at_most = {}
        settings = [(batch, threads, "trained") for batch in (4096, 512) for threads in self.options.threads]
        settings.append((4096, self.most, "fresh"))
        for batch, threads, weights in settings:
            if self.options.quick and (threads != self.most or weights == "fresh"):
                continue
            fields = dict(batch=batch, threads=threads, weights=weights, model=self.options.model)
            ours = [self.our(b, "step", **fields) for b in self.backends]
            theirs = {v: self.their(v, "step", **fields) for v in ("lean", "compiled", "published")}
            good = self.measure(ours + sum(theirs.values(), []))
            mine = next((s for s in ours if s in good), None)
            if not mine:
                continue
            if weights == "trained":
                at_most[batch, threads] = mine
            text = shown(mine, quantity(mine.seconds, "s"))
            case = f"training step, batch {batch}, {weights} weights"
            for s in ours[1:]:
                if s in good:
                    self.table.add(case, threads, text, shown(s, quantity(s.seconds, "s")), s.seconds / mine.seconds)
            targets = {4096: (1.6, 2.3), 512: (1.9, 2.7)}[batch]
            at_best = fastest([s for v in ("lean", "compiled") for s in theirs[v] if s in good])
            for peer, target in ((at_best, targets[0]), (next((s for s in theirs["published"] if s in good), None),
                                                         targets[1])):
                if peer:
                    self.table.add(case, threads, text, shown(peer, quantity(peer.seconds, "s")),
                                   peer.seconds / mine.seconds, target if weights == "trained" else None)
            if batch == 4096 and weights == "trained" and best_product.get(threads):
                self.table.add("  its rate over the best product's", threads, quantity(mine.rate, "FLOP/s"),
                               quantity(best_product[threads], "FLOP/s"), mine.rate / best_product[threads], 0.85)
            faults = mine.number("page_faults_per_call")
            if faults:
                self.notes.append(f"{case}, {threads} threads: {faults:g} page faults a step, expected none")
        for batch in (4096, 512):
            one, two = at_most.get((batch, 1)), at_most.get((batch, 2))
            if one and two:
                self.table.add(f"training step, batch {batch}: 1 to 2 threads", "", quantity(two.seconds, "s"),
                               quantity(one.seconds, "s") + " on one", one.seconds / two.seconds, 1.85)

    def sampling(self):
        for batch in (64, 4096, 65536):
            for threads in self.options.threads:
                if self.options.quick and (threads != self.most or batch != 4096):
                    continue
                fields = dict(batch=batch, threads=threads, weights="trained", model=self.options.model)
                ours = [self.our(b, "sample", **fields) for b in ("frozen", *self.backends)]
                theirs = self.their("eager", "sample", **fields) + self.their("compiled", "sample", **fields)
                good = self.measure(ours + theirs)
                self.against_best(f"samples/s, batch {batch}", threads, [s for s in ours if s in good],
                                  [s for s in theirs if s in good], 1.5 if batch > 64 else None,
                                  lambda s: quantity(batch / s.seconds, "/s"))

    def latency(self):
        fields = dict(batch=1, threads=1, weights="trained", model=self.options.model)
        ours = [self.our(b, "latency", **fields) for b in ("frozen", *self.backends)]
        theirs = self.their("eager", "latency", **fields) + self.their("compiled", "latency", **fields)
        good = self.measure(ours + theirs)
        self.against_best("one sample, p50 (p99)", 1, [s for s in ours if s in good], [s for s in theirs if s in good],
                          2.5, lambda s: f"{quantity(s.number('p50'), 's')} ({quantity(s.number('p99'), 's')})")

    def against_best(self, case, threads, ours, theirs, target, text):
        mine, peer = fastest(ours), fastest(theirs)
        if not mine:
            return
        for s in ours:
            if s is not mine:
                self.table.add(case, threads, shown(mine, text(mine)), shown(s, text(s)), s.seconds / mine.seconds)
        self.table.add(case, threads, shown(mine, text(mine)), shown(peer, text(peer)) if peer else "",
                       peer.seconds / mine.seconds if peer else None, target if peer else None)

    def flat_memory(self):
        sizes = [4096, 65536, 1_000_000] + ([] if self.options.quick else [10_000_000])
        fields = dict(threads=self.most, weights="trained", model=self.options.model)
        runs = [self.our(self.backends[0], "memory", batch=n, **{**fields}) for n in sizes]
        for s, n in zip(runs, sizes):
            s.request["repeats"] = max(1, min(50, 2_000_000 // n))
        good = self.measure(runs, 1)
        if len(good) < 2:
            return
        costs = [s.seconds / s.request["batch"] for s in good]
        beside = max(s.number("bytes_beside_samples") for s in good)
        self.table.add(f"seconds a sample, {sizes[-1]} samples over {sizes[0]}", self.most,
                       quantity(costs[-1], "s") + f", {beside / 2**20:.1f} MiB beside the samples",
                       quantity(costs[0], "s"), costs[-1] / costs[0], 1.1, more_is_better=False)

    def library(self):
        for threads in self.options.threads:
            if self.options.quick and threads != self.most:
                continue
            teacher = self.our(None, "teacher", batch=50000, threads=threads)
            wasserstein = self.our(None, "sliced_wasserstein", batch=10000, threads=threads)
            for s in (teacher, wasserstein):
                s.request["repeats"] = 1
            good = self.measure([teacher, wasserstein], max(2, self.options.rounds // 2))
            if teacher in good:
                limit = "3 s" if threads == 2 else ""
                self.table.add("exact teacher, 50,000 pairs x 20 Heun steps", threads,
                               shown(teacher, quantity(teacher.seconds, "s")), limit,
                               teacher.seconds / 3 if limit else None, 1 if limit else None, more_is_better=False)
            if wasserstein in good:
                sorts = wasserstein.number("seconds_of_its_sorts")
                self.table.add("sliced Wasserstein, 10,000 samples, 512 directions", threads,
                               shown(wasserstein, quantity(wasserstein.seconds, "s")),
                               f"its sorts alone: {quantity(sorts, 's')}", sorts / wasserstein.seconds)

    def cases(self):
        say("products")
        best = self.products()
        for what, case in (("training steps", lambda: self.steps(best)), ("sampling", self.sampling),
                           ("latency", self.latency), ("memory", self.flat_memory),
                           ("teachers and metrics", self.library)):
            say(what)
            case()

    def report(self):
        versions = self.ours.about["versions"]
        head = [f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
                f"{datetime.date.today().isoformat()}",
                f"kdm {versions['kdm']}, compiler {versions['compiler']}, `{versions['flags']}`, backends "
                f"{versions['backends']}; single precision; median of {self.options.rounds} rounds, ± half the distance "
                "between the quartiles"]
        return "\n".join(f"- {line}" for line in head + self.notes) + "\n\n" + self.table.markdown() + "\n"


class DeviceRun(Run):
    """The same student on a CUDA device: steps and samples in both precisions of its products."""

    product_runs = "on the device"

    def __init__(self, options):
        super().__init__(options)
        self.backends = [PRECISIONS[0]]  # what a peer's product must keep up with

    def peer_environments(self):
        return [{}]  # settings of a processor's BLAS change nothing on a device

    def machine(self, when):
        peaks = {p: self.our(p, "peak") for p in PRECISIONS}
        triad = self.our("fp32", "triad")
        self.measure([*peaks.values(), triad], 3)
        rates = ", ".join(f"product 8192x8192x8192 in {p} {quantity(s.rate, 'FLOP/s')}" for p, s in peaks.items())
        band = triad.answers[0]["bytes"] / triad.seconds
        self.notes.append(f"{when}, {self.ours.about['versions']['device']}: {rates}, triad {quantity(band, 'B/s')}")

    def cases(self):
        for precision in PRECISIONS:
            for batch in (4096, 65536):
                say(f"{precision}, batch {batch}")
                self.products_in(precision, batch)
                self.steps_in(precision, batch)
                self.samples_in(precision, batch)

    def both(self, precision, case, variants, **fields):
        ours = [self.our(precision, case, **fields)]
        theirs = [s for v in variants for s in self.their(v, case, tf32=precision == "tf32", **fields)]
        good = self.measure(ours + theirs)
        return [s for s in ours if s in good], [s for s in theirs if s in good]

    def products_in(self, precision, rows):
        mine, peers = self.both(precision, "gemm", (None,), m=rows, n=256, k=256, transpose_b=True)
        flops = 2 * rows * 256 * 256
        self.against_best(f"product {rows}x256x256, {precision}", "", mine, peers, None,
                          lambda s: quantity(flops / s.seconds, "FLOP/s"))

    def steps_in(self, precision, batch):
        for weights in ("trained", "fresh"):
            if self.options.quick and weights == "fresh":
                continue
            mine, peers = self.both(precision, "step", ("lean", "compiled", "graph"), batch=batch, weights=weights,
                                    model=self.options.model)
            case = f"training step, batch {batch}, {weights} weights, {precision}"
            self.against_best(case, "", mine, peers, None, lambda s: quantity(s.seconds, "s"))
            if mine:
                self.notes.append(f"{case}: {quantity(mine[0].rate, 'FLOP/s')}; loss within "
                                  f"{mine[0].number('difference'):.1g} of the processor's")

    def samples_in(self, precision, batch):
        mine, peers = self.both(precision, "sample", ("eager", "compiled"), batch=batch, weights="trained",
                                model=self.options.model)
        self.against_best(f"samples/s, batch {batch}, {precision}", "", mine, peers, None,
                          lambda s: quantity(batch / s.seconds, "/s"))
        if mine:
            self.notes.append(f"samples, batch {batch}, {precision}: ours end in host memory, the peer's stay on the "
                              f"device; within {mine[0].number('difference'):.1g} of the processor's")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("where", choices=("cpu", "gpu"), help="what is measured: a processor or a CUDA device")
    parser.add_argument("--server", required=True, help="our measuring program")
    parser.add_argument("--peer", help="NAME=COMMAND of the peer's; without it ours alone is measured")
    parser.add_argument("--model", default="", help="folder with trained weights, made by kdm distill")
    parser.add_argument("--out", required=True, help="folder for table.md and results.json")
    parser.add_argument("--threads", help="numbers of threads, as in 1,2; default: 1 and all")
    parser.add_argument("--rounds", type=int, help="default 7, with --quick 3")
    parser.add_argument("--repeats", type=int, default=3, help="numbers a round")
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 7)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    options.threads = sorted({int(t) for t in options.threads.split(",")} if options.threads else {1, cores})
    options.model = os.path.abspath(options.model) if options.model else ""

    start = time.time()
    run = (DeviceRun if options.where == "gpu" else Run)(options)
    try:
        say("the machine")
        run.machine("at the start")
        if options.peer:
            name, _, command = options.peer.partition("=")
            say(f"the peer {name}")
            run.start_peer(name, command)
        else:
            run.notes.append("without peers")
        run.cases()
        say("the machine")
        run.machine("at the end")
    finally:
        for program in (run.ours, run.peer):
            if program:
                program.close()
    run.notes.append(f"the run took {(time.time() - start) / 60:.0f} minutes")
    text = run.report()
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "table.md"), "w") as f:
        f.write(text)
    with open(os.path.join(options.out, "results.json"), "w") as f:
        json.dump({"machine": processor(), "cores": os.cpu_count(), "kdm": run.ours.about,
                   "peer": run.peer.about if run.peer else None, "options": vars(options), "notes": run.notes,
                   "table": run.table.rows, "series": run.records}, f, indent=1)
    print(text)


if __name__ == "__main__":
    main()
