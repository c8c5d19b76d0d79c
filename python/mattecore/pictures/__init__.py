"""Files and pictures: reading them as they are meant to be seen, and writing what they became. Nothing is cut here.

``read.read`` and ``write.write`` are between files and ``Picture``; only they need Pillow.
"""

from .picture import Picture, PictureError, open_picture

__all__ = ["Picture", "PictureError", "open_picture"]
