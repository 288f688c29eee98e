"""Many recordings, one output each: what is up to date is left as it is, what fails costs only itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rrbridge.errors import FileError, RrbridgeError
from rrbridge_bridge import stamps
from rrbridge_bridge.inputs import Found, Input, Source, find_sources, size_of
from rrbridge_bridge.output_files import Bar, beside, no_progress_bar, output_path, progress_bar
from rrbridge_bridge.run_id import first_part
from rrbridge_bridge.settings import Settings

if TYPE_CHECKING:
    from rrbridge_bridge.writers import OutputFormat

__all__ = ["Outcome", "Unit", "convert_each", "convert_unit", "plan"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One recording to make."""

    sources: tuple[Source, ...]
    """One file or folder, or the parts of a run."""
    output: Path

    @property
    def size_bytes(self) -> int:
        """Of what is read."""
        return sum(size_of(source.path) for source in self.sources)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit, or of a file that cannot be opened."""

    inputs: tuple[Path, ...]
    output: Path | None
    status: Literal["converted", "up to date", "failed"]
    error: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    """What `rrbridge convert --json` says of one conversion; of one that is up to date, what its stamp keeps."""

    @property
    def is_lossless(self) -> bool:
        """Whether all of it is in the output."""
        return self.status != "failed" and bool(self.summary.get("lossless"))


def convert_each(
    inputs: Sequence[Input], folder: Path | None, settings: Settings, *, jobs: int = 1, force: bool = False
) -> list[Outcome]:
    """Convert each recording beside itself or into a folder, several at the same time. Raises FileError for missing inputs."""
    found = find_sources(inputs, recordings_only=True)
    to = format_of(settings)
    units = plan(found, folder, to)
    outcomes = {unit.output: ready for unit in units if (ready := _ready(unit, settings, force=force))}
    due = [unit for unit in units if unit.output not in outcomes]
    with progress_bar("converting" if len(due) == 1 else f"converting {len(due)} recordings") as bar:
        if jobs > 1 and len(due) > 1:
            from rrbridge_bridge.batch_pool import convert_in_processes

            made = convert_in_processes(due, settings, min(jobs, len(due)), bar)
        else:
            made = _one_by_one(due, settings, bar)
    outcomes |= {unit.output: outcome for unit, outcome in zip(due, made, strict=True)}
    unopened = [Outcome((Path(err.path),), None, "failed", str(err)) for err in found.failed]
    return [*(outcomes[unit.output] for unit in units), *unopened]


def format_of(settings: Settings) -> OutputFormat | None:
    """The output's format; None for `.rrd`."""
    if settings.to is None:
        return None
    from rrbridge_bridge.writers import output_format

    return output_format(None, settings.to)


def plan(found: Found, folder: Path | None, to: OutputFormat | None = None) -> list[Unit]:
    """The recordings to make: the parts of a run become one. What is an `.rrd` already, or was made here, is left out."""
    suffix = ".rrd" if to is None else "" if to.is_folder else to.suffix
    runs: dict[tuple[Path, str, int], list[Source]] = {}
    for source in found.sources:
        is_to_stay = source.importer.name == "RRD" and to is None and folder is None
        if not is_to_stay and not stamps.is_stamped(source.path):
            first = first_part(source.path)
            part_of = first if first.is_file() and not source.path.is_dir() else source.path
            runs.setdefault((part_of, source.prefix, source.offset_nanos), []).append(source)
    units: list[Unit] = []
    taken: set[Path] = set()
    for (first, _, _), sources in runs.items():
        target = _target(first, sources, folder, suffix)
        if target in taken:
            target = target.with_name(f"{first.name}{suffix or '.recording'}")
        taken.add(target)
        units.append(Unit(tuple(sources), target))
    return units


