"""The learning rate of the authors' recipes, as a curve over a whole step."""

from mmengine.optim import PolyLR
from mmengine.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class WarmUpPolyLR(PolyLR):
    """Poly from the first iteration on, and a linear warm-up that multiplies it.

    In iteration t = 0, 1, ... of T the learning rate is its initial value times
    ``(1 - t / T)**power`` and, as long as ``t < w T``, times ``f + (1 - f) t / (w T)``, as in the
    program of DKD's authors. mmengine's ``PolyLR`` and ``LinearLR`` reach their ends one iteration
    earlier, and a ``LinearLR`` has a length of its own, which does not follow that of the step.

    It sets the rate rather than changing it: no other scheduler may change it beside this one.

    Args:
        optimizer: The optimizer, or mmengine's wrapper of it.
        warm_up: w, which part of the whole is warm-up, from 0 up to, but not including, 1.
        start_factor: f, by which the warm-up starts, above 0 and at most 1.
        **kwargs: As mmengine's ``PolyLR``. Without ``end``, a runner lets it end with the step.

    Raises:
        ValueError: If ``warm_up`` or ``start_factor`` is out of its range.
    """

    def __init__(
        self, optimizer, *args, warm_up: float = 0.0, start_factor: float = 1e-3, **kwargs
    ) -> None:
        if not 0 <= warm_up < 1:
            raise ValueError(
                f'param_scheduler: warm_up={warm_up} is no part of a step: give one from 0 on and '
                'below 1, such as 0.2'
            )
        if not 0 < start_factor <= 1:
            raise ValueError(
                f'param_scheduler: start_factor={start_factor} must be above 0 and at most 1'
            )
        self.warm_up = warm_up
        self.start_factor = start_factor
        super().__init__(optimizer, *args, **kwargs)

    def _get_value(self) -> list[float]:
        done = self.last_step / (self.end - self.begin)
        factor = 1.0
        if done < self.warm_up:
            factor = self.start_factor + (1 - self.start_factor) * done / self.warm_up
        poly = (1 - done) ** self.power
        return [(self.eta_min + (base - self.eta_min) * poly) * factor for base in self.base_values]
