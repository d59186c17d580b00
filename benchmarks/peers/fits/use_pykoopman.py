"""pykoopman's methods on the problems. Samples are rows."""

import sys
import types
import warnings
from importlib.metadata import version

import numpy as np


class _Absent(types.ModuleType):
    """Stands for a module of the neural regressor, which is imported with the package and not run here."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for _name in ("torch", "torch.nn", "torch.nn.utils", "torch.nn.utils.rnn", "torch.utils", "torch.utils.data",
              "lightning"):
    sys.modules.setdefault(_name, _Absent(_name))
sys.modules["torch"].nn = sys.modules["torch.nn"]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pykoopman as pk
    import pydmd
    from sklearn.gaussian_process.kernels import DotProduct

VERSIONS = {"pykoopman": version("pykoopman"), "PyDMD": version("pydmd"), "numpy": np.__version__}


def features(make):
    """A regressor on given features: what Koopman(observables, regressor) does after lifting."""
    def run(p):
        return make(p["rank"]).fit(p["psi_x"], p["psi_y"], dt=p["dt"]).eigenvalues_
    return run


def orbit(make):
    def run(p):
        model = pk.Koopman(observables=pk.observables.Identity(), regressor=make(p["rank"]), quiet=True)
        model.fit(p["x"], dt=p["dt"])
        return model.lamda_array
    return run


def control(p):
    known = dict(input_control_matrix=p["b"]) if p["b_known"] else {}
    model = pk.Koopman(regressor=pk.regression.DMDc(svd_rank=2 if p["b_known"] else 3, svd_output_rank=2, **known))
    model.fit(p["x"], u=p["u"])
    return model.ur @ model.A @ model.ur.T, model.ur @ model.B


def control_edmdc(p):
    if p["b_known"]:
        raise NotImplementedError("EDMDc has no known B")
    model = pk.Koopman(regressor=pk.regression.EDMDc())
    model.fit(p["x"], u=p["u"])
    return model.A, model.B


def kernel(rank, **options):
    def run(p):
        regressor = pk.regression.KDMD(svd_rank=rank, kernel=DotProduct(sigma_0=1.0) ** 2, **options)
        return regressor.fit(p["x"], p["y"]).eigenvalues_
    return run


def delays(p):
    lift = pk.observables.TimeDelay(delay=1, n_delays=7)
    model = pk.Koopman(observables=lift, regressor=pk.regression.EDMD(svd_rank=p["rank"]), quiet=True)
    model.fit(p["x"], dt=p["dt"])
    return model.lamda_array


def on_trial(run):
    return lambda x, p: run(dict(p, x=x))


def by_pydmd(model):
    return pk.regression.PyDMDRegressor(model)


ORBITS = {
    "PyDMD DMD": orbit(lambda r: by_pydmd(pydmd.DMD(svd_rank=r))),
    "PyDMD FbDMD": orbit(lambda r: by_pydmd(pydmd.FbDMD(svd_rank=r))),
    "EDMD": orbit(lambda r: pk.regression.EDMD(svd_rank=r)),
    "EDMD tlsq": orbit(lambda r: pk.regression.EDMD(svd_rank=r, tlsq_rank=r)),
}
METHODS = {
    "trajectory": ORBITS,
    "features": {"EDMD": features(lambda r: pk.regression.EDMD()),
                 "EDMD energy 1-1e-12": features(lambda r: pk.regression.EDMD(svd_rank=1 - 1e-12)),
                 "EDMD tlsq": features(lambda r: pk.regression.EDMD(tlsq_rank=r))},
    "control": {"DMDc": control, "EDMDc": control_edmdc},
    "kernel": {"KDMD, default": kernel(1.0), "KDMD, svd_rank=6": kernel(6),
               "KDMD fb, svd_rank=6": kernel(6, forward_backward=True)},
    "delays": {"TimeDelay + EDMD": delays},
    "noise": {name: on_trial(ORBITS[name]) for name in ORBITS},
}


def facts():
    """Answers that are no eigenvalue error: the order of the integrator behind the example systems."""
    from pykoopman.common.examples import rk4

    def error(steps):  # one turn of a harmonic oscillator
        x, dt = np.array([1.0, 0.0]), 2 * np.pi / steps
        for _ in range(steps):
            x = rk4(0, x, 0, dt, lambda t, z, u: np.array([z[1], -z[0]]))
        return np.abs(x - [1.0, 0.0]).max()

    order = np.log2(error(200) / error(400))
    value = f"{order:.2f} (error {error(400):.1e} in 400 steps)"
    return [dict(package="pykoopman", what="order of rk4, measured", value=value)]
