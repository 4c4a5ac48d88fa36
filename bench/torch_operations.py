"""The work of bench/operations with PyTorch: python bench/torch_operations.py [threads] [rounds] [rows...]"""
import os
import sys
import time

import torch
from torch.nn import functional as F

SQUARE, LONG_ROWS, LARGE = (4096, 4096), (4096, 1000), (16 << 20,)


def both_ways(inputs, f):
    for x in inputs:
        x.requires_grad_()
    g = torch.ones_like(f())
    return lambda: torch.autograd.grad(f(), inputs, g)


def plain(f, *shapes):
    def make():
        inputs = [torch.randn(shape) for shape in shapes]
        return lambda: f(*inputs)
    return make


def embedding():
    table, index = torch.randn(50000, 256), torch.randint(0, 50000, (64, 512))
    return lambda: F.embedding(index, table)


def product_bf16():
    x = torch.randn(512, 512).bfloat16()
    return lambda: x @ x


def norm(backward):
    def make():
        x, w, b = torch.randn(LONG_ROWS), torch.ones(1000), torch.zeros(1000)
        f = lambda: F.layer_norm(x, (1000,), w, b)
        return both_ways([x, w, b], f) if backward else f
    return make


def attention(batch, length, backward):
    def make():
        q, k, v = (torch.randn(batch, 8, length, 32) for _ in range(3))
        f = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return both_ways([q, k, v], f) if backward else f
    return make


OPERATIONS = {
    "copy": plain(torch.clone, LONG_ROWS),
    "relu": plain(torch.relu, LARGE),
    "gelu": plain(F.gelu, LARGE),
    "tanh": plain(torch.tanh, LARGE),
    "exp": plain(torch.exp, LARGE),
    "add-row": plain(torch.add, SQUARE, (4096,)),
    "embedding": embedding,
    "layer-norm": norm(False),
    "layer-norm-both": norm(True),
    "sort": plain(torch.sort, (1 << 20,)),
    "sort-rows": plain(torch.sort, LONG_ROWS),
    "transpose": plain(lambda x: x.t().contiguous(), SQUARE),
    "sum-0": plain(lambda x: x.sum(0), SQUARE),
    "cumsum-rows": plain(lambda x: x.cumsum(1), LONG_ROWS),
    "cumsum-columns": plain(lambda x: x.cumsum(0), LONG_ROWS),
    "product-256": plain(lambda x: x @ x, (256, 256)),
    "product-512": plain(lambda x: x @ x, (512, 512)),
    "product-512-bf16": product_bf16,
    "attention-128": attention(16, 128, False),
    "attention-128-both": attention(16, 128, True),
    "attention-1024": attention(2, 1024, False),
    "attention-1024-both": attention(2, 1024, True),
}


def main():
    clock = time.process_time if "BENCH_CPU_TIME" in os.environ else time.perf_counter
    threads, rounds = (int(text) for text in (sys.argv[1:3] + ["1", "9"][len(sys.argv[1:3]):]))
    torch.set_num_threads(threads)
    for name, make in OPERATIONS.items():
        if sys.argv[3:] and name not in sys.argv[3:]:
            continue
        torch.manual_seed(1)
        run = make()
        times = []
        for _ in range(rounds + 1):
            start = clock()
            run()
            times.append(clock() - start)
        print(f"{name} pytorch {threads} {1e3 * min(times[1:]):.6g} ms", flush=True)


main()
