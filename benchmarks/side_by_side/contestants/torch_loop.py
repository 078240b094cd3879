"""A custom training loop in PyTorch: data in memory, fused Adam; eager or with a compiled loss, also in bfloat16."""

import math

import torch
from torch.nn import functional

from side_by_side.contestants.torch_networks import decoder, encoder
from side_by_side.referee import contestant


class VAE(torch.nn.Module):
    def __init__(self, task):
        super().__init__()
        self.task = task
        self.encoder = encoder(task)
        self.decoder = decoder(task)

    def forward(self, x):
        """Returns the mean loss of a batch."""
        loc, raw_scale = self.encoder(x).float().chunk(2, dim=-1)
        scale = functional.softplus(raw_scale) + 1e-5
        if self.task.num_samples == 1:
            logits = self.decoder(loc + scale * torch.randn_like(loc)).float()
            reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
            kl = 0.5 * (scale**2 + loc**2 - 1.0 - 2.0 * scale.log()).sum(-1)
            return (reconstruction + kl).mean()
        noise = torch.randn(self.task.num_samples, *loc.shape)
        z = loc + scale * noise  # [K, B, D]
        logits = self.decoder(z.flatten(0, 1)).float().unflatten(0, z.shape[:2])
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(
            -1
        )
        kl = (0.5 * (z**2 - noise**2) - scale.log()).sum(-1)
        return -(torch.logsumexp(-reconstruction - kl, dim=0) - math.log(self.task.num_samples)).mean()


def run(task, x, referee, options):
    referee.starts()
    torch.manual_seed(0)
    model = VAE(task)
    optimizer = torch.optim.Adam(model.parameters(), lr=task.learning_rate, fused=True)
    loss_of = torch.compile(model) if options["compile"] else model
    x = torch.from_numpy(x)
    steps = task.num_examples // task.batch_size
    while True:
        total = torch.zeros(())
        for indices in torch.randperm(task.num_examples).split(task.batch_size):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled="dtype" in options):
                loss = loss_of(x[indices])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        referee.epoch_ended(total.item() / steps)


if __name__ == "__main__":
    contestant(run)
