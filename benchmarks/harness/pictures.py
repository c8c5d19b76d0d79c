"""Pictures for cases whose work depends on what they show: drawn by formula, the same on every machine's every run."""

from dataclasses import dataclass

import torch

FOREGROUND, UNKNOWN, BACKGROUND = 1.0, 0.5, 0.0


@dataclass(frozen=True)
class Scene:
    """A lobed blob with a strandy edge before a background; both of smooth gradients, fine texture and sensor noise."""

    picture: torch.Tensor
    """float32 ``[H,W,3]``, values k/255, as a loaded file's are."""
    alpha: torch.Tensor
    """float32 ``[H,W]``: what the picture was put together with."""
    depth: torch.Tensor
    """float32 ``[H,W]``: how far inside the blob's outline a pixel lies, in picture heights; negative outside."""

    def mask(self) -> torch.Tensor:
        """Returns the blob as a network would give it: uint8, 0 and 255."""
        return (self.alpha > 0.5).to(torch.uint8) * 255

    def trimap(self, unknown: float) -> torch.Tensor:
        """Returns a float32 trimap, unknown in a band along the outline that takes that share of the picture."""
        distance = self.depth.abs()
        reach = distance.flatten().kthvalue(round(unknown * distance.numel())).values
        known = torch.where(self.depth > 0, FOREGROUND, BACKGROUND)
        return torch.where(distance <= reach, UNKNOWN, known)


def _surface(x: torch.Tensor, y: torch.Tensor, low: list[float], high: list[float], turn: float) -> torch.Tensor:
    """Returns a gradient from one colour to the other, with two crossed weaves of about 50 and 130 threads a height."""
    weave = torch.sin(300 * x + 90 * y + turn) + torch.sin(-250 * x + 800 * y + 3 * turn) / 2
    share = 0.5 + 0.4 * torch.sin(2 * x + turn) * torch.cos(3 * y - turn)
    return torch.lerp(torch.tensor(low), torch.tensor(high), (share + 0.08 * weave)[..., None])


def draw(height: int, width: int) -> Scene:
    """Draws the scene; a larger one shows the same things finer, with noise from pixel to pixel as before."""
    generator = torch.Generator().manual_seed(height * width)
    y = ((torch.arange(height) + 0.5) / height - 0.5)[:, None]
    x = (torch.arange(width) + 0.5)[None, :] / height - 0.5 * width / height
    angle = torch.atan2(y, x)
    outline = 0.3 * (1 + 0.12 * torch.sin(5 * angle) + 0.05 * torch.sin(13 * angle + 1))
    depth = outline - torch.hypot(x, y)
    strands = 0.008 * torch.sin(150 * angle + 40 * depth)
    alpha = (0.5 + (depth + strands) / 0.016).clamp(0, 1)
    front = _surface(x, y, [0.55, 0.25, 0.15], [0.95, 0.7, 0.45], 0.3)
    back = _surface(x, y, [0.1, 0.25, 0.4], [0.45, 0.6, 0.55], 1.7)
    noise = 0.01 * torch.randn(height, width, 3, generator=generator)
    picture = torch.lerp(back, front, alpha[..., None]) + noise
    return Scene(picture=(picture.clamp(0, 1) * 255).round() / 255, alpha=alpha, depth=depth)
