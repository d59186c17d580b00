"""Problems whose eigenvalues are known exactly. Samples are rows. Needs numpy alone.

A problem is a dictionary: name, kind, title, data by name, `expected` (eigenvalues of one step of length `dt`), `rank`.

  trajectory   x [times, n]                                  DMD and its variants
  features     psi_x, psi_y [pairs, N]                       EDMD on features that span an invariant space
  kernel       x, y [pairs, n], and a trajectory             kernel EDMD, k(a, b) = (1 + a b)^2
  delays       x [times, 1]                                  one channel that holds more than one frequency
  times        x [times, n], t [times]                       uneven time stamps
  control      x, y [pairs, n], u [pairs, p], a, b           DMD with control
  noise        trials [trials, times, n]                     bias of |lambda| under measurement noise
"""

import itertools

import numpy as np


def _problem(name, kind, title, expected, rank=None, dt=1.0, **data):
    expected = np.asarray(expected, dtype=complex)
    return dict(name=name, kind=kind, title=title, expected=expected, rank=rank or len(expected), dt=dt, **data)


def _orbit(a, x0, steps):
    rows = [np.asarray(x0, dtype=float)]
    for _ in range(steps):
        rows.append(a @ rows[-1])
    return np.array(rows)


def _monomials(x, exponents):
    return np.stack([np.prod(x ** np.array(e), axis=1) for e in exponents], axis=1)


def linear_maps():
    """T1: a non-normal map, a map with a negative eigenvalue, and pykoopman's own example."""
    q, _ = np.linalg.qr(np.array([[2.0, 1.0], [-1.0, 3.0]]))
    maps = {
        "T1a": ("3 x 3 non-normal", np.array([[0.9, 0.5, 0], [0, 0.8, 0.3], [0, 0, 0.5]]), [1.0, 1.0, 1.0]),
        "T1b": ("negative eigenvalue -0.9, 0.7", q @ np.diag([-0.9, 0.7]) @ q.T, [1.0, 0.5]),
        "T1c": ("[[0.8, -0.05], [0, 0.7]]", np.array([[0.8, -0.05], [0, 0.7]]), [2.0, 1.0]),
    }
    for name, (title, a, x0) in maps.items():
        yield _problem(name, "trajectory", title, np.linalg.eigvals(a), x=_orbit(a, x0, 20))


def monomial_map():
    """T1: all monomials of degree at most 3 of a linear map; eigenvalues are products of those of the map."""
    rng = np.random.default_rng(1)
    a = np.array([[0.9, -0.2], [0, 0.6]])
    exponents = [e for e in itertools.product(range(4), repeat=2) if sum(e) <= 3]
    x = rng.uniform(-1, 1, (500, 2))
    expected = [0.9 ** i * 0.6 ** j for i, j in exponents]
    yield _problem("T1d", "features", "monomials to degree 3", expected,
                   psi_x=_monomials(x, exponents), psi_y=_monomials(x @ a.T, exponents))


def slow_manifold_flow(x, t, mu, lam):
    """Flow of x1' = mu x1, x2' = lam (x2 - x1^2) over the time t."""
    b = lam / (lam - 2 * mu)
    y1 = x[:, 0] * np.exp(mu * t)
    y2 = (x[:, 1] - b * x[:, 0] ** 2) * np.exp(lam * t) + b * x[:, 0] ** 2 * np.exp(2 * mu * t)
    return np.stack([y1, y2], axis=1)


def slow_manifold():
    """T2: monomials x1^i x2^j with i + 2 j <= D are invariant; eigenvalues exp((i mu + j lam) dt)."""
    mu, lam, dt = -0.05, -1.0, 0.1
    for name, degree, size in [("T2a", 6, 1), ("T2b", 10, 1), ("T2c", 10, 3), ("T2d", 14, 1)]:
        exponents = [(i, j) for i in range(degree + 1) for j in range(degree + 1) if i + 2 * j <= degree]
        rng = np.random.default_rng(2)
        x = rng.uniform(-size, size, (2000, 2))
        expected = [np.exp((i * mu + j * lam) * dt) for i, j in exponents]
        yield _problem(name, "features", f"slow manifold, {len(exponents)} monomials on [-{size}, {size}]^2",
                       expected, dt=dt, psi_x=_monomials(x, exponents),
                       psi_y=_monomials(slow_manifold_flow(x, dt, mu, lam), exponents))


