"""The CLIP trainer of pmc15m: small, exact, resumable. It knows the exported data and nothing else of `pmc15m/`.

    __main__      the command line: `python -m train run | evaluate | export | soup`
    config        frozen dataclasses; the values live in presets/*.toml
    shards        an exported split as rows: WebDataset tars, Hugging Face Parquet
    order         which row comes when: a stateless function of (seed, epoch, position)
    images        picture bytes in, one uint8 crop out
    tokens        WordPiece: trained on the captions, or read as its makers say; the captions of a run, encoded once
    data          rows, crops and tokens into batches
    towers        timm ViT + transformers BERT under open_clip's parameter names
    loss          symmetric InfoNCE, tiled, fp32 logits, with its own gradient
    step          one optimizer step; GradCache when a micro-batch is asked for
    distributed   the processes that torchrun starts
    loop          the whole run, top to bottom
    files         files that are whole or absent
    checkpoint    weights, optimizer and a readable meta.json, whole or absent
    pretrained    a model to begin from or to judge: a run, a checkpoint, an open_clip folder
    evaluation    the yardsticks: retrieval, zero-shot, probe, VQA; what a run is judged by meanwhile
    soup          checkpoints averaged into one
    export        a model as a folder for open_clip, timm and transformers
    _torchvision  a guard against a torchvision that does not match torch

Nothing here imports torch, timm or transformers before it is needed: `python -m train --help` answers at once.
"""
