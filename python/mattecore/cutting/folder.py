"""Which files are cut, and where each cut-out goes.

A file's cut-out lies beside it (photo.jpg -> photo.cut.png), a folder's in a folder beside that (photos -> photos.cut),
in the same tree; an output folder takes both. Where that gives several pictures one cut-out, each is named after its
picture's whole name (photo.jpg.cut.png). No cut-out takes the place of a picture that is to be cut, or of another
cut-out, and none leaves its output folder.
"""

import contextlib
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..pictures import PictureError, read
from ..pictures.write import ENDINGS, Format, format_of
from ..video import ENDINGS as ENDINGS_OF_VIDEOS
from ..video import is_video
from ..video.formats import VIDEO_ENDINGS, VideoFormat

CUT = ".cut"
# An output that ends so is meant as a file; the last five are of pictures that are neither read nor written.
_ENDINGS_OF_FILES = read.ENDINGS | ENDINGS_OF_VIDEOS | {".heic", ".heif", ".jxl", ".psd", ".svg"}


class PlanError(ValueError):
    """Inputs and outputs that do not go together. The message is for the user as it stands."""


@dataclass(frozen=True)
class Job:
    """One picture; None is the standard input or output."""

    source: Path | None
    target: Path | None
    root: Path | None = None  # the folder that the target must stay in

    @property
    def name(self) -> str:
        """Returns what messages call the picture."""
        return str(self.source) if self.source else "the standard input"

    @property
    def is_video(self) -> bool:
        """Says whether it is a video; the standard input is none."""
        return self.source is not None and is_video(self.source)


def format_for(output: str | None, format: Format | None) -> Format:
    """Returns the format that was asked for, or that the output's ending stands for, else png."""
    if format is None and output is not None:
        with contextlib.suppress(PictureError):
            return format_of(Path(output))
    return format or "png"


def plan(inputs: Sequence[str], output: str | None, format: Format, video: VideoFormat = "prores") -> list[Job]:
    """Returns a job for every picture that ``inputs`` mean: files, folders, globs, or "-" alone.

    ``output`` is a folder, a file for one picture alone, or "-". Videos are cut where a file or a glob names them.
    Raises PlanError, one sentence.
    """
    if "-" in inputs:
        if len(inputs) > 1:
            raise PlanError(f"- is the standard input and stands alone; found {len(inputs)} inputs")
        return [Job(None, None if output in (None, "-") else _picture(Path(output), format))]
    if output == "-":
        source = _only(inputs, "the standard output")
        if is_video(source):
            raise PlanError(f"{source} is a video, which the standard output does not take; give --output FILE")
        return [Job(source, None)]
    folder = Path(output) if output else None
    if folder and folder.suffix.lower() in _ENDINGS_OF_FILES and not folder.is_dir():
        source = _only(inputs, f"the file {folder}")
        jobs = [Job(source, _video(folder, video) if is_video(source) else _picture(folder, format))]
    else:
        if folder and folder.exists() and not folder.is_dir():
            raise PlanError(f"{folder} is a file; wanted a folder for the cut-outs, or a name that ends in .png")
        jobs = _told_apart(_jobs(inputs, folder, ENDINGS[format], VIDEO_ENDINGS[video]))
    _refuse_collisions(jobs)
    return jobs


def _only(inputs: Sequence[str], output: str) -> Path:
    """Returns the one picture that the inputs mean."""
    sources = {_place(source): source for given in inputs for source, _ in _meant(given, None)}
    if len(sources) != 1:
        raise PlanError(f"{output} takes one picture; found {len(sources)} of them; give a folder with --output")
    return next(iter(sources.values()))


def _picture(output: Path, format: Format) -> Path:
    ending = output.suffix.lower().replace(".tiff", ".tif")
    if ending not in ENDINGS.values():
        raise PlanError(f"the output is {output}, and pictures become .png, .webp or .tif; give a name that ends so")
    if ending != ENDINGS[format]:
        raise PlanError(f"the output is {output} and the format {format}; give a name that ends in {ENDINGS[format]}")
    return output


def _video(output: Path, format: VideoFormat) -> Path:
    ending, wanted = output.suffix.lower(), VIDEO_ENDINGS[format]
    if ending not in VIDEO_ENDINGS.values():
        raise PlanError(f"the output is {output}, and videos become .mov, .webm or .mp4; give a name that ends so")
    if ending != wanted:
        name = f"name that ends in {wanted}" if wanted else "folder"
        raise PlanError(f"the output is {output} and the format {format}; give a {name}")
    return output