def quadratic_map():
    """T3: x1 -> l x1, x2 -> m x2 + (l^2 - m) x1^2 on {x1, x2, x1^2}, and with two dependent columns more."""
    l, m = 0.9, 0.5
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (300, 2))
    y = np.stack([l * x[:, 0], m * x[:, 1] + (l * l - m) * x[:, 0] ** 2], axis=1)
    features = lambda z: np.stack([z[:, 0], z[:, 1], z[:, 0] ** 2], axis=1)
    redundant = lambda z: np.stack([z[:, 0], z[:, 1], z[:, 0] ** 2, z[:, 1] - z[:, 0] ** 2, z[:, 0] + z[:, 1]], axis=1)
    yield _problem("T3", "features", "quadratic map", [l, m, l * l], psi_x=features(x), psi_y=features(y))
    yield _problem("T3r", "features", "the same, 5 features of rank 3", [l, m, l * l, 0, 0],
                   psi_x=redundant(x), psi_y=redundant(y))


def hopf():
    """T4: Hopf normal form in the coordinates that make it linear; eigenvalues -2 mu j + i k (omega - beta mu)."""
    mu, omega, beta, dt = 1.0, 2.0, 0.5, 0.1
    rng = np.random.default_rng(4)
    r0, theta0 = rng.uniform(0.6, 1.6, 400), rng.uniform(-np.pi, np.pi, 400)
    r1 = np.sqrt(mu / (1 + (mu / r0 ** 2 - 1) * np.exp(-2 * mu * dt)))
    # theta' = omega - beta r^2 and (ln r)' = mu - r^2, so theta - beta ln r turns at omega - beta mu.
    theta1 = theta0 + beta * np.log(r1 / r0) + (omega - beta * mu) * dt

    def features(r, theta):
        s, phase = 1 - mu / r ** 2, theta - beta * np.log(r)
        waves = [np.ones_like(s)] + [f(k * phase) for k in (1, 2) for f in (np.cos, np.sin)]
        return np.stack([s ** j * w for j in range(3) for w in waves], axis=1)

    expected = [np.exp((-2 * mu * j + 1j * k * (omega - beta * mu)) * dt) for j in range(3) for k in range(-2, 3)]
    yield _problem("T4", "features", "Hopf normal form, 15 features", expected, dt=dt,
                   psi_x=features(r0, theta0), psi_y=features(r1, theta1))


def _fourier(angle, order):
    waves = [f(k * angle) for k in range(1, order + 1) for f in (np.cos, np.sin)]
    return np.stack([np.ones_like(angle)] + waves, axis=1)


def circle():
    """T6: rotation of the circle; with noise, a measure-preserving fit keeps |lambda| = 1."""
    omega, order = 0.7, 4
    rng = np.random.default_rng(6)
    angle = rng.uniform(-np.pi, np.pi, 400)
    scale = np.array([1.0] + [np.sqrt(2)] * (2 * order))  # orthonormal features
    expected = [np.exp(1j * k * omega) for k in range(-order, order + 1)]
    yield _problem("T6", "features", "circle rotation", expected, psi_x=_fourier(angle, order) * scale,
                   psi_y=_fourier(angle + omega, order) * scale)
    noise = 0.1 * rng.standard_normal((2, 400))
    yield _problem("T6n", "features", "circle rotation, angles with noise 0.1: largest ||lambda| - 1|", expected,
                   on_circle=True, psi_x=_fourier(angle + noise[0], order) * scale,
                   psi_y=_fourier(angle + omega + noise[1], order) * scale)


def doubling_map():
    """T7: x -> 2 x mod 1; eigenvalue 1 is true, the zeros are made by the finite dictionary."""
    nodes = np.arange(256) / 256
    yield _problem("T7", "features", "doubling map, 17 Fourier features", [1] + [0] * 16,
                   psi_x=_fourier(2 * np.pi * nodes, 8), psi_y=_fourier(4 * np.pi * nodes, 8))


def heat():
    """T8: semi-discrete heat equation, 32 points, 5 modes."""
    n, dt, steps = 32, 0.002, 40
    h = 1 / (n + 1)
    k = np.arange(1, 6)
    omega = -4 / h ** 2 * np.sin(k * np.pi * h / 2) ** 2
    shapes = np.sin(np.pi * np.outer(np.arange(1, n + 1) * h, k))
    x = (np.exp(np.outer(np.arange(steps + 1) * dt, omega)) / k) @ shapes.T
    yield _problem("T8", "trajectory", "heat equation, 5 modes", np.exp(omega * dt), dt=dt, x=x)


def control():
    """T9: x+ = A x + B u, with random inputs and with the feedback u = -x1, which hides A from B."""
    a, b = np.array([[1.5, 0], [0, 0.1]]), np.array([[1.0], [0]])
    rng = np.random.default_rng(9)
    steps = 20
    for name, title in [("T9", "random input"), ("T9f", "feedback u = -x1: must be refused"),
                        ("T9b", "the feedback, B given")]:
        x, u = [np.array([4.0, 7.0])], []
        for _ in range(steps):
            u.append(rng.uniform(-1, 1, 1) if name == "T9" else -x[-1][:1])
            x.append(a @ x[-1] + b @ u[-1])
        yield _problem(name, "control", "DMD with control, " + title, [1.5, 0.1], a=a, b=b, x=np.array(x),
                       u=np.array(u), b_known=name == "T9b", identifiable=name != "T9f")


