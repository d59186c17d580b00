#!/usr/bin/env python3
"""What each choice of the default recipe of `kdm distill` is worth: seconds to three qualities, several seeds.

    benchmarks/recipe.py --kdm build/release/bin/kdm --pairs trajectories.npy [--seeds 3] [--only NAME ...]
                         [--base JSON] [--out FILE]

Each line of the table changes one setting of the default, or of what --base makes of it. Quality is the held-out pair
error of the averaged student, the mean of (x0_hat - x0)^2 over the last tenth of the pairs (at most 5,000). A run has
one thread, and its seconds are those of the processor, so that a machine that is also doing something else gives the
same table. They include validation, which takes a twentieth of them. "never" means: not within the steps of the run.
"""
import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

MARKS = (2e-3, 1e-3, 7e-4)
CHOICES = {
    "the default": {},
    "no prediction term, noise to the end": {"objective": {"prediction_from": 1}},
    "prediction term and no noise from the start": {"objective": {"prediction_from": 0}},
    "hidden 128": {"model": {"hidden": 128}},
    "hidden 96": {"model": {"hidden": 96}},
    "beta2 0.999": {"training": {"beta2": 0.999}},
    "no fit of the operator at the start": {"training": {"initial_fit": False}},
    "prediction weight 1": {"objective": {"prediction": 1}},
    "constant learning rate": {"training": {"schedule": "constant"}},
    "prediction term, noise to the end": {"objective": {"late_noise": 0.4}},
    "no prediction term, noise leaves": {"objective": {"prediction": 0}},
    "refit every 1000 steps": {"training": {"refit_every": 1000}},
    "second phase from 0.3": {"objective": {"prediction_from": 0.3}},
    "batch 128": {"training": {"batch": 128}},
    "batch 256": {"training": {"batch": 256}},
    "half the steps": {"training": {"steps": 15000}},
    "twice the steps": {"training": {"steps": 60000}},
    "learning rate 1e-3": {"training": {"learning_rate": 1e-3}},
}


def run(kdm, pairs, settings, seed):
    """Steps and processor seconds at which each validation came, and its error."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "settings.json").write_text(json.dumps(settings))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([kdm, "distill", "--pairs", pairs, "--out", folder / "model", "--config", folder / "settings.json",
                        "--seed", str(seed), "--threads", "1", "--validate-every", "500", "--log-every", "500",
                        "--checkpoint-every", "1000000"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        lines = [json.loads(line) for line in (folder / "model" / "training.jsonl").read_text().splitlines()]
    steps = lines[-1]["step"]
    return [(seconds * line["step"] / steps, line["held_out_pair_error"]) for line in lines if "held_out_pair_error" in line]


def merged(base, change):
    """`base` with the settings of `change` in their places."""
    out = dict(base)
    for key, value in change.items():
        out[key] = merged(out.get(key, {}), value) if isinstance(value, dict) else value
    return out


def row(name, curves):
    def reached(mark):
        times = [next((s for s, e in curve if e <= mark), None) for curve in curves]
        return "never" if None in times else f"{statistics.median(times):.0f} s"

    errors = [curve[-1][1] for curve in curves]
    last = f"{statistics.median(errors):.2e} ({min(errors):.2e} to {max(errors):.2e})"
    total = statistics.median(curve[-1][0] for curve in curves)
    return f"| {name} | " + " | ".join(reached(m) for m in MARKS) + f" | {last} | {total:.0f} s |"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kdm", required=True)
    p.add_argument("--pairs", required=True)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--only", nargs="*", default=list(CHOICES), choices=list(CHOICES), metavar="NAME")
    p.add_argument("--base", type=json.loads, default={}, metavar="JSON", help="settings beneath every choice")
    p.add_argument("--out", type=pathlib.Path, help="every curve, as JSON")
    o = p.parse_args()
    print("| choice | " + " | ".join(f"to {m:.0e}" for m in MARKS) + " | at the end: median (range) | whole run |")
    print("|---" * (len(MARKS) + 3) + "|", flush=True)
    all_curves = {}
    for name in o.only:
        all_curves[name] = [run(o.kdm, o.pairs, merged(o.base, CHOICES[name]), seed) for seed in range(1, o.seeds + 1)]
        print(row(name, all_curves[name]), flush=True)
        if o.out:
            o.out.write_text(json.dumps(all_curves))
    return 0


if __name__ == "__main__":
    sys.exit(main())
