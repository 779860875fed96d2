"""The file in a repository that says how its app is built, run and reached. Its model (`core.app_settings`) is apart:
who only has to know the file's name is spared 5 MB."""

FILE_NAME = "slipway.toml"
