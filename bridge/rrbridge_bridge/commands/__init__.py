"""The commands of the `rrbridge` program, one module each."""
