"""How recordings are shown: sent along, and as the default of a file."""

import rerun as rr
import rerun.blueprint as rrb
from rerun.blueprint.archetypes import EyeControls3D
from rerun.blueprint.components import Eye3DKind

rr.log("world/points", rr.Points3D([[1, 2, 3]]))
rr.send_blueprint(
    rrb.Blueprint(
        rrb.Horizontal(
            rrb.Spatial3DView(
                origin="/world",
                eye_controls=EyeControls3D(kind=Eye3DKind.Orbital, tracking_entity="/world/points"),
                overrides={"/world/points": rr.Points3D.from_fields(radii=0.5)},
            ),
            rrb.TimeSeriesView(
                axis_y=rrb.ScalarAxis(range=(-1, 1)),
                time_ranges=rrb.VisibleTimeRange(
                    "frame", start=rrb.TimeRangeBoundary.cursor_relative(seq=-10), end=rrb.TimeRangeBoundary.infinite()
                ),
            ),
        ),
        rrb.TimePanel(state="collapsed"),
        collapse_panels=True,
    )
)
rr.log("world/points", rr.Points3D([[4, 5, 6]]))

layout = rr.blueprint.Tabs(rr.blueprint.TextLogView(name="log"), active_tab="log")
rec = rr.RecordingStream("scripts", recording_id="shown", send_properties=False)
rec.save("shown.rrd", default_blueprint=layout)
rec.log("a", rr.Scalars(1))
rec.disconnect()