def _target(first: Path, sources: Sequence[Source], folder: Path | None, suffix: str) -> Path:
    if first.is_dir():
        name = (first if first.name else first.resolve()).with_name(f"{first.name or first.resolve().name}.rrd")
    else:
        name = beside(first)
        if len(sources) > 1 and name.stem.endswith("_0"):
            name = name.with_name(f"{name.stem.removesuffix('_0')}.rrd")
    name = name.with_name(name.name.removesuffix(".rrd") + suffix)
    return name if folder is None else Path(folder, *sources[0].below, name.name)


def _ready(unit: Unit, settings: Settings, *, force: bool) -> Outcome | None:
    """What is known of a unit without converting it; None if it is to be converted."""
    paths = tuple(source.path for source in unit.sources)
    kept = stamps.read(unit.output)
    if (
        kept is not None
        and kept.is_output_untouched
        and not force
        and kept.key == stamps.key_of(unit.sources, settings)
    ):
        return Outcome(paths, unit.output, "up to date", summary=kept.summary)
    try:
        is_ours = kept is not None and kept.is_output_untouched
        _check_path(paths, unit.output, settings, force=force or is_ours)
        unit.output.parent.mkdir(parents=True, exist_ok=True)
    except FileError as err:
        return Outcome(paths, unit.output, "failed", str(err))
    except OSError as err:
        return Outcome(paths, unit.output, "failed", f"{unit.output.parent}: {err.strerror or err}")
    return None


def _check_path(inputs: Sequence[Path], output: Path, settings: Settings, *, force: bool) -> None:
    """Raises FileError if the output must not be written."""
    to = format_of(settings)
    if to is not None and to.is_folder:
        from rrbridge_bridge.writers import folder_path

        folder_path(inputs, output, force=force)
    else:
        output_path(inputs, output, force=force)


def _one_by_one(units: Sequence[Unit], settings: Settings, bar: Bar | None) -> list[Outcome]:
    outcomes = []
    done, total, messages = 0, sum(unit.size_bytes for unit in units), 0
    for unit in units:
        part = _part_of(bar, done, total, messages) if bar else None
        outcomes.append(convert_unit(unit, settings, part))
        done += unit.size_bytes
        messages += sum(topic["messages"] for topic in outcomes[-1].summary.get("topics", ()))
    return outcomes


def _part_of(bar: Bar, done: int, total: int, messages: int) -> Bar:
    def update(part_done: int, _: int, part_messages: int) -> None:
        bar.messages = lambda: messages + part_messages
        bar(done + part_done, total)

    return Bar(update)


def convert_unit(unit: Unit, settings: Settings, bar: Bar | None = None) -> Outcome:
    """Convert one recording, and stamp it. What fails is in the outcome."""
    paths = tuple(source.path for source in unit.sources)
    key = stamps.key_of(unit.sources, settings)  # before reading: what changes meanwhile is converted again
    try:
        summary = _written(unit, settings, bar)
    except RrbridgeError as err:
        return Outcome(paths, unit.output, "failed", str(err))
    except OSError as err:
        return Outcome(paths, unit.output, "failed", f"{err.filename or unit.output}: {err.strerror or err}")
    except Exception as err:  # noqa: BLE001 - a fault in one of many must not keep the others from being converted
        return Outcome(paths, unit.output, "failed", f"{paths[0]}: unexpected {type(err).__name__}: {err}")
    stamps.write(unit.output, key, summary)
    return Outcome(paths, unit.output, "converted", summary=summary)


def _written(unit: Unit, settings: Settings, bar: Bar | None) -> dict[str, Any]:
    """Write the output; what there is to say of it. Raises RrbridgeError, OSError."""
    to = format_of(settings)
    if to is None:
        from rrbridge_bridge.convert import convert_files
        from rrbridge_bridge.convert_summary import document

        return document(convert_files(Found(unit.sources, (), ()), unit.output, settings, bar))
    from rrbridge_bridge.writers import WriteOptions, written_document

    how = WriteOptions(
        compression=settings.compression, chunk_bytes=settings.chunk_bytes, index=settings.index, force=True
    )
    paths = [source.path for source in unit.sources]
    with no_progress_bar():
        return written_document(to.write(paths, unit.output, settings.options(unit.sources), how))
