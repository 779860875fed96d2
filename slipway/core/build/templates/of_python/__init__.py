"""What the template of Python projects knows: their files, versions, package managers, and how they are started."""
