"""The student of `kdm distill` in PyTorch: the same network, names and objective."""
import json
import pathlib
import struct

import torch
import torch.nn.functional as F
from torch import nn


class Swish(nn.Module):
    """x sigmoid(x) as the published recipe writes it: two operations, of which autograd keeps both operands."""

    def forward(self, x):
        return x * torch.sigmoid(x)


def network(inputs, hidden, outputs, depth, act):
    """Dense layers with `act` after each; named 0, 1, ... without gaps for the activations, as kdm names them."""
    net = nn.Module()
    net.act = act
    net.depth = depth
    for k in range(depth):
        net.add_module(str(k), nn.Linear(inputs if k == 0 else hidden, outputs if k == depth - 1 else hidden))
    return net


def run(net, x):
    for k in range(net.depth):
        x = net.act(getattr(net, str(k))(x))
    return x


class Student(nn.Module):
    def __init__(self, noise=2, data=2, hidden=256, latent=256, depth=5, act=None):
        super().__init__()
        act = act or F.silu
        self.encoder_noise = network(noise, hidden, latent, depth, act)
        self.encoder_data = network(data, hidden, latent, depth, act)
        self.koopman = nn.Linear(latent, latent)
        self.decoder = nn.Module()
        self.decoder.add_module("0", network(latent, hidden, hidden, depth - 1, act))
        self.decoder.add_module("1", nn.Linear(hidden, data))

    def decode(self, z):
        return getattr(self.decoder, "1")(run(getattr(self.decoder, "0"), z))

    def push(self, noise):
        return self.decode(self.koopman(run(self.encoder_noise, noise)))

    def loss(self, noise, data, latent_noise=0.4):
        z0, zT = run(self.encoder_data, data), run(self.encoder_noise, noise)
        pushed = self.koopman(zT + latent_noise * torch.randn_like(zT))
        back = self.decode(z0 + latent_noise * torch.randn_like(z0))
        return F.mse_loss(pushed, z0) + F.mse_loss(back, data)

    def published_loss(self, noise, data, latent_noise=0.4):
        """The published step: two losses by hand, and three more decodings that only its log reads."""
        z0, zT = run(self.encoder_data, data), run(self.encoder_noise, noise)
        noisy_0 = z0 + latent_noise * torch.randn_like(z0)
        noisy_T = zT + latent_noise * torch.randn_like(zT)
        pushed = self.koopman(noisy_T)
        back = self.decode(noisy_0)
        for z in (pushed, noisy_T, pushed):
            self.decode(z)
        return ((pushed - z0) ** 2).mean() + ((back - data) ** 2).mean()


def load(folder, act=None):
    """The student that `kdm distill` left in a folder."""
    folder = pathlib.Path(folder)
    sizes = json.loads((folder / "configuration.json").read_text())["model"]
    student = Student(sizes["noise_dimension"], sizes["data_dimension"], sizes["hidden"], sizes["latent"],
                      sizes["depth"], act)
    raw = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, entry in json.loads(raw[8:8 + length]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            values = torch.frombuffer(bytearray(raw[8 + length + first:8 + length + last]), dtype=torch.float32)
            tensors[name] = values.reshape(entry["shape"])
    student.load_state_dict({name: t.reshape(student.state_dict()[name].shape) for name, t in tensors.items()})
    return student
