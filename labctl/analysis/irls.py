"""Fit a model to counts, weighted by the noise that the model itself predicts.

Weights from the data would favour pixels that fluctuated downwards: at 300 to 3000 Stokes
counts that fakes 24 to 5 K of cooling. Weights from the model solve the likelihood equation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Model = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Return (expected, Jacobian) of shapes (points,) and (points, parameters)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Give the variance of each point as `scale`·expected + `floor`, shape (points,)."""

    scale: np.ndarray
    floor: np.ndarray

    def weight(self, expected: np.ndarray) -> np.ndarray:
        """Return the inverse variance; zero where the floor is infinite."""
        # a quarter of an electron² keeps noiseless, empty pixels finite
        return np.asarray(1 / (self.scale * np.maximum(expected, 0.25) + self.floor))


@dataclass(frozen=True, slots=True)
class Prior:
    """Hold what is known before: expected value and 1/σ² of each parameter (0: unknown)."""

    centre: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True, slots=True)
class FitOutcome:
    """Hold the solution, its covariance (inverse Fisher matrix) and how it came about."""

    parameters: np.ndarray
    covariance: np.ndarray
    chi2: float
    freedom: int
    converged: bool


def solve(
    model: Model,
    start: np.ndarray,
    observed: np.ndarray,
    noise: Noise,
    prior: Prior,
    max_step: np.ndarray,
    *,
    iterations: int = 40,
    tolerance: float = 1e-4,
) -> FitOutcome:
    """Iterate reweighted Gauss–Newton steps until a step is below 1/100 of its error.

    `tolerance` is the square of that. Steps longer than `max_step` are shortened as a whole, and
    halved while they make the fit worse. With the priors the Fisher matrix must be regular.
    """
    parameters = np.array(start, float)
    expected, jacobian = model(parameters)
    converged = False
    for _ in range(iterations):
        weight = noise.weight(expected)
        fisher, step = _step(jacobian, observed - expected, weight, prior, parameters)
        distance2 = float(step @ fisher @ step)
        step *= min(1.0, float(np.min(max_step / np.maximum(np.abs(step), 1e-300))))
        parameters, expected, jacobian = _damped(
            model, parameters, step, (observed, weight, prior), expected
        )
        if distance2 < tolerance:
            converged = True
            break
    weight = noise.weight(expected)
    fisher, _ = _step(jacobian, observed - expected, weight, prior, parameters)
    scale = 1 / np.sqrt(np.diag(fisher))
    covariance = np.linalg.inv(fisher * np.outer(scale, scale)) * np.outer(scale, scale)
    chi2 = float(np.sum(weight * (observed - expected) ** 2))
    # a parameter that its prior holds takes no degree of freedom from the data
    fitted = parameters.size - float(np.sum(prior.precision * np.diag(covariance)))
    freedom = max(round(np.count_nonzero(weight) - fitted), 1)
    return FitOutcome(parameters, covariance, chi2, freedom, converged)


def _step(
    jacobian: np.ndarray,
    residual: np.ndarray,
    weight: np.ndarray,
    prior: Prior,
    parameters: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    weighted = jacobian * weight[:, None]
    fisher = weighted.T @ jacobian + np.diag(prior.precision)
    gradient = weighted.T @ residual + prior.precision * (prior.centre - parameters)
    scale = 1 / np.sqrt(np.maximum(np.diag(fisher), 1e-300))
    step = scale * np.linalg.solve(fisher * np.outer(scale, scale), scale * gradient)
    return fisher, step


def _damped(
    model: Model,
    parameters: np.ndarray,
    step: np.ndarray,
    target: tuple[np.ndarray, np.ndarray, Prior],
    expected: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    observed, weight, prior = target

    def cost(at: np.ndarray, value: np.ndarray) -> float:
        pull = np.sum(prior.precision * (at - prior.centre) ** 2)
        return float(np.sum(weight * (observed - value) ** 2) + pull)

    before = cost(parameters, expected)
    trial = parameters + step
    value, jacobian = model(trial)
    for _ in range(6):
        if cost(trial, value) <= before * (1 + 1e-9) + 1e-9:
            break
        step = step / 2
        trial = parameters + step
        value, jacobian = model(trial)
    return trial, value, jacobian
