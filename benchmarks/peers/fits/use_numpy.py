"""What numpy alone gives: the problems' own check, and the normal equations that several packages use."""

import numpy as np

VERSIONS = {"numpy": np.__version__}


def _pairs(p):
    return (p["psi_x"], p["psi_y"]) if "psi_x" in p else (p["x"][:-1], p["x"][1:])


def least_squares(p):
    x, y = _pairs(p)
    if p["rank"] >= min(x.shape):
        scale = np.maximum(np.linalg.norm(x, axis=0), 1e-300)
        k = np.linalg.lstsq(x / scale, y, rcond=max(x.shape) * np.finfo(float).eps)[0] / scale[:, None]
        return np.linalg.eigvals(k)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    r = p["rank"]
    return np.linalg.eigvals((u[:, :r].conj().T @ y @ vh[:r].conj().T) / s[:r, None])


def normal_equations(p):
    x, y = _pairs(p)
    return np.linalg.eigvals(np.linalg.pinv(x.conj().T @ x) @ (x.conj().T @ y))


def control(p):
    x, y, u = p["x"][:-1], p["x"][1:], p["u"]
    if p["b_known"]:
        return np.linalg.lstsq(x, y - u @ p["b"].T, rcond=None)[0].T, p["b"]
    k = np.linalg.lstsq(np.hstack([x, u]), y, rcond=None)[0].T
    return k[:, :2], k[:, 2:]


def one_orbit(x, p):
    return np.linalg.eigvals(np.linalg.lstsq(x[:-1], x[1:], rcond=None)[0])


METHODS = {
    "trajectory": {"least squares": least_squares},
    "features": {"least squares": least_squares, "normal equations": normal_equations},
    "control": {"least squares": control},
    "noise": {"least squares": one_orbit},
}
