"""PyDMD's methods on the problems. Columns are snapshots there."""

import warnings
from importlib.metadata import version

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pydmd

VERSIONS = {"PyDMD": version("pydmd"), "numpy": np.__version__}


def _columns(p):
    if "psi_x" in p:
        return p["psi_x"].T, p["psi_y"].T
    return p["x"][:-1].T, p["x"][1:].T


def on_pairs(make):
    """For classes whose fit(X, Y) takes pairs."""
    def run(p):
        model = make(p["rank"] if "psi_x" not in p else -1)
        model.fit(*_columns(p))
        return model.eigs
    return run


def on_orbit(make):
    """For classes whose fit(X) takes one trajectory."""
    def run(p):
        model = make(p["rank"])
        model.fit(p["x"].T)
        return model.eigs
    return run


def with_times(make):
    """For classes with continuous exponents: turned into eigenvalues of one step."""
    def run(p):
        model = make(p["rank"])
        model.fit(p["x"].T, p["t"] if "t" in p else np.arange(len(p["x"])) * p["dt"])
        return model.eigs if "t" in p else np.exp(model.eigs * p["dt"])
    return run


def lando(p):
    np.random.seed(0)  # it permutes the samples by numpy's global generator
    model = pydmd.LANDO(svd_rank=p["rank"], kernel_metric="linear", dict_tol=1e-10)
    model.fit(*_columns(p))
    model.analyze_fixed_point(np.zeros(_columns(p)[0].shape[0]))
    return model.eigs


def control(p):
    model = pydmd.DMDc(svd_rank=-1)
    model.fit(p["x"].T, p["u"].T, p["b"] if p["b_known"] else None)
    basis = model.basis
    return basis @ model.operator.as_numpy_array @ basis.conj().T, np.atleast_2d(model.B)


def kernel(rank):
    def run(p):
        model = pydmd.EDMD(svd_rank=rank, kernel_metric="poly", kernel_params=dict(degree=2, gamma=1.0, coef0=1.0))
        model.fit(p["x"].T, p["y"].T)
        return model.eigs
    return run


def optimized(rank, **options):
    return pydmd.BOPDMD(svd_rank=rank, num_trials=0, **options)


def bagging(rank):
    np.random.seed(0)  # BOPDMD draws from numpy's global generator
    return pydmd.BOPDMD(svd_rank=rank, num_trials=20, trial_size=0.6)


TIGHT = dict(varpro_opts_dict=dict(tol=1e-14, maxiter=100))
ORBITS = {
    "CDMD": lambda r: pydmd.CDMD(svd_rank=r),
    "RDMD": lambda r: pydmd.RDMD(svd_rank=r, seed=0),
    "SubspaceDMD": lambda r: pydmd.SubspaceDMD(svd_rank=r),
    "SpDMD": lambda r: pydmd.SpDMD(svd_rank=r, gamma=1e-3, verbose=False),
    "HODMD d=2": lambda r: pydmd.HODMD(svd_rank=r, svd_rank_extra=r, d=2),
    "HankelDMD d=2": lambda r: pydmd.HankelDMD(svd_rank=r, d=2),
}
PAIRS = {
    "DMD": lambda r: pydmd.DMD(svd_rank=r),
    "DMD exact": lambda r: pydmd.DMD(svd_rank=r, exact=True),
    "FbDMD": lambda r: pydmd.FbDMD(svd_rank=r),
    "OptDMD": lambda r: pydmd.OptDMD(svd_rank=r, factorization="evd"),
}
TIMES = {
    "BOPDMD optDMD": optimized,
    "BOPDMD optDMD tol=1e-14": lambda r: optimized(r, **TIGHT),
    "BOPDMD conjugate_pairs": lambda r: optimized(r, eig_constraints={"conjugate_pairs"}, **TIGHT),
    "BOPDMD 20 bags": bagging,
    "VarProDMD": lambda r: pydmd.VarProDMD(svd_rank=r),
}


def total(r):
    return pydmd.DMD(svd_rank=r, tlsq_rank=r)


def tls_on_pairs(p):
    model = total(p["rank"])
    model.fit(*_columns(p))
    return model.eigs


def unitary(p):
    model = pydmd.PiDMD(manifold="unitary", svd_rank=-1, compute_A=True)
    model.fit(*_columns(p))
    return model.eigs


def on_trial(run):
    return lambda x, p: run(dict(p, x=x))


TRAJECTORY = {
    **{name: on_pairs(make) for name, make in PAIRS.items()}, "DMD tlsq": tls_on_pairs,
    **{name: on_orbit(make) for name, make in ORBITS.items()},
    **{name: with_times(TIMES[name]) for name in ("BOPDMD optDMD", "VarProDMD")}, "LANDO linear": lando,
}
METHODS = {
    "trajectory": TRAJECTORY,
    "features": {**{name: on_pairs(make) for name, make in PAIRS.items()}, "DMD tlsq": tls_on_pairs,
                 "DMD energy 1-1e-12": on_pairs(lambda r: pydmd.DMD(svd_rank=1 - 1e-12)),
                 "LANDO linear": lando, "PiDMD unitary": unitary},
    "times": {name: with_times(make) for name, make in TIMES.items()},
    "control": {"DMDc": control},
    "kernel": {"EDMD kernel, default": kernel(-1), "EDMD kernel, svd_rank=6": kernel(6),
               "EDMD kernel, energy 1-1e-12": kernel(1 - 1e-12)},
    "delays": {"DMD": on_orbit(lambda r: pydmd.DMD(svd_rank=r)),
               "HankelDMD d=8": on_orbit(lambda r: pydmd.HankelDMD(svd_rank=r, d=8)),
               "HODMD d=8": on_orbit(lambda r: pydmd.HODMD(svd_rank=r, svd_rank_extra=r, d=8))},
    "noise": {name: on_trial(TRAJECTORY[name]) for name in
              ("DMD", "DMD tlsq", "FbDMD", "OptDMD", "SubspaceDMD", "HankelDMD d=2", "HODMD d=2", "BOPDMD optDMD")},
}


def facts():
    """Answers that are no eigenvalue error."""
    t = np.arange(81) * 0.1
    x = np.real(np.outer(np.array([1.0, 2.0, -1.0]) + 1j * np.array([0.5, -1.0, 2.0]), np.exp((-0.3 + 2j) * t)))
    model = pydmd.DMD(svd_rank=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x)
        model.original_time["dt"] = model.dmd_time["dt"] = 0.1
        growth = model.growth_rate
        rng = np.random.default_rng(0)
        rank_4 = rng.standard_normal((60, 4)) @ np.array([0.9, 0.8, 0.7, 0.6])[:, None] ** np.arange(50)
        chosen = pydmd.DMD(svd_rank=0).fit(rank_4).eigs.size
    say = lambda what, value: dict(package="PyDMD", what=what, value=value)
    return [say("growth_rate where the growth rate is -0.3", f"{growth.max():.3g}"),
            say("svd_rank=0 on noise-free data of rank 4 picks", str(chosen))]
