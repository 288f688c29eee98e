"""Files logged whole."""

import time
from pathlib import Path

import rerun as rr

Path("note.md").write_text("# note")
Path("sub").mkdir(exist_ok=True)
Path("sub/a b.txt").write_text("text")
rr.log_file_from_path("note.md", entity_path_prefix="pre/fix", static=True)
rr.log_file_from_path("sub/a b.txt")
rr.log_file_from_contents("virtual/mesh.obj", b"v 0 0 0\n")
if rr.__name__ == "rerun":
    time.sleep(3)  # it reads files in a thread that nothing waits for
