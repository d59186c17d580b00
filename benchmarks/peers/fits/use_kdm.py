"""kdm's fits on the problems, by the program of benchmarks/fits/server.cpp. Samples are rows there too."""

import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np

PROGRAM = os.environ.get("KDM_FIT_SERVER", pathlib.Path(__file__).resolve().parents[3] /
                         "build/benchmarks/bin/benchmark_fit_server")
VERSIONS = {"kdm": "this checkout"}


class Server:
    """The program, with a folder in which it finds what it is asked to fit."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.count = 0

    def file(self, matrix):
        self.count += 1
        path = f"{self.folder.name}/{self.count}.npy"
        np.save(path, np.ascontiguousarray(matrix, dtype=float))
        return path

    def ask(self, method, **request):
        print(json.dumps(dict(method=method, **request)), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        answer["eigenvalues"] = np.array([complex(*e) for e in answer["eigenvalues"]])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


def _real(x):
    """Snapshots of complex numbers as twice as many real ones."""
    return np.concatenate([x.real, x.imag], axis=1) if np.iscomplexobj(x) else x


def fit(method, *keys, **more):
    def run(p):
        server = Server()
        try:
            request = dict(more)
            if "psi_x" in p:
                request.update(x=server.file(p["psi_x"]), y=server.file(p["psi_y"]))
            else:
                request.update(x=server.file(_real(p["x"])))
            if "y" in p:
                request.update(y=server.file(p["y"]))
            if "t" in keys:
                request.update(t=server.file(p["t"][:, None]))
            if "rank" in keys:
                request.update(rank=2 * p["rank"] if np.iscomplexobj(p.get("x", 0.0)) else p["rank"])
            return server.ask(method, **request)["eigenvalues"]
        finally:
            server.close()
    return run


_server = None


def one_orbit(method, with_times=False, **more):
    """For the trials of a noisy orbit, of which there are many: one program for all of them."""
    def run(x, p):
        global _server
        _server = _server or Server()
        request = dict(more, x=_server.file(x))
        if with_times:
            request.update(t=_server.file(np.arange(len(x), dtype=float)[:, None]))
        found = _server.ask(method, **request)["eigenvalues"]
        return np.exp(found) if with_times else found
    return run


METHODS = {
    "trajectory": {"dmd::exact": fit("dmd::exact", "rank"), "dmd::projected": fit("dmd::projected", "rank"),
                   "dmd::total_least_squares": fit("dmd::total_least_squares", "rank"),
                   "dmd::forward_backward": fit("dmd::forward_backward", "rank"),
                   "randomized_dmd": fit("randomized_dmd", "rank")},
    "features": {"edmd": fit("edmd")},
    "kernel": {"kernel_edmd": fit("kernel_edmd")},
    "delays": {"hankel_dmd, 8 delays": fit("hankel_dmd", delays=8)},
    "times": {"dmd::optimized": fit("dmd::optimized", "t"), "dmd::bagging, 20 trials": fit("dmd::bagging", "t")},
    "noise": {"dmd::exact": one_orbit("dmd::exact"), "dmd::total_least_squares": one_orbit("dmd::total_least_squares"),
              "dmd::forward_backward": one_orbit("dmd::forward_backward"),
              "hankel_dmd, 2 delays, rank 2": one_orbit("hankel_dmd", delays=2, rank=2),
              "dmd::optimized": one_orbit("dmd::optimized", with_times=True)},
}
