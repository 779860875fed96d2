"""A backup: the whole installation in one encrypted file, and an installation made of it again.

`making` and `restoring` read as the steps of the two commands; `archive` is the file, `schedule` what is due and kept.
"""
