"""Entity paths as text and as parts."""

import rerun as rr

rr.log("/world//points/", rr.Scalars(1))
rr.log(["world", "a b", 3, "c/d"], rr.Scalars(2))
rr.log(rr.new_entity_path(["x", "ö!", "{}"]), rr.Scalars(3))
rr.log("world/" + rr.escape_entity_path_part("sp ace/slash"), rr.Scalars(4))
rr.log("deep/er/and/deeper", rr.Scalars(5))
rr.log("dots.and-dashes_here/1", rr.Scalars(6))
