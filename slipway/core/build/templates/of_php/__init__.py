"""What the template of PHP projects knows: extensions, versions, and the server in front."""
