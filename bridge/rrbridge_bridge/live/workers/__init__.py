"""Scripts that run under a foreign Python; never imported by rrbridge itself."""
