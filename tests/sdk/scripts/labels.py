"""Labels that are numbers and numpy text."""

import numpy as np
import rerun as rr

rr.log("a", rr.Points2D([[0, 0], [1, 1]], labels=[1, 2]))
rr.log("b", rr.Points2D([[0, 0], [1, 1]], labels=np.array(["x", "y"])))
rr.log("d", rr.Points2D([[0, 0], [1, 1]], labels=("x", "y")))
rr.log("e", rr.TextLog(1.5))
