"""What there is to open in a folder: recordings, and what belongs to them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rrbridge import importers
from rrbridge.errors import EmptyFileError, FileError, NotARecordingError

__all__ = ["Contents", "Member", "contents", "is_part", "recordings_in"]

log = logging.getLogger(__name__)

MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Member:
    """Something to open."""

    path: Path
    importer: importers.Importer
    below: tuple[str, ...] = ()
    """The folders between the one that was looked into and this."""


@dataclass(slots=True)
class Contents:
    """What was found, in order: `run_2` comes before `run_10`."""

    members: list[Member] = field(default_factory=list)
    failed: list[FileError] = field(default_factory=list)
    """What is called a recording, but is none, or cannot be read."""
    strangers: list[Path] = field(default_factory=list)
    """Files that no importer takes."""

    def recordings(self) -> list[Member]:
        """Without pictures, meshes and the like, where there is anything else."""
        return [m for m in self.members if not is_part(m.importer)] or self.members


def contents(path: Path) -> Contents:
    """The file or folder itself where an importer takes it, else what is in the folder and those below.

    Left out, as they come with something else: links to what is there too, meshes and their textures beside a URDF, and texts
    beside anything.
    Hidden files and folders are not looked at. Raises FileError for a path that cannot be opened, not for what is in it.
    """
    found = Contents()
    if not path.is_dir():
        found.members.append(Member(path, importers.find(path)))
        return found
    _look_into(path, (), found, _take_whole(path, (), found))
    found.members = list(_without_company(_without_links(found.members)))
    if not found.members:
        if found.failed:
            raise found.failed[0]
        raise NotARecordingError(path, "there is nothing in this folder that rrbridge can open")
    return found


def recordings_in(*paths: Path) -> list[Path]:
    """What to open one by one: the paths themselves, or the recordings in folders.

    What cannot be opened in a folder, and what is empty among several paths, such as a part that a power cut left, is warned
    of. Raises FileError.
    """
    found: list[Path] = []
    left_out: list[FileError] = []
    for path in paths:
        try:
            inside = contents(path)
        except EmptyFileError as err:
            left_out.append(err)
            continue
        left_out += inside.failed
        found += [member.path for member in inside.recordings()]
    if left_out and not found:
        raise left_out[0]
    for failure in left_out:
        log.warning("%s; it is left out", failure)
    return found


def _take_whole(path: Path, below: tuple[str, ...], found: Contents) -> importers.Importer | None:
    """The importer that takes a folder as one, if there is one."""
    try:
        importer = importers.find(path)
    except NotARecordingError:
        return None
    found.members.append(Member(path, importer, below))
    return importer


def _look_into(folder: Path, below: tuple[str, ...], found: Contents, taker: importers.Importer | None) -> None:
    """What is in a folder; if an importer takes it as one, what that leaves."""
    from rrbridge.formats import picture_folders

    if taker is picture_folders.importer:
        return
    try:
        inside = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=importers.natural_order)
    except OSError as err:
        found.failed.append(FileError(folder, err.strerror or str(err)))
        return
    for path in inside:
        try:
            if path.is_dir():
                if len(below) < MAX_DEPTH and not path.is_symlink():
                    deeper = (*below, path.name)
                    _look_into(path, deeper, found, _take_whole(path, below, found))
                continue
            importer = importers.find(path)
            if importer is not taker:
                found.members.append(Member(path, importer, below))
        except NotARecordingError as err:
            if taker is not None:
                continue
            if path.suffix.lower() in importers.RECORDING_SUFFIXES:  # other files that nobody opens are no failures
                found.failed.append(err)
            else:
                found.strangers.append(path)
        except FileError as err:
            found.failed.append(err)


def _without_links(members: list[Member]) -> list[Member]:
    """Each file once: `latest.bag`, a link to a recording that is there too, is no further one."""
    targets = {os.path.realpath(member.path) for member in members if not member.path.is_symlink()}
    kept = []
    for member in members:
        target = os.path.realpath(member.path)
        if not member.path.is_symlink() or target not in targets:
            targets.add(target)
            kept.append(member)
    return kept


def _without_company(members: list[Member]) -> Iterator[Member]:
    from rrbridge.formats import meshes, pictures, robots, texts

    def those_of(importer: importers.Importer) -> list[Member]:
        return [member for member in members if member.importer is importer]

    left_out = those_of(texts.importer)
    if len(left_out) == len(members):
        left_out = []
    if those_of(robots.importer):
        mesh_files = those_of(meshes.importer)
        folders = {member.path.parent for member in mesh_files}
        left_out += mesh_files + [m for m in those_of(pictures.importer) if m.path.parent in folders]
    paths = {member.path for member in left_out}
    yield from (member for member in members if member.path not in paths)


def is_part(importer: importers.Importer) -> bool:
    """Whether it opens what belongs into a recording (a picture, a mesh) rather than being one."""
    from rrbridge.formats._contents import ContentImporter
    from rrbridge.formats.picture_folders import PictureFolderImporter
    from rrbridge.formats.robots import RobotImporter

    return isinstance(importer, ContentImporter | PictureFolderImporter | RobotImporter)
