"""The nodes as ComfyUI sees them: one family a file, a schema and one call each."""
