"""rrbridge."""
