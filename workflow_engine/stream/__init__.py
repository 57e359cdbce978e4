"""Video: frames from files, cameras and streams, through a workflow in order, and into files."""
