"""Starts a step from the one before it."""

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...models.incremental_head import IncrementalHead
from ...models.segmentor import IncrementalSegmentor, segmentor_of
from ...models.tta import IncrementalTTAModel
from .. import hand_over, start_from
from ..choices import choices_of


@HOOKS.register_module()
class IncrementalStepHook(Hook):
    """Before training, loads step t - 1, starts what is new and sets the teacher.

    Every checkpoint it sees is checked against the scenario, the class order and the step, and
    must fit the model tensor by tensor.

    Args:
        previous: Checkpoint at the end of the step before; needed at every step but the first.
        start_from: Checkpoint of a softmax model (:mod:`mmseg_dkd.engine.start_from`) that the
            first step starts from; without it, it starts from what the config initialises.

    Raises:
        ValueError: If ``previous`` is missing, not needed, or of another scenario or step, or if
            test-time augmentation is not that of :class:`.IncrementalTTAModel`.
    """

    priority = 'VERY_HIGH'

    def __init__(self, previous: str | None = None, start_from: str | None = None) -> None:
        self.previous = previous
        self.start_from = start_from

    def before_train(self, runner: Runner) -> None:
        """Hand over from step t - 1, unless training resumes in the middle."""
        model, head = _model_and_head(runner)
        if head.step == 0:
            if self.previous is not None:
                raise ValueError(f'step 0 starts from no step, but previous={self.previous!r}')
            if self.start_from is not None and runner.iter == 0:
                classes = runner.train_dataloader.dataset.metainfo['classes']
                state = start_from.convert(self.start_from, model, classes)
                model.load_state_dict(state, strict=True)
                runner.logger.info(f'step 0 starts from {self.start_from}')
            return
        if self.previous is None:
            raise ValueError(
                f'step {head.step} of {head.scenario} starts from the checkpoint of step '
                f'{head.step - 1}: give it as previous of IncrementalStepHook'
            )
        state = hand_over.load(self.previous, head.scenario, head.step - 1)['state_dict']
        if runner.iter == 0:
            model.load_state_dict(hand_over.start_state(state, model), strict=True)
            runner.logger.info(f'step {head.step} starts from {self.previous}')
        device = next(model.parameters()).device
        model.set_teacher(hand_over.build_teacher(runner.cfg.model, state, head.step - 1, device))
        if runner.iter == 0:
            for head in model.incremental_heads.values():
                head.before_step(model, runner.train_dataloader)

    def after_train(self, runner: Runner) -> None:
        """The teacher is of no use after training."""
        _model_and_head(runner)[0].set_teacher(None)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """A checkpoint to resume or to test must be of this very step, and whole."""
        model, head = _model_and_head(runner)
        hand_over.check(checkpoint, head.scenario, head.step, 'the checkpoint')
        # mmengine loads with strict=False, which says nothing of what does not fit.
        model.load_state_dict(checkpoint['state_dict'], strict=True)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write down whose checkpoint it is, and what was chosen for it."""
        head = _model_and_head(runner)[1]
        checkpoint['meta'][hand_over.META] = dict(
            hand_over.describe(head.scenario, head.step), choices=choices_of(runner.cfg)
        )


def _model_and_head(runner: Runner) -> tuple[IncrementalSegmentor, IncrementalHead]:
    model = segmentor_of(runner)
    if isinstance(model, BaseTTAModel):
        if not isinstance(model, IncrementalTTAModel):
            raise ValueError(
                f'{type(model).__name__} compares the classes by a softmax, which these were not '
                "trained for: write tta_model=dict(type='IncrementalTTAModel')"
            )
        model = model.module
    return model, model.decode_head
