"""What every benchmark shares: what a case is, how it is timed and weighed, how the figures are shown."""
