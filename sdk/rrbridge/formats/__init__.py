"""Files beside recordings: pictures, meshes, videos, sounds, texts, robot models. One module for each kind of file.

Each module has an `importer` that the entry point group `rrbridge.importers` names.
"""
