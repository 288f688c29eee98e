"""What axes mean, by all names."""

import rerun as rr

for name in sorted(n for n in dir(rr.ViewCoordinates) if n.isupper() and (len(n) == 3 or "HAND" in n)):
    rr.log(f"world/{name}", getattr(rr.ViewCoordinates, name), static=True)
rr.log("own", rr.ViewCoordinates(xyz=[3, 2, 5]))
