#!/usr/bin/env python3
"""Quality against seconds of a PyTorch training, for the curve beside `kdm distill`: JSON lines on standard output.

    curve.py --pairs trajectories.npy [--batch 1024] [--steps 5000] [--rate 3e-4] [--cosine] [--threads 2]

The recipe is the published one: Adam at a constant rate, latent noise 0.4, a moving average of 0.999. The last 5,000
pairs are held out; pair_error is the mean of (x0_hat - x0)^2 over them and their coordinates, by the averaged weights.
Seconds are those of training alone.
"""
import argparse
import json
import math
import time

import numpy
import torch

from student import Student

torch.set_flush_denormal(True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pairs", required=True)
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--steps", type=int, default=5000)
    p.add_argument("--rate", type=float, default=3e-4)
    p.add_argument("--cosine", action="store_true")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--every", type=int, default=250)
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    trajectories = torch.from_numpy(numpy.load(o.pairs))
    noise, data = trajectories[0], trajectories[-1]
    held_noise, held_data = noise[-5000:], data[-5000:]
    noise, data = noise[:-5000].contiguous(), data[:-5000].contiguous()

    student, best = Student(), Student()
    best.load_state_dict(student.state_dict())
    parameters, average = list(student.parameters()), list(best.parameters())
    adam = torch.optim.Adam(parameters, lr=o.rate, fused=True)
    seconds, order, position = 0.0, torch.randperm(len(noise)), 0
    for step in range(1, o.steps + 1):
        begin = time.perf_counter()
        if o.cosine:
            adam.param_groups[0]["lr"] = o.rate * 0.5 * (1 + math.cos(math.pi * (step - 1) / o.steps))
        if position + o.batch > len(order):
            order, position = torch.randperm(len(noise)), 0
        chosen = order[position:position + o.batch]
        position += o.batch
        adam.zero_grad(set_to_none=True)
        student.loss(noise[chosen], data[chosen]).backward()
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - min(0.999, step / (9 + step)))
        seconds += time.perf_counter() - begin
        if step % o.every == 0 or step == o.steps:
            with torch.inference_mode():
                error = (best.push(held_noise) - held_data).square().mean().item()
            print(json.dumps({"step": step, "seconds": round(seconds, 2), "pair_error": error}), flush=True)


if __name__ == "__main__":
    main()
