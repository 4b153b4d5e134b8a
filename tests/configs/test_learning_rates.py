"""Learning rates of every recipe for VOC and ADE20K, iteration by iteration."""

import numpy as np
import pytest
from mmengine.config import Config

import mmseg_dkd  # noqa: F401
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.engine.schedule import notes_of_schedule
from tests.oracle import ORACLE

from .names import ALL, CONFIGS, DKD, all_steps, load, rates_of

DKD_ON_ADE = [name for name in ALL if name.split('/')[0] in DKD and '/ade_' in name]
BY_EPOCH = [name for name in ALL if 'max_epochs' in load(name).train_cfg]
LENGTH = 7  # iterations of an epoch


def curve(warm_up: float, start_factor: float, iterations: int) -> np.ndarray:
    """Poly over all iterations times a linear warm-up over the first part of them."""
    done = np.arange(iterations) / iterations
    factor = np.ones(iterations)
    warm = done < warm_up
    factor[warm] = start_factor + (1 - start_factor) * done[warm] / warm_up
    return factor * (1 - done) ** 0.9


@pytest.mark.parametrize(('name', 'step'), all_steps(DKD_ON_ADE))
def test_dkd_on_ade_has_the_rates_of_the_authors_program(name, step):
    cfg = load(name)
    schedule = step_config(cfg, step).param_scheduler
    with np.load(ORACLE / 'dkd_ade_learning_rate.npz') as program:
        expected = program['program_lr'] / program['base_lr']
    assert cfg.train_cfg.max_epochs == 100
    np.testing.assert_allclose(rates_of(schedule, 100, 20), expected, rtol=1e-12)


def test_paper_warms_up_on_ade_for_a_tenth_and_multiplies_as_well():
    cfg = Config.fromfile(CONFIGS / 'dkd/ade_100-50.py')
    cfg.preset = 'paper'
    actual = rates_of(step_config(cfg, 0).param_scheduler, 100, LENGTH)
    np.testing.assert_allclose(actual, curve(0.1, 1e-3, 100 * LENGTH), rtol=1e-12)


@pytest.mark.parametrize(
    ('name', 'epochs', 'warm_up', 'start_factor'),
    [
        ('dkd/voc_15-5.py', 60, 0, 1),
        ('dkd/voc_15-1_segformer-b2.py', 60, 0.05, 1e-6),
        ('mib/voc_15-5.py', 30, 0, 1),
        ('mib/ade_100-50.py', 60, 0, 1),
        ('rcil/voc_15-1.py', 30, 0, 1),
        ('sdr/voc_15-1.py', 30, 0, 1),
        ('sdr/ade_50-50.py', 60, 0, 1),
        ('ssul/voc_15-1.py', 50, 0, 1),
        ('ssul/ade_100-50.py', 100, 0.1, 1e-3),
    ],
)
def test_curve_of_a_recipe(name, epochs, warm_up, start_factor):
    cfg = load(name)
    assert cfg.train_cfg.max_epochs == epochs
    actual = rates_of(cfg.param_scheduler, epochs, LENGTH)
    expected = curve(warm_up, start_factor, epochs * LENGTH)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize('name', BY_EPOCH)
def test_schedule_follows_another_length_of_training(name):
    cfg = step_config(load(name), 0)
    cfg.train_cfg.max_epochs = 2
    assert list(notes_of_schedule(cfg)) == []
    warm_up = cfg.param_scheduler[0].get('warm_up', 0)
    expected = curve(warm_up, cfg.param_scheduler[0].get('start_factor', 1), 2 * LENGTH)
    np.testing.assert_allclose(rates_of(cfg.param_scheduler, 2, LENGTH), expected, rtol=1e-12)
