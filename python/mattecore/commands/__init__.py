"""The verbs of the command line, one module each, named as the verb.

A verb's module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(arguments) -> exit status``, and loads
torch no sooner than ``run``.
"""

VERBS = ("cut", "compare", "bench", "doctor", "weights")
