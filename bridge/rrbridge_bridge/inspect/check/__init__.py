"""What is wrong with a recording: its structure, its times, its frames. One module for each kind of question.

A check takes batches as they come and keeps little of them; at the end it says what it found. `run.check_file` runs them all.
"""
