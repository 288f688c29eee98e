"""Why a lookup failed, in the words that tf2 has for it, and what to do about it."""

from __future__ import annotations

from rrbridge._time_text import span_text, time_text
from rrbridge._timeline import TimeKind
from rrbridge.errors import FramesNotConnectedError, TransformError, TransformTimeError, UnknownFrameError

__all__ = ["explained"]

NAMED = 12


def explained(error: TransformError, kind: TimeKind | None) -> str:
    """Three lines: what tf2 says, what is so in this recording, what to do. `kind` is that of the timeline."""
    return f"{_in_words_of_tf2(error, kind)}\n  {error.reason}\n  → {_advice(error, kind)}"


def _in_words_of_tf2(error: TransformError, kind: TimeKind | None) -> str:
    match error:
        case UnknownFrameError():
            argument = "target_frame" if error.frame == error.target else "source_frame"
            return f'"{error.frame}" passed to lookupTransform argument {argument} does not exist.'
        case FramesNotConnectedError():
            return (
                f"Could not find a connection between '{error.target}' and '{error.source}' because they are not part of the "
                "same tree. Tf has two or more unconnected trees."
            )
        case TransformTimeError():
            is_past = error.time < error.first
            edge = error.first if is_past else error.last
            which = ("past", "earliest") if is_past else ("future", "latest")
            return (
                f"Lookup would require extrapolation {span_text(abs(error.time - edge), kind)} into the {which[0]}. "
                f"Requested time {time_text(error.time, kind)} but the {which[1]} data is at time {time_text(edge, kind)}, "
                f"when looking up transform from frame [{error.source}] to frame [{error.target}]"
            )
        case _:
            return str(error)


def _advice(error: TransformError, kind: TimeKind | None) -> str:
    match error:
        case UnknownFrameError() if error.near:
            return f"perhaps {error.near[0]} is meant; `rrbridge tf FILE` shows all frames"
        case UnknownFrameError():
            return "`rrbridge tf FILE` shows all frames; was /tf_static recorded, and from its start?"
        case FramesNotConnectedError():
            target, source = (", ".join(tree[:NAMED]) for tree in (error.target_tree, error.source_tree))
            return (
                f"a transform from one of {target} to one of {source} is missing: record the node that publishes it "
                "(localisation, robot_state_publisher), and /tf_static"
            )
        case TransformTimeError():
            first, last = time_text(error.first, kind), time_text(error.last, kind)
            return (
                f"ask for a time from {first} to {last} with --at; --timeline chooses the clock, and without --limit the last "
                "transform is held"
            )
        case _:
            return "`rrbridge check FILE` finds transforms that are no numbers, loops, and frames with two parents"
