"""A double of comfy.model_management: the interrupt and where results lie."""


class InterruptProcessingException(Exception):  # noqa: N818, ComfyUI's name
    pass


interrupted = False


def throw_exception_if_processing_interrupted():
    if interrupted:
        raise InterruptProcessingException()


def intermediate_device():
    return "cpu"
