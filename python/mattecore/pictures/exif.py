"""What EXIF says of the taking of a picture, and nothing that may show it.

Of a TIFF, Pillow's EXIF is every tag of the file, with Photoshop's layers among them; thumbnails and makers' notes show
the whole picture too. What was cut away must not come along, so that only what is known to be harmless is kept.
"""

from PIL import Image

SOFTWARE = 0x0131
# Description, make, model, software, date, artist, copyright.
_TEXTS = (0x010E, 0x010F, 0x0110, SOFTWARE, 0x0132, 0x013B, 0x8298)
# A maker's notes; the width and height as it was taken, which a rotation or a crop makes wrong; a directory's offset.
_DROPPED = frozenset((0x927C, 0xA002, 0xA003, 0xA005))
_EXPOSURE = (0x829A, 0x829D, *range(0x8822, 0x8836), *range(0x9000, 0x9293), *range(0x9400, 0x9407))
_KEPT = {
    0x8769: frozenset((*_EXPOSURE, *range(0xA000, 0xA501))) - _DROPPED,
    0x8825: frozenset(range(32)),  # GPS
}


def of_taking(exif: Image.Exif) -> bytes | None:
    """Returns what EXIF says of the taking, None where that is nothing; ``exif`` stays as it is."""
    kept = Image.Exif()
    kept.endian = exif.endian  # that of the values that Pillow does not look into
    kept.update(texts(exif))
    for directory, known in _KEPT.items():
        found = {tag: value for tag, value in exif.get_ifd(directory).items() if tag in known}
        if found:
            kept[directory] = found
    return kept.tobytes() if len(kept) else None


def texts(exif: Image.Exif) -> dict[int, bytes]:
    """Returns the texts by tag, in the bytes of the file: Pillow reads them as Latin-1, and would write ASCII alone."""
    found = {tag: exif.get(tag) for tag in _TEXTS}
    return {tag: text.encode("latin-1", "replace") for tag, text in found.items() if isinstance(text, str)}
