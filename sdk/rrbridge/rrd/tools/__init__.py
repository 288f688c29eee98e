"""Work on whole recordings, message by message: memory does not grow with the file.

Each module is one tool, a function or two over readers and writers; what is printed is for the caller to decide.
"""
