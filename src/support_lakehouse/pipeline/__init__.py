"""The order of the stages; `run` is what command line, job and notebook call."""
