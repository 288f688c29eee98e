"""The recording that init makes."""

import rerun as rr

rr.init("scripts_init", recording_id="init", default_enabled=True, strict=True, send_properties=False)
rr.save("init.rrd")
rr.log("a", rr.Scalars(1))
rr.disconnect()
assert rr.get_application_id() == "scripts_init"
