"""An optimizer that turns every step of a matrix into an even one: faster than Adam per picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal (Jordan et al. 2024) for matrices and filters, Adam for the rest.

    Filters count as matrices of outputs x everything else. Steps of matrices are scaled to the
    usual length of Adam's (arXiv:2502.16982), so that one learning rate serves both.
    """

    def __init__(
        self,
        matrices: Iterable[Parameter],
        others: Iterable[Parameter],
        rate: float,
        decay: float = 0.01,
        momentum: float = 0.95,
    ) -> None:
        common = {"lr": rate, "decay": decay, "momentum": momentum}
        groups: list[dict[str, Any]] = [
            {"params": list(matrices), "even": True},
            {"params": list(others), "even": False},
        ]
        super().__init__(groups, common)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    move = self._even if group["even"] else self._adam
                    parameter.mul_(1 - group["lr"] * group["decay"])
                    parameter.add_(move(parameter, group), alpha=-group["lr"])

    def _even(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        pace = _kept(state, "exp_avg", parameter)
        pace.lerp_(parameter.grad, 1 - group["momentum"])  # type: ignore[arg-type]
        ahead = parameter.grad.lerp(pace, group["momentum"])  # type: ignore[union-attr]
        flat = orthogonal(ahead.flatten(1))
        step: Tensor = 0.2 * max(flat.shape) ** 0.5 * flat.view_as(parameter)
        return step

    def _adam(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        slow = _kept(state, "exp_avg", parameter)
        square = _kept(state, "exp_avg_sq", parameter)
        count = state["step"] = state.get("step", torch.zeros(())) + 1
        slow.lerp_(parameter.grad, 0.1)  # type: ignore[arg-type]
        square.lerp_(parameter.grad.square(), 0.01)  # type: ignore[union-attr]
        step: Tensor = (slow / (1 - 0.9**count)) / ((square / (1 - 0.99**count)).sqrt() + 1e-8)
        return step


def _kept(state: dict[str, Any], name: str, like: Tensor) -> Tensor:
    if name not in state:
        state[name] = torch.zeros_like(like)
    kept: Tensor = state[name]
    return kept


def sorted_parameters(model: Module) -> tuple[list[Parameter], list[Parameter]]:
    """Matrices and filters of inner layers, and all else: embeddings, biases, first and last."""
    matrices: list[Parameter] = []
    others: list[Parameter] = []
    for name, parameter in model.named_parameters():
        outer = "embed" in name or "conv_in" in name or "conv_out" in name
        (others if parameter.dim() < 2 or outer else matrices).append(parameter)
    return matrices, others


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """Nearly the closest matrix with all singular values one, by quintic Newton-Schulz steps.

    In bfloat16 where the processor multiplies it fast: so exact need a direction not be, and it
    takes a third of the time.
    """
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.norm() + 1e-7)
    if has_fast_bfloat16(matrix.device):
        x = x.bfloat16()
    for _ in range(rounds):
        gram = x @ x.T
        gram = torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315)
        x = torch.addmm(x, gram, x, beta=3.4445)
    even: Tensor = x.T if matrix.shape[0] > matrix.shape[1] else x
    return even.to(matrix.dtype)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether a processor multiplies bfloat16 faster than float32."""
    return device.type != "cpu" or bool(torch.cpu._is_avx512_bf16_supported())
