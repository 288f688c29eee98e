"""The viewer: recordings on a screen, every view at one time."""
