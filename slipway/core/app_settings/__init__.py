"""How an app is built, run and reached: the settings, and the configuration that a release freezes."""
