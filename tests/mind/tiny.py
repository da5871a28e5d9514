"""A model of Gemma's kind that is small enough to be worked out by hand, and an adapter for it."""

import gguf
import numpy as np
from gguf import quants

TOKENS = ["<pad>", "<eos>", "<bos>", "▁go", "▁table", "桌子", "▁стол", "\n", "go", "dance"]
WIDTH, HEADS, HEAD, INNER, LAYERS, RANK, ALPHA = 32, 3, 8, 64, 6, 4, 8.0
PACKED = {"attn_k": gguf.GGMLQuantizationType.Q5_0, "ffn_up": gguf.GGMLQuantizationType.Q8_0}
"""How some matrices are packed; the others are plain."""
SHAPES = {
    "attn_q": (HEADS * HEAD, WIDTH),
    "attn_k": (HEAD, WIDTH),
    "attn_v": (HEAD, WIDTH),
    "attn_output": (WIDTH, HEADS * HEAD),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}
NORMS = {
    "attn_norm": WIDTH,
    "attn_q_norm": HEAD,
    "attn_k_norm": HEAD,
    "post_attention_norm": WIDTH,
    "ffn_norm": WIDTH,
    "post_ffw_norm": WIDTH,
}


def write_model(path, seed=0):
    """Write a model with random weights."""
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_uint32("gemma3.embedding_length", WIDTH)
    writer.add_array("general.tags", ["a", "b"])
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(i) for i in range(len(TOKENS))])
    writer.add_token_types([3, 3, 3, 1, 1, 1, 1, 4, 1, 1])
    writer.add_tensor("output_norm.weight", 1.0 + 0.1 * _random(rng, WIDTH))
    writer.add_tensor("token_embd.weight", _random(rng, len(TOKENS), WIDTH))
    for layer in range(LAYERS):
        for name, shape in SHAPES.items():
            weights = _random(rng, *shape) / np.float32(np.sqrt(shape[1]))
            if packing := PACKED.get(name):
                packed = quants.quantize(weights, packing)
                writer.add_tensor(f"blk.{layer}.{name}.weight", packed, raw_dtype=packing)
            else:
                writer.add_tensor(f"blk.{layer}.{name}.weight", weights)
        for name, width in NORMS.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", 1.0 + 0.1 * _random(rng, width))
    return _finished(writer, path)


def write_adapter(path, names=("blk.0.attn_q", "blk.3.ffn_down", "blk.5.attn_v"), width=None):
    """Write an adapter for some matrices."""
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_string("general.type", "adapter")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name in names:
        outputs, inputs = SHAPES[name.split(".")[2]]
        down, up = _random(rng, RANK, width or inputs), _random(rng, outputs, RANK)
        writer.add_tensor(f"{name}.weight.lora_a", (0.1 * down).astype(np.float16))
        writer.add_tensor(f"{name}.weight.lora_b", (0.1 * up).astype(np.float16))
    return _finished(writer, path)


def write_vocabulary(path, kept=(0, 1, 2, 3, 4, 5, 7, 8, 9), n=16):
    """Write which tokens are kept."""
    bits = np.zeros(n, dtype=bool)
    bits[list(kept)] = True
    path.write_bytes(np.packbits(bits).tobytes())
    return path


def _random(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def _finished(writer, path):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
