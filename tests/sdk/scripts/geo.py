"""Places on Earth."""

import rerun as rr

rr.log(
    "p",
    rr.GeoPoints(
        lat_lon=[[59.3, 18.0], [52.5, 13.4]], radii=rr.Radius.ui_points(10.0), colors=[255, 0, 0], class_ids=[1, 2]
    ),
)
rr.log(
    "l",
    rr.GeoLineStrings(
        lat_lon=[[41.0, -109.0], [41.0, -102.0], [36.9, -102.0]], radii=rr.Radius.ui_points(2.0), colors=[0, 0, 255]
    ),
)
rr.log("m", rr.GeoLineStrings(lat_lon=[[[1, 2], [3, 4]], [[5, 6], [7, 8], [9, 10]]]))
