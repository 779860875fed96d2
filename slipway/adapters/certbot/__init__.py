"""certbot, as a program of its own: what it is asked, what it reports, and the folder that is its alone."""
