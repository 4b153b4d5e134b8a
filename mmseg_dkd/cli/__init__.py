"""The command line: a file per command, which says its options and calls what does the work.

No file of this folder imports torch or mmseg before its command runs.
"""
