"""What `vigil demo` and `vigil dev` run on one machine: Temporal, the simulator, the API, a worker, and the stories."""
