"""Which classes are learned at which step: the one place that knows the class order."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from .labels import VOID
from .scenario_names import checked, named, part_of

SETTINGS = ('overlapped', 'disjoint')
UNLABELLED = ('background', 'ignored')
# Class ids are labels from 1 on.
MOST_CLASSES = VOID - 1


class Scenario:
    """A sequence of steps, each of which learns classes that no step before it knew (paper, 4.1).

    With ``refresh``, a step may also learn classes anew that are known: photographs of another
    camera or season have come. They leave the step that had them. For the step they are new ones,
    whose classifiers start as they are, and what is distilled is the rest.

    Class ids are ``1 .. num_classes``. Id 0 is background, or, in a data set without a background
    class, unlabelled pixels; it is never learned.

    Args:
        name: ``'15-5'`` (15 classes, then 5 at a time until none is left), ``'joint'`` (all at
            once), or one sequence of class ids a step, ``[[1, 2], [5], [3, 4]]``.
        num_classes: Number of object classes of the data set, background not counted; at most 254,
            since labels are bytes and 255 is void.
        setting: ``'overlapped'``: a step has every image that shows one of its classes.
            ``'disjoint'``: of those, the images that show no class of a later step.
        order: The class ids in the order of learning, a permutation of those that are learned;
            ascending if omitted. Explicit steps carry their own order.
        has_background: Whether id 0 is a class of its own in the ground truth (VOC) or means that
            nobody labelled the pixel (ADE20K).
        classes: The class ids that are learned, if these are a part of ``1 .. num_classes``; all
            if omitted. The others stay background for good; without a background, unlabelled in
            training and void in testing.
        unlabelled: What id 0 is in a data set without background. ``'background'``: a class that
            can be predicted and is tested, as in the papers. ``'ignored'``: neither, as in mmseg:
            every pixel shows one of the classes.
        refresh: Whether explicit steps may have classes that a step before has had.

    Raises:
        ValueError: If the name does not add up to the number of classes, ``classes`` is no part of
            the class ids, the order or the steps are no permutation of it, or a background is to be
            ignored.
    """

    def __init__(
        self,
        name: str | Sequence[Sequence[int]],
        num_classes: int,
        setting: str = 'overlapped',
        order: Sequence[int] | None = None,
        has_background: bool = True,
        classes: Sequence[int] | None = None,
        unlabelled: str = 'background',
        refresh: bool = False,
    ) -> None:
        if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
            raise ValueError(f'num_classes must be a positive integer, got {num_classes!r}')
        if num_classes > MOST_CLASSES:
            raise ValueError(
                f'num_classes must be at most {MOST_CLASSES}, since labels are bytes and 255 is '
                f'void, got {num_classes!r:.100}'
            )
        if setting not in SETTINGS:
            raise ValueError(f'setting must be one of {SETTINGS}, got {setting!r}')
        if not isinstance(has_background, bool):
            raise ValueError(f'has_background must be True or False, got {has_background!r}')
        if unlabelled not in UNLABELLED:
            raise ValueError(f'unlabelled must be one of {UNLABELLED}, got {unlabelled!r}')
        if unlabelled == 'ignored' and has_background:
            raise ValueError(
                "unlabelled='ignored' is for data without a background class: set "
                'has_background=False, or leave it out'
            )
        if not isinstance(refresh, bool):
            raise ValueError(f'refresh must be True or False, got {refresh!r}')
        self.num_classes = num_classes
        self.setting = setting
        self.has_background = has_background
        self.unlabelled = unlabelled
        self.refresh = refresh
        self.classes = part_of(classes, num_classes)
        self.name, steps = named(name, self.classes, order)
        which = f'1..{num_classes}' if classes is None else f'of classes={list(self.classes)}'
        self.steps = checked(steps, self.classes, refresh, self.name, which)

    @property
    def zero_counts(self) -> bool:
        """Whether id 0 is predicted and tested like a class: a background, or unlabelled pixels
        that count as one."""
        return self.unlabelled == 'background'

    @property
    def num_steps(self) -> int:
        """Number of steps, step 0 included."""
        return len(self.steps)

    @property
    def order(self) -> tuple[int, ...]:
        """Every class id in the order of learning, by the step that learned it last."""
        return self.seen(self.num_steps - 1)

    def check_step(self, step: int | None) -> int:
        """The given step, or the last one for None.

        Raises:
            ValueError: If the scenario has no such step.
        """
        if step is None:
            return self.num_steps - 1
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step < self.num_steps:
            raise ValueError(
                f'scenario {self.name!r} of {self.num_classes} classes has the steps '
                f'0..{self.num_steps - 1}, not {step}'
            )
        return step

    def new(self, step: int) -> tuple[int, ...]:
        """Class ids that the step learns."""
        return self.steps[self.check_step(step)]

    def refreshed(self, step: int) -> tuple[int, ...]:
        """Those of ``new(step)`` that were known before the step."""
        known = {c for done in self.steps[: self.check_step(step)] for c in done}
        return tuple(c for c in self.new(step) if c in known)

    def kept(self, step: int) -> tuple[tuple[int, ...], ...]:
        """Class ids of every step up to this one, without those that a later one has refreshed."""
        done = self.steps[: self.check_step(step) + 1]
        return tuple(
            tuple(c for c in own if not any(c in later for later in done[t + 1 :]))
            for t, own in enumerate(done)
        )

    def old(self, step: int) -> tuple[int, ...]:
        """Class ids that are known and that the step does not learn, in the order of learning."""
        return tuple(c for own in self.kept(step)[:-1] for c in own)

    def seen(self, step: int) -> tuple[int, ...]:
        """``old(step) + new(step)``."""
        return self.old(step) + self.new(step)

    def future(self, step: int) -> tuple[int, ...]:
        """Class ids that later steps learn first."""
        seen = self.seen(step)
        later = dict.fromkeys(c for own in self.steps[step + 1 :] for c in own)
        return tuple(c for c in later if c not in seen)

    @property
    def left_out(self) -> tuple[int, ...]:
        """Class ids of the data set that are never learned."""
        return tuple(c for c in range(1, self.num_classes + 1) if c not in self.classes)

    def select(self, presence: np.ndarray, step: int) -> np.ndarray:
        """Training images of a step.

        Args:
            presence: bool ``[images, num_classes + 1]``; column c: the image has a pixel of class
                id c. Void pixels are in no column.
            step: The step.

        Returns:
            Ascending image indices, int64 ``[n]``.
        """
        chosen = self._shows(presence, self.new(step))
        if self.setting == 'disjoint':
            chosen &= ~self._shows(presence, self.future(step))
        return np.flatnonzero(chosen)

    def select_test(self, presence: np.ndarray, step: int) -> np.ndarray:
        """Test images of a step: those with at least one class seen so far (see :meth:`select`)."""
        return np.flatnonzero(self._shows(presence, self.seen(step)))

    def _shows(self, presence: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
        if presence.ndim != 2 or presence.shape[1] != self.num_classes + 1:
            raise ValueError(
                f'presence must be [images, {self.num_classes + 1}] for scenario {self.name!r}, '
                f'got {tuple(presence.shape)}'
            )
        # Column by column: an index lies in memory by columns, of a million images or more.
        shows = np.zeros(len(presence), bool)
        for class_id in classes:
            shows |= presence[:, class_id]
        return shows

    def until(self, step: int) -> 'Scenario':
        """The scenario that ends with this step.

        Raises:
            ValueError: If there is none: the classes seen by then are not the ids 1, 2, ..., n.
        """
        seen = self.seen(step)
        return Scenario(
            self.steps[: step + 1],
            len(seen),
            self.setting,
            has_background=self.has_background,
            unlabelled=self.unlabelled,
            refresh=self.refresh,
        )

    def grown_from(self, step: int = 0) -> list['Scenario']:
        """The shorter scenarios that have this step and, from their end on, may have become this.

        With ``'overlapped'``, neither the images nor the labels of a step depend on the classes of
        later steps, so all of a step stays valid when later ones are added. With ``'disjoint'``
        they do, and the list is empty.
        """
        ends = range(step, self.num_steps - 1) if self.setting == 'overlapped' else ()
        return [self.until(end) for end in ends if max(self.seen(end)) == len(self.seen(end))]

    def shares(self, fingerprint: str, step: int = 0) -> bool:
        """Whether a step of the scenario with this fingerprint is the same step of this one: it is
        this scenario, or one that it has grown from."""
        return fingerprint in (s.fingerprint for s in (self, *self.grown_from(step)))

    @property
    def no_growth(self) -> str:
        """Why what is of a shorter scenario is refused, for a message; empty with overlapped."""
        if self.setting == 'overlapped':
            return ''
        return (
            '. A disjoint scenario cannot grow: which images a step has depends on the classes '
            'of later steps'
        )

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with anything that defines the scenario."""
        # Steps and num_classes tell which classes are left out.
        definition: dict[str, object] = dict(
            steps=self.steps,
            num_classes=self.num_classes,
            setting=self.setting,
            has_background=self.has_background,
        )
        # Not in those of runs from before there was a choice.
        if not self.zero_counts:
            definition['unlabelled'] = self.unlabelled
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return (
            f'Scenario({self.name!r}, num_classes={self.num_classes}, setting={self.setting!r}, '
            f'steps={[len(s) for s in self.steps]}, has_background={self.has_background}'
            f'{f", classes={list(self.classes)}" if self.left_out else ""}'
            f'{"" if self.zero_counts else ", unlabelled ignored"}'
            f'{", with refresh" if any(map(self.refreshed, range(self.num_steps))) else ""})'
        )
