"""The panels around the views. Each is a function of the state and the recording that draws itself and yields commands."""
