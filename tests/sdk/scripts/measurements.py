"""Numbers with variances and units."""

import rerun as rr

rr.log("t", rr.Measurements([20.5, 21.0], variances=[0.1, 0.2], units="°C", names=["a", "b"], widths=2))
rr.log("u", rr.Measurements(3, colors=[0, 0, 255], visible_series=True, aggregation_policy="Max"))
