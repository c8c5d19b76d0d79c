"""Which files are cut, and where each cut-out goes.

A file's cut-out lies beside it (photo.jpg -> photo.cut.png), a folder's in a folder beside that (photos -> photos.cut),
in the same tree; an output folder takes both. No cut-out takes the place of a picture that is to be cut, or of another
cut-out, and none leaves its output folder.
"""

import contextlib
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..pictures import PictureError, read
from ..pictures.write import ENDINGS, Format, format_of
from ..video import is_video
from ..video.formats import VIDEO_ENDINGS, VideoFormat

CUT = ".cut"


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
        return [Job(None, None if output in (None, "-") else _file(Path(output), format))]
    if output == "-":
        sources = [source for given in inputs for source, _ in _meant(given, None)]
        if len(sources) != 1:
            raise PlanError(f"the standard output takes one picture; found {len(sources)} of them")
        if is_video(sources[0]):
            raise PlanError(f"{sources[0]} is a video, which the standard output does not take; give --output FILE")
        return [Job(sources[0], None)]
    if output is not None and _is_file(inputs, Path(output)):
        target = Path(output) if is_video(Path(inputs[0])) else _file(Path(output), format)
        jobs = [Job(Path(inputs[0]), target)]
    else:
        folder = Path(output) if output else None
        if folder and folder.exists() and not folder.is_dir():
            raise PlanError(f"{folder} is a file; wanted a folder for the cut-outs, or a name that ends in .png")
        jobs = list(_jobs(inputs, folder, ENDINGS[format], VIDEO_ENDINGS[video]))
    jobs = list(dict.fromkeys(jobs))
    _refuse_collisions(jobs)
    return jobs


def _is_file(inputs: Sequence[str], output: Path) -> bool:
    """Says whether an output is the name of the one cut-out, not of a folder."""
    one = len(inputs) == 1 and Path(inputs[0]).is_file()
    if one and is_video(Path(inputs[0])):
        return output.suffix.lower() in VIDEO_ENDINGS.values() and not output.is_dir()
    return one and output.suffix.lower() in (*ENDINGS.values(), ".tiff") and not output.is_dir()


def _file(output: Path, format: Format) -> Path:
    ending = output.suffix.lower().replace(".tiff", ".tif")
    if ending != ENDINGS[format]:
        raise PlanError(f"the output is {output} and the format {format}; give a name that ends in {ENDINGS[format]}")
    return output


def _jobs(inputs: Sequence[str], output: Path | None, of_pictures: str, of_videos: str) -> Iterator[Job]:
    for given in inputs:
        folder = Path(given)
        for source, base in _meant(given, output):
            ending = of_videos if is_video(source) else of_pictures
            if output is not None:
                root = output
            elif base is not None and folder.is_dir():
                root = folder.absolute().with_name(folder.absolute().name + CUT)
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
        found = [(Path(name), base) for name in names if os.path.isfile(name) and not _is_cut_out(Path(name))]
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
            if name[0] != "." and picture.suffix.lower() in read.ENDINGS and not _is_cut_out(picture):
                yield picture


def _is_cut_out(path: Path) -> bool:
    """Says whether a file's name is one that cut-outs get; they are cut again only where they are named."""
    return path.stem.endswith(CUT)


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
        target = folder / job.target.name
        if target in sources or job.target.resolve() in sources:
            raise PlanError(f"{job.target} would take the place of a picture that is to be cut; give another --output")
        other = targets.setdefault(target, job)
        if other.source != job.source:
            both = f"{other.source} and {job.source} would both become {job.target}"
            raise PlanError(f"{both}; rename one, or cut them in two runs with an --output each")
