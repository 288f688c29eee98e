"""Values without a type, many rows at once."""

import rerun as rr

rr.send_columns(
    "any", [rr.TimeColumn("t", sequence=range(3))], rr.AnyValues.columns(speed=[1.5, 2.5, 3.5], name=["a", "b", "c"])
)
rr.send_columns("ragged", [rr.TimeColumn("t", sequence=range(2))], rr.AnyValues.columns(v=[[1, 2], [3]]))
rr.send_columns(
    "dyn",
    [rr.TimeColumn("t", sequence=range(2))],
    rr.DynamicArchetype.columns(archetype="my_arch", components={"speed": [1.0, 2.0]}),
)
rr.send_columns(
    "mixed",
    [rr.TimeColumn("t", sequence=range(2))],
    [*rr.AnyValues.columns(a=[1, 2]), *rr.Scalars.columns(scalars=[3, 4])],
)
