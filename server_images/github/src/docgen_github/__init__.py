"""The GitHub server: what an agent may see of the repositories it is allowed to."""
