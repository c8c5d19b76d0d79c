"""What goes wrong with weights, in one sentence: what was found, what was wanted, what to do."""


class WeightsError(ValueError):
    """Weights that cannot be read, fetched or written. The message is for the user as it stands."""
