"""A Gaussian process over encoded parameters: what value to expect at a point, and how surely.

Matérn 5/2 kernel with a length scale for each column (two different options are one unit apart), a constant mean and
noise, all fitted to the data by maximising the posterior with Rprop.
Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 4.2 and 5.4; the prior of the
length scales, which grows with the number of columns, is that of Hvarfner et al., ICML 2024; Rprop for this purpose:
Blum and Riedmiller, ESANN 2013.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dtrtri
from scipy.special import erfcx, log_ndtr, ndtr

from tunebook.samplers.encode import Floats, Ints

ROOT5 = 5.0**0.5
ROUNDS = 60
FITTED = 150  # length scales are fitted to at most so many points
JITTER = 1e-6
NOISE_PRIOR = (-6.0, 2.0)  # mean and deviation of log noise variance, of values scaled to variance 1
NO_NOISE = -16.0  # the same logarithm where there is none; NOISE_PRIOR's bounds leave it as it is
SIGNAL_PRIOR = (0.0, 1.0)


@dataclass(frozen=True)
class Points:
    """Rows as a kernel sees them: numbers in [0, 1], and options that are only equal or not.

    ``doubt`` is the variance of each one's value beside the noise that all have.
    """

    numbers: Floats
    options: Floats
    doubt: Floats | float = 0.0

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, places: Ints) -> "Points":
        """Some of the points."""
        doubt = self.doubt if isinstance(self.doubt, float) else self.doubt[places]
        return Points(self.numbers[places], self.options[places], doubt)

    @property
    def columns(self) -> int:
        """How many columns there are in all."""
        return int(self.numbers.shape[1] + self.options.shape[1])


class GaussianProcess:
    """A process fitted to points and values; values should have about mean 0 and variance 1.

    ``theta`` are the logarithms of the length scales, the signal variance and the noise variance.
    """

    def __init__(self, points: Points, values: Floats, theta: Floats) -> None:
        self._points = points
        self._theta = theta
        covariance = _kernel(points, points, theta)
        covariance[np.diag_indices_from(covariance)] += np.exp(theta[-1]) + JITTER + points.doubt
        self._inverse = dtrtri(np.linalg.cholesky(covariance), lower=1)[0]
        ones = self._inverse.sum(axis=1)
        target = self._inverse @ values
        self.mean = float(ones @ target / (ones @ ones))
        self._alpha = self._inverse.T @ (target - self.mean * ones)

    @classmethod
    def fitted(cls, points: Points, values: Floats, is_noisy: bool = True) -> "GaussianProcess":
        """The process whose parameters fit the values best, found from a fixed start; without noise if there is none."""
        if len(points) <= FITTED:
            return cls(points, values, _fit(points, values, is_noisy))
        chosen = most_telling(values, FITTED)
        return cls(points, values, _fit(points.at(chosen), values[chosen], is_noisy))

    @property
    def noise(self) -> float:
        """The share of noise in the variance of values."""
        signal, noise = np.exp(self._theta[-2:]).tolist()
        return float(noise / (signal + noise))

    def conditioned(self, points: Points, values: Floats) -> "GaussianProcess":
        """A process with the same parameters on other data."""
        return GaussianProcess(points, values, self._theta)

    def predict(self, points: Points) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the noiseless value at these points."""
        across = _kernel(points, self._points, self._theta)
        mean = self.mean + across @ self._alpha
        solved = across @ self._inverse.T
        variance = np.exp(self._theta[-2]) - np.einsum("ij,ij->i", solved, solved)
        return mean, np.sqrt(np.maximum(variance, 1e-12))


