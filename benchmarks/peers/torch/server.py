#!/usr/bin/env python3
"""PyTorch behind the protocol of benchmarks/compare.py: a request and an answer a line, both JSON.

    server.py [--device cpu|cuda]
    server.py --check MODEL NOISE.npy SAMPLES.npy     is the student here that of `kdm sample --noise`?
"""
import argparse
import json
import sys
import time

import torch

from student import Student, Swish, load

# Before any parallel work: threads inherit it. Trained weights make denormal numbers, which cost a factor of 1.7.
torch.set_flush_denormal(True)


class Clock:
    def __init__(self, device):
        self.device = device

    def seconds(self, f, calls=1):
        """The time of one call; on a device between two events, as the host runs ahead."""
        if self.device.type == "cuda":
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            for _ in range(calls):
                f()
            end.record()
            end.synchronize()
            return begin.elapsed_time(end) / 1e3 / calls
        begin = time.perf_counter()
        for _ in range(calls):
            f()
        return (time.perf_counter() - begin) / calls


class Training:
    """One step: a batch of pairs in memory, loss, gradients, Adam, moving average."""

    def __init__(self, request, device):
        variant = request.get("variant", "lean")
        self.device, self.batch = device, request["batch"]
        act = Swish() if variant == "published" else None
        trained = request.get("weights") == "trained"
        self.student = (load(request["model"], act) if trained else Student(act=act)).to(device)
        self.loss = self.student.published_loss if variant == "published" else self.student.loss
        if variant == "compiled":
            self.loss = torch.compile(self.loss)
        self.parameters = list(self.student.parameters())
        self.average = [p.detach().clone() for p in self.parameters]
        graph = variant == "graph"
        self.adam = torch.optim.Adam(self.parameters, lr=3e-4, **(
            {} if variant == "published" else {"fused": True, "capturable": True} if graph else {"fused": True}))
        self.noise, self.data = (torch.randn(45000, 2, device=device), 8 * torch.rand(45000, 2, device=device) - 4)
        self.order, self.position = torch.randperm(45000, device=device), 0
        self.xT, self.x0 = (torch.empty(self.batch, 2, device=device) for _ in range(2))
        self.update = self.average_one_by_one if variant == "published" else self.average_at_once
        self.step = self.replay if graph else self.eager
        if graph:
            self.capture()

    def next_batch(self):
        if self.position + self.batch > len(self.order):
            self.order, self.position = torch.randperm(len(self.order), device=self.device), 0
        chosen = self.order[self.position:self.position + self.batch]
        self.position += self.batch
        return self.noise[chosen], self.data[chosen]

    def average_at_once(self):
        torch._foreach_lerp_(self.average, self.parameters, 1e-3)

    def average_one_by_one(self):
        for a, p in zip(self.average, self.parameters):
            a.copy_(0.999 * a + (1 - 0.999) * p.detach())

    def work(self, noise, data):
        self.adam.zero_grad(set_to_none=True)
        self.loss(noise, data).backward()
        self.adam.step()
        with torch.no_grad():
            self.update()

    def eager(self):
        self.work(*self.next_batch())

    def capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.work(self.xT, self.x0)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.work(self.xT, self.x0)

    def replay(self):
        noise, data = self.next_batch()
        self.xT.copy_(noise)
        self.x0.copy_(data)
        self.graph.replay()


class Sampling:
    def __init__(self, request, device):
        trained = request.get("weights", "trained") == "trained"
        self.student = (load(request["model"]) if trained else Student()).to(device).eval()
        self.push = self.student.push
        if request.get("variant") == "compiled":
            self.push = torch.compile(self.push, options={"max_autotune": True, "triton.cudagraphs": device.type == "cuda"})
        self.batch, self.device = request["batch"], device

    @torch.inference_mode()
    def step(self):
        return self.push(torch.randn(self.batch, 2, device=self.device))


class Server:
    def __init__(self, device):
        self.device, self.clock, self.kept = device, Clock(device), {}

    def warm(self, make, request, calls):
        """The state of a request, warmed up; kept, as compiling again would take minutes."""
        key = json.dumps({k: v for k, v in request.items() if k not in ("repeats", "calls")}, sort_keys=True)
        if key not in self.kept:
            self.kept[key] = make(request, self.device)
            for _ in range(calls):
                self.kept[key].step()
        else:
            self.kept[key].step()
        return self.kept[key]

    def answer(self, request):
        case, repeats = request.get("case"), request.get("repeats", 5)
        if case not in ("step", "sample", "latency", "gemm"):
            return {"skip": f"no case {case} here"}
        if request.get("variant") == "graph" and self.device.type != "cuda":
            return {"skip": "CUDA graphs need a CUDA device"}
        torch.set_num_threads(request.get("threads", 1))
        torch.backends.cuda.matmul.allow_tf32 = bool(request.get("tf32", False))
        if case == "step":
            training = self.warm(Training, request, 3)
            return {"seconds": [self.clock.seconds(training.step) for _ in range(repeats)]}
        if case == "sample":
            sampling = self.warm(Sampling, request, 3)
            calls = max(1, 8192 // request["batch"])
            return {"seconds": [self.clock.seconds(sampling.step, calls) for _ in range(repeats)]}
        if case == "latency":
            sampling = self.warm(Sampling, {**request, "batch": 1}, 50)
            times = sorted(self.clock.seconds(sampling.step) for _ in range(request.get("calls", 2000)))
            p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
            return {"seconds": [p50], "p50": p50, "p99": p99}
        m, n, k = request["m"], request["n"], request["k"]
        a, b, c = (torch.randn(*s, device=self.device) for s in ((m, k), (k, n), (m, n)))
        for _ in range(3):
            torch.mm(a, b, out=c)
        calls = max(1, int(5e8 // (2 * m * n * k)))
        return {"seconds": [self.clock.seconds(lambda: torch.mm(a, b, out=c), calls) for _ in range(repeats)]}


def serve(device):
    versions = {"torch": torch.__version__, "device": device.type}
    for line in torch.__config__.show().splitlines():
        for library in ("Math Kernel Library", "MKL-DNN", "CPU capability"):
            if library in line:
                versions[library] = line.strip(" -").split("(Git")[0].strip()
    if device.type == "cuda":
        versions["gpu"] = torch.cuda.get_device_name()
    # Compilers and warnings write to the standard output too: the answers get a channel of their own.
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"ready": True, "who": "torch", "versions": versions}), file=answers, flush=True)
    server = Server(device)
    for line in sys.stdin:
        try:
            answer = server.answer(json.loads(line))
        except Exception as e:  # the driver reports it and goes on
            answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer), file=answers, flush=True)


def check(model, noise, samples):
    import numpy
    with torch.inference_mode():
        mine = load(model).push(torch.from_numpy(numpy.load(noise))).numpy()
    worst = abs(mine - numpy.load(samples)).max()
    print(f"largest difference of {len(mine)} samples: {worst:.1e}")
    return 0 if worst < 1e-4 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--check", nargs=3, metavar=("MODEL", "NOISE", "SAMPLES"))
    options = parser.parse_args()
    if options.check:
        return check(*options.check)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no CUDA device", file=sys.stderr)
        return 1
    serve(torch.device(options.device))
    return 0


if __name__ == "__main__":
    sys.exit(main())
