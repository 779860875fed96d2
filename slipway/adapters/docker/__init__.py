"""The Docker Engine: replicas, networks, volumes, output, pulled images."""
