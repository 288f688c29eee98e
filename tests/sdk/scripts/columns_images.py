"""Many images at once."""

import numpy as np
import rerun as rr

pictures = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
fmt = rr.components.ImageFormat(width=5, height=4, color_model="RGB", channel_datatype="U8")
rr.log("images", rr.Image.from_fields(format=fmt), static=True)
rr.send_columns(
    "images",
    indexes=[rr.TimeColumn("step", sequence=range(3))],
    columns=rr.Image.columns(buffer=pictures.reshape(3, -1)),
)
rr.send_columns(
    "encoded",
    indexes=[rr.TimeColumn("step", sequence=range(2))],
    columns=rr.EncodedImage.columns(blob=[b"abc", b"defg"], media_type=["image/png"] * 2),
)
