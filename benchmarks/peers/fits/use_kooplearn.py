"""kooplearn's methods on the problems. Samples are rows.

Pairs enter as one trajectory, the x above the y, with a lag of as many rows as there are pairs.
"""

import warnings
from importlib.metadata import version

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from kooplearn.kernel import KernelRidge, NystroemKernelRidge
    from kooplearn.linear_model import Ridge

VERSIONS = {"kooplearn": version("kooplearn"), "numpy": np.__version__}
QUADRATIC = dict(kernel="poly", degree=2, gamma=1.0, coef0=1.0)


def features(**options):
    def run(p):
        pairs = np.vstack([p["psi_x"], p["psi_y"]])
        return Ridge(lag_time=len(p["psi_x"]), eigen_solver="dense", **options).fit(pairs).eig()
    return run


def orbit(**options):
    def run(p):
        return Ridge(n_components=p["rank"], eigen_solver="dense", **options).fit(p["x"]).eig()
    return run


def kernel(**options):
    def run(p):
        pairs = np.vstack([p["x"], p["y"]])
        return KernelRidge(lag_time=len(p["x"]), eigen_solver="dense", **QUADRATIC, **options).fit(pairs).eig()
    return run


def delays(p):
    lags = 8
    windows = np.lib.stride_tricks.sliding_window_view(p["x"][:, 0], lags)
    return orbit(reduced_rank=False, alpha=None)(dict(p, x=np.ascontiguousarray(windows)))


def on_trial(run):
    return lambda x, p: run(dict(p, x=x))


RIDGES = {
    "Ridge, default": {},
    "Ridge alpha=None": dict(alpha=None),
    "Ridge PCR alpha=None": dict(alpha=None, reduced_rank=False),
}
METHODS = {
    "trajectory": {name: orbit(**options) for name, options in RIDGES.items()},
    "features": {name: features(**options) for name, options in RIDGES.items()},
    "kernel": {"KernelRidge, default": kernel(),
               "KernelRidge, n_components=6": kernel(n_components=6),
               "KernelRidge, n_components=6 alpha=None": kernel(n_components=6, alpha=None),
               "KernelRidge PCR, n_components=6 alpha=None": kernel(n_components=6, alpha=None, reduced_rank=False)},
    "delays": {"windows + Ridge PCR": delays},
    "noise": {name: on_trial(orbit(**options)) for name, options in RIDGES.items()},
}


def facts():
    """Answers that are no eigenvalue error: which regularisations change the result."""
    x = np.zeros((401, 1))
    x[0] = 0.3
    for i in range(400):
        x[i + 1] = 3.8 * x[i] * (1 - x[i])
    found = []
    for alpha in (1e-8, 1e-3, 10.0):
        for make in (KernelRidge, NystroemKernelRidge):
            options = dict(n_centers=0.2) if make is NystroemKernelRidge else {}
            model = make(n_components=3, alpha=alpha, kernel="rbf", gamma=10.0, eigen_solver="dense", random_state=0,
                         **options)
            found.append((make.__name__, np.sort(np.abs(model.fit(x).eig()))))
    rows = []
    for name in ("KernelRidge", "NystroemKernelRidge"):
        values = [v for n, v in found if n == name]
        same = all(np.array_equal(values[0], v) for v in values)
        text = "; ".join(" ".join(f"{e:.4f}" for e in v) for v in values)
        rows.append(dict(package="kooplearn", what=f"{name}, |lambda| for alpha 1e-8, 1e-3, 10",
                         value=text + (" (identical bits)" if same else "")))
    a, rng = 0.5, np.random.default_rng(0)
    z = rng.standard_normal((200, 2))
    wrong = Ridge(lag_time=200, alpha=None, eigen_solver="dense").fit(np.vstack([z, a * z])).eig()
    c = np.linalg.eigvalsh(z.T @ z / 200)
    rows.append(dict(package="kooplearn", what="Ridge(alpha=None) on y = 0.5 x, covariance eigenvalues "
                     + " ".join(f"{v:.3f}" for v in c), value=" ".join(f"{v:.3f}" for v in np.sort(np.real(wrong)))))
    return rows
