"""What touches robots: bags, live topics, decoding, adapters, the recorder and the command line."""
