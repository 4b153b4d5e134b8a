"""mmseg-dkd convert-official, from a clone."""

from mmseg_dkd.cli.main import run_tool

if __name__ == '__main__':
    run_tool('convert-official')