def _told_apart(jobs: Iterable[Job]) -> list[Job]:
    """Returns each job once, and with whole names where pictures of different names would share a cut-out.

    Not so where that is one of the pictures: what was cut into their own folder would be cut again.
    """
    sharing: dict[Path, dict[Path, Job]] = {}
    for job in jobs:
        assert job.source is not None
        assert job.target is not None
        sharing.setdefault(_place(job.target), {}).setdefault(_place(job.source), job)
    sources = {source for alike in sharing.values() for source in alike}
    apart: list[Job] = []
    for target, alike in sharing.items():
        several = len({source.name for source in alike}) > 1 and target not in sources
        apart += map(_with_whole_name, alike.values()) if several else alike.values()
    return apart


def _with_whole_name(job: Job) -> Job:
    assert job.source is not None
    assert job.target is not None
    return replace(job, target=job.target.with_name(job.source.name + job.target.name.removeprefix(job.source.stem)))


def _place(path: Path) -> Path:
    """Returns a file's one path, however it was spelled; it may be a link itself."""
    return path.parent.resolve() / path.name


def _jobs(inputs: Sequence[str], output: Path | None, of_pictures: str, of_videos: str) -> Iterator[Job]:
    for given in inputs:
        folder = Path(given)
        for source, base in _meant(given, output):
            ending = of_videos if is_video(source) else of_pictures
            if output is not None:
                root = output
            elif base is not None and folder.is_dir():
                named = folder.resolve() if folder.name == ".." else folder.absolute()
                if not named.name:
                    raise PlanError(f"{named} has no name to give the cut-outs' folder; give one with --output")
                root = named.with_name(named.name + CUT)
                root = Path(os.path.relpath(root)) if not folder.is_absolute() else root
            else:
                yield Job(source, source.with_name(source.stem + CUT + ending))
                continue
            below = Path(source.name) if base is None else Path(os.path.relpath(source, base))
            if ".." in below.parts:
                raise PlanError(f"{source} does not lie below {base}, so its cut-out would leave {root}; name it alone")
            yield Job(source, root / below.with_suffix(ending), root)


def _meant(given: str, output: Path | None) -> Iterator[tuple[Path, Path | None]]:
    """Yields the pictures that one input means, each with the folder whose tree is mirrored."""
    path = Path(given)
    found: list[tuple[Path, Path | None]]
    if path.is_dir():
        found = [(picture, path) for picture in _below(path, output)]
        nothing = f"there are no pictures in the folder {given}"
    elif path.exists():
        found, nothing = [(path, None)], ""
    elif glob.has_magic(given):
        names = sorted(glob.glob(given, recursive=True))
        base = _fixed_part(given)
        found = [(Path(name), base) for name in names if os.path.isfile(name) and not _is_cut_out(Path(name), base)]
        nothing = f"{given} fits no file"
    else:
        found, nothing = [], f"there is no file or folder {given}"
    if not found:
        raise PlanError(nothing)
    yield from found


def _below(folder: Path, output: Path | None) -> Iterator[Path]:
    """Yields the pictures in a folder and below, in the order of their names; links to folders are not followed."""
    leave_out = output.resolve() if output else None
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != "." and Path(here, name).resolve() != leave_out)
        for name in sorted(names):
            picture = Path(here, name)
            if name[0] != "." and picture.suffix.lower() in read.ENDINGS and not _is_cut_out(picture, folder):
                yield picture


def _is_cut_out(path: Path, base: Path) -> bool:
    """Says whether a file or a folder around it, below the base, is named as cut-outs are, which are not cut again."""
    folders = path.parts[len(base.parts) : -1]
    return path.stem.endswith(CUT) or any(folder.endswith(CUT) for folder in folders)


def _fixed_part(pattern: str) -> Path:
    """Returns the folder in front of a glob's first wildcard."""
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def refuse_existing(jobs: Sequence[Job]) -> None:
    """Raises PlanError where a cut-out is there already."""
    there = [str(job.target) for job in jobs if job.target and job.target.exists()]
    if there:
        what = f"{there[0]} is" if len(there) == 1 else f"{there[0]} and {len(there) - 1} others are"
        raise PlanError(f"{what} there already; --resume leaves out what is there, --overwrite makes it anew")


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve(): job.source for job in jobs if job.source}
    targets: dict[Path, Job] = {}
    for job in jobs:
        assert job.target is not None
        folder = job.target.parent.resolve()
        if job.root and not folder.is_relative_to(job.root.resolve()):
            raise PlanError(f"{job.target} lies in {folder}, outside of {job.root}; take the link out of the way")
        target = _place(job.target)
        if target in sources or job.target.resolve() in sources:
            raise PlanError(f"{job.target} would take the place of a picture that is to be cut; give another --output")
        other = targets.setdefault(target, job)
        if other is not job:
            both = f"{other.source} and {job.source} would both become {job.target}"
            raise PlanError(f"{both}; rename one, or cut them in two runs with an --output each")
