"""Generators that hold a recording."""

import rerun as rr

held = rr.RecordingStream("scripts", recording_id="gen", send_properties=False)
held.save("gen.rrd")


@rr.recording_stream_generator_ctx
def numbers(name):
    with held:
        assert rr.get_recording_id() == name
        for i in range(3):
            rr.log("inside", rr.Scalars(i))
            yield i


for number in numbers("gen"):
    rr.log("outside", rr.Scalars(number))
held.disconnect()
