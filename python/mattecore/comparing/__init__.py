"""Methods side by side on one picture: what ``mattecore compare`` does.

``methods`` says which there are, ``run`` cuts with each, ``zooms`` finds where they differ; ``comparison`` is what a
``page`` and a ``sheet`` show of it.
"""
