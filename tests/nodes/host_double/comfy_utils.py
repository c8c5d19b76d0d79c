"""A double of comfy.utils."""

PROGRESS_BAR_ENABLED = True
