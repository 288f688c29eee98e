"""Playing recordings back to a live graph: what is due when, and where it goes."""
