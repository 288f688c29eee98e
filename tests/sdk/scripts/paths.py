"""Entity paths as text and as parts."""

import rerun as rr

rr.log("/world//points/", rr.Scalars(1))
rr.log(["world", "a b", 3, "c/d"], rr.Scalars(2))
rr.log(rr.new_entity_path(["x", "ö!", "{}"]), rr.Scalars(3))
rr.log("world/" + rr.escape_entity_path_part("sp ace/slash"), rr.Scalars(4))
rr.log(["\U0001f916 arm", "½", "\u200b"], rr.Scalars(7))
rr.log("\U0001f916", rr.Scalars(8))
rr.log("ends\\", rr.Scalars(9))
rr.log("a\\u{zz}/\\u{41}/\\u{1F916}/\\u{D83E}/\\u262E/\\q/\\u{110000}", rr.Scalars(10))
rr.log("deep/er/and/deeper", rr.Scalars(5))
rr.log("dots.and-dashes_here/1", rr.Scalars(6))
