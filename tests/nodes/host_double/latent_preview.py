"""A double of latent_preview: counts steps as ComfyUI's progress bar does."""

bars: list[list[int]] = []


def prepare_callback(model, steps, x0_output_dict=None):
    bar = [0, steps]
    bars.append(bar)

    def callback(step, x0, x, total_steps):
        x0_output_dict["x0"] = x0
        bar[0] = step + 1

    return callback
