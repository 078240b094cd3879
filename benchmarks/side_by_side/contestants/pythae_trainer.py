"""Pythae: its `VAE` or `IWAE` with the networks of the task, trained by its `BaseTrainer`.

Evaluation, checkpoints, predictions, worker processes, the log and the progress bar (with `TQDM_DISABLE`) are off; it
always keeps a copy of the best model. Its encoder returns log variances and its decoder probabilities. The loss of its
IWAE is a weighted sum, at most log k below the bound, with the same gradient.
"""

import logging
import os
import tempfile

os.environ["TQDM_DISABLE"] = "1"

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import IWAE, VAE, IWAEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback

from side_by_side.contestants import torch_networks
from side_by_side.referee import contestant


class Encoder(BaseEncoder):
    def __init__(self, task):
        super().__init__()
        self.network = torch_networks.encoder(task)

    def forward(self, x):
        loc, log_variance = self.network(x).chunk(2, dim=-1)
        return ModelOutput(embedding=loc, log_covariance=log_variance)


class Decoder(BaseDecoder):
    def __init__(self, task):
        super().__init__()
        self.network = torch_networks.decoder(task)

    def forward(self, z):
        return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))


class EpochEnds(TrainingCallback):
    def __init__(self, referee):
        self.referee = referee

    def on_log(self, training_config, logs, **kwargs):
        self.referee.epoch_ended(logs["train_epoch_loss"])


def make_model(task):
    shared = {"input_dim": (784,), "latent_dim": task.latent_dim, "reconstruction_loss": "bce"}
    if task.num_samples == 1:
        return VAE(VAEConfig(**shared), Encoder(task), Decoder(task))
    return IWAE(IWAEConfig(**shared, number_samples=task.num_samples), Encoder(task), Decoder(task))


def run(task, x, referee, options):
    logging.getLogger("pythae").setLevel(logging.ERROR)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("pythae"):
            logging.getLogger(name).setLevel(logging.ERROR)
    data = BaseDataset(torch.from_numpy(x), torch.zeros(len(x)))
    with tempfile.TemporaryDirectory() as folder:
        referee.starts()
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=10**6,
            per_device_train_batch_size=task.batch_size,
            learning_rate=task.learning_rate,
            train_dataloader_num_workers=0,
            steps_saving=None,
            steps_predict=None,
            keep_best_on_train=True,
        )
        torch.manual_seed(0)
        BaseTrainer(make_model(task), data, training_config=config, callbacks=[EpochEnds(referee)]).train()


if __name__ == "__main__":
    contestant(run)
