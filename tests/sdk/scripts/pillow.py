"""What Pillow makes."""

from pathlib import Path

import numpy as np
import rerun as rr
from PIL import Image as PILImage

picture = PILImage.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
rr.log("a", rr.Image(picture))
picture.save("picture.png")
rr.log("b", rr.EncodedImage(path="picture.png"))
with Path("picture.png").open("rb") as file:
    rr.log("c", rr.EncodedImage(contents=file.read(), media_type="image/png", opacity=0.5))
rr.log("size", rr.TextLog(str(rr.Image(picture).as_pil_image().size)))
