"""What every method of incremental learning is: a decode head over any of mmseg's."""

import inspect
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ..labels import labels_of_step, num_labels
from ..scenario import Scenario
from .base_heads import check_built, refusal
from .classifier import StepClassifiers

# A mixin: register_method puts a base head behind it.
if TYPE_CHECKING:
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead as _OverHead
else:
    _OverHead = object


class IncrementalHead(_OverHead):
    """Makes a ``BaseDecodeHead`` that ends in a 1x1 ``conv_seg`` incremental.

    A method is a subclass, registered by
    :func:`mmseg_dkd.models.method_registry.register_method`: its losses, how its new
    classifiers start, what it freezes, its pseudo labels. Nothing else knows it by name. What it
    may bring is marked "a method's own" below; docs/methods.md has a complete example.

    ``cls_seg``, with which every such head ends, returns the feature in front of the classifier,
    so the inherited ``forward`` computes features, and the classifiers are applied here.

    Labels are 0 for unknown (background, or a class of another step), 1, 2, ... for the classes in
    the order of learning, 255 for void.

    Args:
        scenario: Arguments of :class:`mmseg_dkd.scenario.Scenario`.
        step: The step; the last one if omitted.
        num_classes: As in mmseg: classes of the data set, background counted where it is one.
        loss_decode: Loss of the labels, a ``TASK_LOSS``.
        base: Arguments of the base head.

    Raises:
        TypeError: If the base head cannot be incremental, or ``loss_decode`` is no ``TASK_LOSS``.
        ValueError: If ``num_classes`` and the scenario contradict each other, or a pixel sampler
            is given, or a step learns classes anew, which the method cannot.
    """

    # A method's own: the module that learns the labels.
    TASK_LOSS: type[nn.Module]
    # A method's own: whether a class that nobody looked for in an image learns nothing from it.
    PARTLY_LABELLED = False
    # A method's own: whether it can learn known classes anew. It must know of a class no more than
    # a row of a classifier.
    REFRESHES = False
    # A method's own: arguments that are without effect as long as there is no old class.
    LATER_ONLY: tuple[str, ...] = ()
    # A convolution until the base head is built, then a StepClassifiers.
    conv_seg: Any

    def __init__(
        self,
        *,
        scenario: dict,
        num_classes: int,
        step: int | None = None,
        loss_decode: dict | None = None,
        **base,
    ) -> None:
        learned = Scenario(**scenario)
        step = learned.check_step(step)
        expected = num_labels(learned)
        if num_classes != expected:
            raise ValueError(
                f'decode_head.num_classes={num_classes}, but scenario {learned.name!r} has '
                f'{learned.num_classes} classes'
                f'{" and background" if learned.has_background else ""}: set it to {expected}'
            )
        if any(map(learned.refreshed, range(step + 1))) and not self.REFRESHES:
            raise ValueError(
                f'{type(self).__bases__[0].__name__} learns no class anew, as a step of {learned} '
                'does: choose DKDHead, or take the step with known classes out'
            )
        sizes = [len(own) for own in learned.kept(step)]
        base['num_classes'] = 1 + sum(sizes)
        base['loss_decode'] = loss_decode or dict(type=self.TASK_LOSS.__name__)
        _, kind = type(self).__bases__
        try:
            super().__init__(**base)
        except (RuntimeError, TypeError) as error:
            # A RuntimeError is how mmseg's heads say that they need compiled operators of mmcv.
            given = ', '.join(sorted(base))
            raise refusal(
                kind.__name__, f'it cannot be built with the arguments {given} ({error})'
            ) from error
        check_built(self, kind, base)
        if not isinstance(self.loss_decode, self.TASK_LOSS):
            raise TypeError(
                f'loss_decode is a {type(self.loss_decode).__name__}, but a step learns its '
                f'classes by one {self.TASK_LOSS.__name__}: write '
                f"loss_decode=dict(_delete_=True, type='{self.TASK_LOSS.__name__}')"
            )
        if self.sampler is not None:
            raise ValueError('an incremental head takes every pixel: set sampler=None')
        self.scenario = learned
        self.step = step
        self.conv_seg = self.make_classifier(self.conv_seg.in_channels, sizes)

    def make_classifier(self, in_channels: int, sizes: list[int]) -> StepClassifiers:
        """A method's own: the classifiers of all steps up to this one, on ``[N, D, h, w]``.

        Args:
            in_channels: D.
            sizes: Number of classes of each step.
        """
        raise NotImplementedError(f'{type(self).__name__} has no classifiers')

    @property
    def background(self) -> bool:
        """Whether a pixel can be predicted to show none of the classes."""
        return self.scenario.zero_counts

    @property
    def new_labels(self) -> range:
        """Labels of the step's classes."""
        return labels_of_step(self.scenario, self.step)

    def looked_for(self, samples: list) -> list[tuple[int, ...]]:
        """Labels of the step's classes that somebody looked for in each image of a batch."""
        new = tuple(self.new_labels)
        return [sample.metainfo.get('labelled_for', new) for sample in samples]

    def cls_seg(self, feat: Tensor) -> Tensor:
        """The feature itself, after the head's dropout: ``[N, D, h, w]``."""
        return feat if self.dropout is None else self.dropout(feat)

    def feature(self, inputs: list[Tensor]) -> Tensor:
        """Feature in front of the classifier, ``[N, D, h, w]``, of the backbone's maps.

        Raises:
            TypeError: If the base head does something else with ``cls_seg`` than return it, or
                the backbone gives no list.
        """
        kind = type(self).__bases__[1].__name__
        if isinstance(inputs, Tensor):
            raise TypeError(f'{kind} needs a list of maps, but the backbone gives a single one')
        feature = super().forward(inputs)
        if not isinstance(feature, Tensor) or feature.shape[1] != self.conv_seg.in_channels:
            raise refusal(kind, 'its forward does not end with cls_seg')
        return feature

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """The prediction, ``[N, 1 + C, h, w]``: background, then the seen classes as learned.

        Whatever the method, its argmax is the label, so mmseg's segmentor, metric, visualiser and
        tools need not know about it.
        """
        return self.prediction_of(self.feature(inputs))

    def prediction_of(self, feature: Tensor) -> Tensor:
        """A method's own: :meth:`forward` from the feature ``[N, D, h, w]``."""
        raise NotImplementedError(f'{type(self).__name__} predicts nothing')

    def uncertainty(self, prediction: Tensor) -> Tensor:
        """A method's own: one minus the probability of every channel of a prediction.

        Of the same shape ``[..., 1 + C, H, W]``; comparable from image to image, which the
        prediction itself need not be. Not the probability: near 1 a float32 tells less apart.
        """
        raise NotImplementedError(f'{type(self).__name__} gives no probabilities')

    def as_convolution(self) -> tuple[Tensor, Tensor]:
        """A method's own: :meth:`prediction_of` as one 1x1 convolution, for a model without this
        package: weight ``[1 + C, D, 1, 1]`` and bias ``[1 + C]``; without background, of C
        channels.

        Raises:
            TypeError: If it is none.
        """
        raise TypeError(
            f'{type(self).__name__} does not predict by a 1x1 convolution: it cannot be written '
            'as a plain model of mmsegmentation'
        )

    def plain_head(self, head: dict) -> dict:
        """A method's own: config of the head of a plain model. Here: the base head.

        Args:
            head: That of the base head, with as many classes as are seen.
        """
        return head

    def plain_tensors(self) -> dict[str, Tensor]:
        """A method's own: the tensors of :meth:`plain_head`, by their names below it, that the head
        does not have by these names. Here: :meth:`as_convolution` as ``conv_seg``."""
        weight, bias = self.as_convolution()
        return {'conv_seg.weight': weight.detach(), 'conv_seg.bias': bias.detach()}

    def teacher_outputs(self, inputs: list[Tensor], student: Any) -> Any:
        """A method's own: what this head, as the teacher, tells the student's :meth:`loss`.

        Called without gradients, in eval mode.

        Args:
            inputs: Maps of the teacher's backbone.
            student: The head that learns.
        """
        return None

    @property
    def asks_teacher(self) -> bool:
        """A method's own: whether a loss needs :meth:`teacher_outputs`. The teacher runs only if a
        head asks it."""
        return type(self).teacher_outputs is not IncrementalHead.teacher_outputs

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict,
        teacher: Any = None,
    ) -> dict[str, Tensor]:
        """A method's own: its terms, each times its weight.

        Args:
            inputs: Maps of the backbone.
            batch_data_samples: Labels of each image.
            train_cfg: mmseg's.
            teacher: What the teacher's :meth:`teacher_outputs` says; None at step 0.
        """
        return self.loss_by_feat(self.feature(inputs), batch_data_samples, teacher)

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """A method's own: the state dict with which the step starts. Here: new classifiers at
        random.

        Args:
            state: Of the whole model, at the end of the step before.
            name: The head's name in it, ``decode_head`` or that of an auxiliary head.
            fresh: Of the freshly made model of this step.

        Returns:
            A new dict, with exactly the keys of ``fresh``.
        """
        new = f'{name}.conv_seg.steps.{self.step}.'
        return state | {key: value for key, value in fresh.items() if key.startswith(new)}

    def prepare(self, model: nn.Module) -> None:
        """A method's own: what it changes beyond the head, in the model just made."""

    def before_step(self, model: nn.Module, loader: Any) -> None:
        """A method's own: what it must know before the first iteration of a step from 1 on.

        Called once, not when training resumes: what it learns belongs into buffers.

        Args:
            model: The student, with its teacher.
            loader: The training data of the step.
        """

    def from_softmax(self, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
        """A method's own: its classifiers of step 0 from those of a softmax model, such that both
        predict the same.

        Args:
            weight: ``[1 + C, D, 1, 1]``, background first, then the classes as learned; of a head
                without background ``[C, D, 1, 1]``.
            bias: ``[1 + C]`` or ``[C]``.

        Returns:
            Name below ``conv_seg`` to tensor. What is not named starts as in a fresh model.

        Raises:
            TypeError: If the method has no such classifiers.
        """
        raise TypeError(
            f'start_from: {type(self).__name__} cannot take over the classifiers of a softmax model'
        )

    @property
    def num_taken(self) -> int:
        """A method's own: how many of the classes of step 0 are no rows of a ``conv_seg``."""
        return 0

    def adopt(self, state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
        """A method's own: the tensors of a plain model by the names of a stock one.

        Args:
            state: Of the whole model.
            name: The head's name in it.
        """
        return state

    @property
    def lacking(self) -> tuple[str, ...]:
        """A method's own: the modules of the head, by name, that a converted softmax model lacks,
        and that step 0 trains by :meth:`loss_of_lacking`; none by default."""
        return ()

    def loss_of_lacking(self, feature: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        """A method's own: the terms that train what is :attr:`lacking`.

        Args:
            feature: ``[N, D, h, w]`` in front of the classifier.
            size: Height and width of the images.
        """
        return {}

    @classmethod
    def first_step(cls, cfg: dict) -> dict:
        """The part of a head's config that decides step 0: all but ``LATER_ONLY`` of the method and
        of what it is built on.

        Methods whose step 0 is the same training share it if this is the same for both.

        Args:
            cfg: Config of the head, ``type`` included.
        """
        later = {name for part in cls.__mro__ for name in vars(part).get('LATER_ONLY', ())}
        return {key: value for key, value in cfg.items() if key not in later}

    @classmethod
    def choices(cls, cfg: dict) -> dict:
        """What decides the results of the method, for results.json; plain data.

        These are its own arguments, with their defaults. A method that overrides this may add
        ``components``, a dict of names to whether the row of a table has them.

        Args:
            cfg: Config of the head.
        """
        general = inspect.signature(IncrementalHead.__init__).parameters
        own: dict[str, Any] = {}
        for part in cls.__mro__[: cls.__mro__.index(IncrementalHead)]:
            if '__init__' in vars(part):
                # The method's own default comes before that of what it is built on.
                parameters = inspect.signature(vars(part)['__init__']).parameters.values()
                named = {p.name: p.default for p in parameters if p.default is not p.empty}
                own = named | own
        return {key: cfg.get(key, default) for key, default in own.items() if key not in general}
