"""Bar charts."""

import numpy as np
import rerun as rr

rr.log("a", rr.BarChart([8, 4, 0, 9, 1, 4, 1, 6, 9, 0]))
rr.log("b", rr.BarChart(np.array([1.5, 2.5]), abscissa=[0, 1], widths=[1, 2], color=[255, 0, 0]))
