"""The command, for models and images of 64 x 64."""

from mmseg_dkd.cli.main import main

OLD = ('t-shirt', 'trouser', 'pullover', 'dress')
QUICK = ['--iterations', '3', '--crop', '64', '64', '--batch', '2']
LOADERS = ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
LOADERS += [option.replace('train', 'test') for option in LOADERS]


def teach(*arguments, options=()) -> None:
    main(['teach', *map(str, arguments), *QUICK, '--cfg-options', *LOADERS, *options])