def most_telling(values: Floats, most: int) -> Ints:
    """The places of at most so many values: the least third, and the latest of the others."""
    if len(values) <= most:
        return np.arange(len(values))
    best = np.argsort(values, kind="stable")[: most // 3]
    rest = np.setdiff1d(np.arange(len(values)), best)[-(most - len(best)) :]
    return np.sort(np.concatenate([best, rest]))


def log_expected_improvement(mean: Floats, spread: Floats, best: float) -> Floats:
    """The logarithm of how much lower than ``best`` a value is expected to be; exact even where that is tiny.

    Source: Ament et al., Unexpected Improvements to Expected Improvement, NeurIPS 2023.
    """
    z = (best - mean) / spread
    near = np.maximum(z, -1.0)
    direct = np.log(np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    far = np.maximum(-z, 1.0)
    ratio = np.sqrt(np.pi / 2) * far * erfcx(far / np.sqrt(2))
    tail = np.where(far < 1e4, np.log(np.maximum(1.0 - ratio, 1e-16)), -2.0 * np.log(far))
    improvement: Floats = np.log(spread) + np.where(z > -1.0, direct, -0.5 * far**2 - 0.5 * np.log(2 * np.pi) + tail)
    return improvement


def log_probability_of_improvement(mean: Floats, spread: Floats, best: float) -> Floats:
    """The logarithm of how likely a value lower than ``best`` is."""
    probability: Floats = log_ndtr((best - mean) / spread)
    return probability


def _distances(left: Points, right: Points, theta: Floats) -> Floats:
    """Squared distances in units of the length scales."""
    scale = np.exp(-theta[: left.columns])
    split = left.numbers.shape[1]
    a, b = left.numbers * scale[:split], right.numbers * scale[:split]
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None, :] - 2.0 * (a @ b.T)
    for column, weight in enumerate(scale[split:] ** 2):
        squares += weight * (left.options[:, column, None] != right.options[None, :, column])
    result: Floats = np.maximum(squares, 0.0)
    return result


def _kernel(left: Points, right: Points, theta: Floats) -> Floats:
    distance = ROOT5 * np.sqrt(_distances(left, right, theta))
    kernel: Floats = np.exp(theta[-2] - distance) * (1.0 + distance + distance**2 / 3.0)
    return kernel


def _prior(columns: int) -> tuple[Floats, Floats]:
    """Mean and deviation of each logarithm in theta."""
    mean = np.append(
        np.full(columns, 2.0**0.5 + 0.5 * np.log(max(columns, 1)) - 1.0), (SIGNAL_PRIOR[0], NOISE_PRIOR[0])
    )
    deviation = np.append(np.full(columns, 3.0**0.5), (SIGNAL_PRIOR[1], NOISE_PRIOR[1]))
    return mean, deviation


def _fit(points: Points, values: Floats, is_noisy: bool) -> Floats:
    """Rprop: each logarithm moves by its own step, longer while its slope keeps its sign, shorter when it turns."""
    mean, deviation = _prior(points.columns)
    theta = mean.copy()
    theta[: points.columns] -= 0.7
    if not is_noisy:
        theta[-1] = NO_NOISE
    step = np.full(len(theta), 0.2)
    before = np.zeros(len(theta))
    best, best_height = theta, -np.inf
    for _ in range(ROUNDS):
        height, slope = _posterior(points, values, theta)
        slope -= (theta - mean) / deviation**2
        if not is_noisy:
            slope[-1] = 0.0
        height -= 0.5 * float((((theta - mean) / deviation) ** 2).sum())
        if height > best_height:
            best, best_height = theta, height
        turned = slope * before
        step = np.clip(np.where(turned > 0, step * 1.2, np.where(turned < 0, step * 0.5, step)), 1e-3, 1.0)
        slope = np.where(turned < 0, 0.0, slope)
        if float(np.abs(slope).max(initial=0.0)) < 1e-2 and not np.any(turned < 0):
            break
        theta = np.clip(theta + np.sign(slope) * step, mean - 5 * deviation, mean + 5 * deviation)
        before = slope
    return best


def _posterior(points: Points, values: Floats, theta: Floats) -> tuple[float, Floats]:
    """The log likelihood of the values and its slope by theta."""
    columns, split = points.columns, points.numbers.shape[1]
    distance = ROOT5 * np.sqrt(_distances(points, points, theta))
    decay = np.exp(theta[-2] - distance)
    kernel = decay * (1.0 + distance + distance**2 / 3.0)
    noise = np.exp(theta[-1])
    covariance = kernel + np.eye(len(kernel)) * (noise + JITTER + points.doubt)
    lower, failed = dpotrf(covariance, lower=1, clean=1)
    if failed:
        return -np.inf, np.zeros(len(theta))
    inverse = _mirrored(dpotri(lower, lower=1)[0])
    ones = inverse.sum(axis=1)
    rest = values - float(ones @ values / ones.sum())
    alpha = inverse @ rest
    height = -0.5 * float(rest @ alpha) - float(np.log(np.diag(lower)).sum())
    weight = np.outer(alpha, alpha) - inverse
    slope = np.empty(len(theta))
    pull = weight * decay * (5.0 / 3.0) * (1.0 + distance)
    scale = np.exp(-2.0 * theta[:columns])
    sums = pull.sum(axis=1)
    x = points.numbers
    slope[:split] = scale[:split] * (sums @ x**2 - np.einsum("ij,ij->j", x, pull @ x))
    for column in range(points.options.shape[1]):
        options = points.options[:, column]
        slope[split + column] = 0.5 * scale[split + column] * float(pull[options[:, None] != options[None, :]].sum())
    slope[-2] = 0.5 * float((weight * kernel).sum())
    slope[-1] = 0.5 * noise * float(np.trace(weight))
    return height, slope


def _mirrored(lower: Floats) -> Floats:
    """The symmetric matrix whose lower half this is; what stands above the diagonal is ignored."""
    below = np.tril(lower, -1)
    full: Floats = below + below.T
    full[np.diag_indices_from(full)] = np.diag(lower)
    return full
