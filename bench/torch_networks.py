"""The work of bench/networks with PyTorch: python bench/torch_networks.py [threads] [steps] [rows...]"""
import os
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, length, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, tokens=1000, width=256, length=128):
        super().__init__()
        self.embedding, self.position = nn.Embedding(tokens, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*[Block(width, 8) for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tokens)

    def forward(self, text):
        return self.head(self.norm(self.blocks(self.embedding(text) + self.position.weight))).flatten(0, 1)


class ResidualBlock(nn.Module):
    def __init__(self, wide, out, stride):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(wide, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True),
            nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        self.past = nn.Identity() if wide == out else nn.Sequential(
            nn.Conv2d(wide, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.branch(x) + self.past(x), inplace=True)


def residual_network():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    wide = 64
    for out in (64, 128, 256, 512):
        layers += [ResidualBlock(wide, out, 1 if wide == out else 2), ResidualBlock(out, out, 1)]
        wide = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def depthwise_network():
    layers = []

    def convolution(wide, out, kernel, stride, groups):
        layers.extend([nn.Conv2d(wide, out, kernel, stride, kernel // 2, groups=groups, bias=False),
                       nn.BatchNorm2d(out), nn.ReLU(inplace=True)])

    convolution(3, 32, 3, 2, 1)
    wide = 32
    for out in (64, 128, 128, 256, 256, 512, 512, 512, 1024, 1024):
        convolution(wide, wide, 3, 2 if out > wide > 32 else 1, wide)
        convolution(wide, out, 1, 1, 1)
        wide = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 10))


def digits_network():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(64, 128, num_layers=2), nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][-1])


def training(model, optimizer, x, y, casts=False):
    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=casts):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return step


def inference(model, x):
    model.eval()

    def step():
        with torch.no_grad():
            model(x)
    return step


def transformer(batch, length, casts=False):
    model = Transformer(length=length)
    return training(model, torch.optim.AdamW(model.parameters()), torch.randint(0, 1000, (batch, length)),
                    torch.randint(0, 1000, (batch * length,)), casts)


def images(model, batch, side):
    return training(model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
                    torch.randn(batch, 3, side, side), torch.randint(0, 10, (batch,)))


def recurrent():
    model = Recurrent()
    return training(model, torch.optim.Adam(model.parameters()), torch.randn(100, 32, 64),
                    torch.randint(0, 10, (32,)))


ROWS = {
    "B1": lambda: transformer(16, 128),
    "B1-bf16": lambda: transformer(16, 128, True),
    "B2": lambda: images(residual_network(), 32, 32),
    "B3": recurrent,
    "B4": lambda: transformer(2, 1024),
    "B5": lambda: images(depthwise_network(), 16, 64),
    "B6-W4": lambda: inference(digits_network(), torch.randn(1, 1, 28, 28)),
    "B6-B2": lambda: inference(residual_network(), torch.randn(1, 3, 32, 32)),
}


def main():
    clock = time.process_time if "BENCH_CPU_TIME" in os.environ else time.perf_counter
    threads, steps = (int(text) for text in (sys.argv[1:3] + ["1", "5"][len(sys.argv[1:3]):]))
    torch.set_num_threads(threads)
    for name, make in ROWS.items():
        if sys.argv[3:] and name not in sys.argv[3:]:
            continue
        torch.manual_seed(1)
        step = make()
        times = []
        for _ in range(steps + 1):
            start = clock()
            step()
            times.append(clock() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name} pytorch {threads} {1e3 * min(times[1:]):.6g} ms")
        print(f"{name}-peak pytorch {threads} {peak:.6g} MB", flush=True)


main()