def noise(trials=100, times=501):
    """T10: bias of |lambda| for a map with |lambda| = 1, measured with noise."""
    a = np.array([[1.0, 1.0], [-1.0, 2.0]]) / np.sqrt(3)
    clean = _orbit(a, [1.0, 0.1], times - 1)
    singular = np.linalg.svd(clean[:-1], compute_uv=False)
    for name, sigma in [("T10a", 0.05), ("T10b", 0.2)]:
        rng = np.random.default_rng(10)
        theory = -0.5 * (times - 1) * sigma ** 2 * np.sum(1 / singular ** 2)
        yield _problem(name, "noise", f"bias of |lambda|, noise {sigma} (least squares in theory {theory:.1e})",
                       np.linalg.eigvals(a), trials=clean + sigma * rng.standard_normal((trials, *clean.shape)))


def kutz_signal():
    """T11: two travelling shapes, sech(x + 3) exp(2.3 i t) + 2 sech x tanh x exp(2.8 i t), and its real rows."""
    space, dt = np.linspace(-5, 5, 65), 0.1
    t = np.arange(129) * dt
    shapes = np.stack([1 / np.cosh(space + 3), 2 / np.cosh(space) * np.tanh(space)])
    omega = np.array([2.3j, 2.8j])
    x = np.exp(np.outer(t, omega)) @ shapes
    yield _problem("T11", "trajectory", "two oscillating shapes, complex", np.exp(omega * dt), dt=dt, x=x)
    real = np.concatenate([x.real, x.imag], axis=1)
    yield _problem("T11r", "trajectory", "the same as real and imaginary rows",
                   np.exp(np.concatenate([omega, omega.conj()]) * dt), dt=dt, x=real)


def kernel():
    """T12: kernel (1 + x y)^2 spans the 6 monomials of degree at most 2; the rest of the spectrum must be cut."""
    a = np.array([[0.9, -0.2], [0, 0.6]])
    rng = np.random.default_rng(12)
    x = rng.uniform(-1, 1, (100, 2))
    yield _problem("T12", "kernel", "kernel EDMD, 100 pairs", [1, 0.9, 0.6, 0.81, 0.54, 0.36], x=x, y=x @ a.T)


def delays():
    """One channel with two damped frequencies: 4 eigenvalues, seen only through delays."""
    omega, dt = np.array([-0.1 + 2.3j, -0.4 + 5.1j]), 0.05
    t = np.arange(161) * dt
    x = np.real(np.exp(np.outer(t, omega)) @ np.array([1.0, 0.7j]))
    expected = np.exp(np.concatenate([omega, omega.conj()]) * dt)
    yield _problem("delay", "delays", "one channel, two damped cosines", expected, dt=dt, x=x[:, None])


def uneven_times():
    """T13: two damped cosines in 12 channels at 81 uneven times; `expected` are continuous exponents."""
    rng = np.random.default_rng(13)
    omega = np.array([-0.1 + 2.3j, -0.4 + 5.1j])
    t = np.sort(rng.uniform(0, 4, 81))
    shapes = rng.standard_normal((2, 12)) + 1j * rng.standard_normal((2, 12))
    x = np.real(np.exp(np.outer(t, omega)) @ shapes)
    yield _problem("T13", "times", "optimized DMD, 81 uneven times", np.concatenate([omega, omega.conj()]), x=x, t=t)


def travelling_wave():
    """T15 (surrogate of a cylinder wake): a mean and 5 harmonics of one travelling wave."""
    dt, omega = 0.1, 1.3
    t, space = np.arange(151) * dt, np.linspace(0, 2 * np.pi, 96, endpoint=False)
    x = np.ones((151, 96))
    for k in range(1, 6):
        x += 2.0 ** -k * np.cos(k * (space[None, :] - omega * t[:, None]) + 0.3 * k * k)
    expected = [np.exp(1j * k * omega * dt) for k in range(-5, 6)]
    yield _problem("T15", "trajectory", "travelling wave, 5 harmonics", expected, dt=dt, x=x)


def all_problems():
    for make in (linear_maps, monomial_map, slow_manifold, quadratic_map, hopf, circle, doubling_map, heat, control,
                 noise, kutz_signal, kernel, delays, uneven_times, travelling_wave):
        yield from make()
