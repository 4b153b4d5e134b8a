"""Draw docs/images/reasoning.png, after Fig. 2 of the paper: what KD keeps, and what DKD keeps.

    python dev/draw_reasoning.py

One position, one old class, eight feature channels with made-up numbers. In the new model every
positive product has grown and every negative one too, so that the logit is what it was.
"""

from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mmseg_dkd.models.losses import binary_kd_loss, decompose_logits, decomposed_kd_loss

WEIGHT = torch.tensor([0.9, -0.7, 0.5, -0.4, 0.8, -0.6, 0.3, -0.5])
FEATURE = torch.tensor([1.1, 0.6, 0.8, 0.5, 0.7, 0.9, 0.6, 0.4])
GROWTH = 1.5
POSITIVE, NEGATIVE, WHOLE = '#0072B2', '#D55E00', '#555555'


def scores(feature: Tensor) -> tuple[Tensor, Tensor]:
    """z+ and z-, each ``[1, 1, 1, 1]``, of a feature ``[D]``."""
    return decompose_logits(feature[None, :, None, None], WEIGHT[None])


def changed(feature: Tensor) -> Tensor:
    """A feature ``[D]`` whose z+ is larger, and whose z- is smaller, by ``GROWTH``."""
    pos, neg = (score.item() for score in scores(feature))
    more = torch.where(WEIGHT > 0, (pos + GROWTH) / pos, (neg - GROWTH) / neg)
    return feature * more


def excess(old: Tensor, new: Tensor) -> tuple[float, float]:
    """KD's and DKD's loss of the new feature, less what they are where nothing has changed."""

    def losses(feature: Tensor) -> tuple[Tensor, Tensor]:
        kd = binary_kd_loss(sum(scores(feature)), sum(scores(old)))
        return kd, decomposed_kd_loss(*scores(feature), *scores(old))

    return tuple(
        (after - before).item() for after, before in zip(losses(new), losses(old), strict=True)
    )


def draw_products(axes: Axes, feature: Tensor, title: str) -> None:
    """The products f_d w_d, whose positive and negative ones are summed apart."""
    products = feature * WEIGHT
    colours = [POSITIVE if product > 0 else NEGATIVE for product in products]
    axes.bar(range(1, len(products) + 1), products, color=colours)
    axes.set(title=title, xlabel='channel d', ylim=(-1.6, 2.2))
    axes.axhline(0, color='black', lw=0.8)


def draw_scores(axes: Axes, old: Tensor, new: Tensor, kd: float, dkd: float) -> None:
    """z+, z- and z of both models, side by side."""
    for shift, feature, alpha, model in ((-0.2, old, 1.0, 'old'), (0.2, new, 0.55, 'new')):
        pos, neg = (score.item() for score in scores(feature))
        heights = (pos, neg, pos + neg)
        bars = axes.bar(
            [k + shift for k in range(3)],
            heights,
            width=0.36,
            color=(POSITIVE, NEGATIVE, WHOLE),
            alpha=alpha,
        )
        labels = [f'{model}\n{height:.1f}' for height in heights]
        axes.bar_label(bars, labels, fontsize=8, padding=2)
    axes.set_xticks(range(3), ['$z^+$', '$z^-$', '$z = z^+ + z^-$'])
    axes.set(title=f'more loss than without a change:\nKD {abs(kd):.2f}, DKD {dkd:.2f}')
    axes.set(ylim=(-4.2, 5))
    axes.axhline(0, color='black', lw=0.8)


def main() -> None:
    old, new = FEATURE, changed(FEATURE)
    figure = Figure(figsize=(10, 3.4), layout='constrained')
    axes = figure.subplots(1, 3)
    draw_products(axes[0], old, 'products $f_d w_d$, old model')
    draw_products(axes[1], new, 'products $f_d w_d$, new model')
    draw_scores(axes[2], old, new, *excess(old, new))
    for each in axes:
        each.spines[['top', 'right']].set_visible(False)
    figure.savefig(Path(__file__).parents[1] / 'docs/images' / 'reasoning.png', dpi=120)


if __name__ == '__main__':
    main()
