"""Loads for recorders: messages that carry their number and the time they were sent, and what came of them in a recording."""
