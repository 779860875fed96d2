"""The console: pages for people on the use cases that the API stands on. docs/decisions/0054 says where what goes."""
