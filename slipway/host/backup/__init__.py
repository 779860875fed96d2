"""A backup: the whole installation in one encrypted file, and an installation made of it again.

`sealed_file` is the encryption, `packing` and `unpacking` the tar archive inside; `making` and `restoring` read as the
steps of the two commands.
"""
