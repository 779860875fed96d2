"""Templates of Dockerfiles, a file for each kind of project. Their table is in `slipway.core.build.detection`."""
