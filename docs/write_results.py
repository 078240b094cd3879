"""Writes docs/results.md from the cards of the released models, and of the models in docs/results, which are too large
for the package, and draws the learning curves of models that miss a target: python docs/write_results.py
"""

import pathlib

from keras_ae.drawing.figure_files import save
from keras_ae.drawing.style import PALETTE, new_figure, plain
from keras_ae.io.json_files import read_json
from keras_ae.recipes import Recipe
from keras_ae.released.preset_catalogue import CARD, FOLDER, names

PAGE = pathlib.Path(__file__).parent / "results.md"
OTHERS = PAGE.with_suffix("")
CURVES = OTHERS / "curves"
_HEAD = """# Results of the released models

`python docs/write_results.py` writes this page from the cards of the presets. Each number was measured on test data by
`keras-ae reproduce NAME`, which trains the model again, measures it in the same way and prints the same table. Settings
were chosen without test data, except where a note says otherwise. A target is the goal of this project, which the
verdict says was reached or missed. A paper is reproduced if our number is at least as good as its number, up to the
tolerance of the recipe in `keras_ae/recipes/NAME.json`. The interval is over test examples for one seed, and over seeds
for several. A `floor` is the same measurement on real images: the error of the measurement itself. A `guess` is the
error without an image. Where no paper is named, no published number with the same protocol is known.
"""


_MISSING = """## Not reproduced yet

The table of [Pythae](https://github.com/clementchadebec/benchmark_VAE) has 14 rows. `vae_mnist`, `iwae_mnist`,
`miwae_mnist`, `piwae_mnist`, `vamp_prior_mnist`, `spherical_vae_mnist`, `rae_l2_mnist` and `rae_gp_mnist` above are
eight of them. CIWAE has no recipe yet. Three have data that recipes cannot load without a download: WAE and the
adversarial autoencoder on CelebA, and beta-TCVAE on dSprites. The Poincare VAE and the Hamiltonian VAE are not in the
zoo. The ladder VAE, VQ-VAE and JointVAE have no recipe either.
"""


def page():
    """The text of docs/results.md."""
    return "\n".join([_HEAD, *(_section(name, card) for name, card in cards().items()), _MISSING])


def cards():
    """{name: card}: the presets, then the models that are too large for the package."""
    found = {name: read_json(FOLDER / name / CARD) for name in names()}
    return found | {path.stem: read_json(path) for path in sorted(OTHERS.glob("*.json"))}


def _section(name, card):
    lines = [f"## `{name}`", "", f"{card['summary']}. {_training(card)}", ""]
    lines += ["| Measurement | Ours | 95% interval | Target | Paper | Verdict |", "|---|---|---|---|---|---|"]
    lines += [_line(key, row) for key, row in card["metrics"].items()]
    protocols = dict.fromkeys(row["protocol"] for row in card["metrics"].values() if row.get("protocol"))
    sources = dict.fromkeys(row["source"] for row in card["metrics"].values() if row.get("source"))
    notes = dict.fromkeys(claim.note for claim in Recipe.open(name).claims if claim.note)
    lines += ["", f"Protocol: {'; '.join(protocols)}.", *(f"Paper: {source}." for source in sources)]
    lines += [f"Note: {note}." for note in notes]
    if history(name, card) is not None:
        lines += ["", f"![Loss of training by epoch](results/curves/{name}.png)"]
    if name not in names():
        return "\n".join([*lines, "", f"Not in the package: `keras-ae reproduce {name}` trains it.", ""])
    lines += ["", _files(card), ""]
    if "samples.png" in card["files"]:
        lines += [f"![Samples](../keras_ae/released/models/{name}/samples.png)", ""]
    return "\n".join(lines)


def history(name, card):
    """The file with the losses of each epoch, for a model that misses a target; `None` if there is none."""
    places = (FOLDER / name / "history.json", CURVES / f"{name}.json")
    missed = any("missed" in row["verdict"] for row in card["metrics"].values())
    return next((path for path in places if path.is_file()), None) if missed else None


def draw(path, target):
    """Draws the losses of each epoch."""
    losses = read_json(path)["loss"]
    figure = new_figure(4.5, 2.0)
    axes = plain(figure.subplots(), "epoch", "loss in nats")
    axes.semilogx(range(1, len(losses) + 1), losses, color=PALETTE[0], linewidth=1.5)
    axes.set_ylim(min(losses) - 1.0, sorted(losses)[-1 - len(losses) // 50] + 1.0)  # without the first epochs
    save(figure, target)


def _training(card):
    training, data = card["training"], card["data"]
    binarized = ", pixels binarized anew in each epoch" if data.get("binarize") else ""
    labels = f", of which {data['known_labels']} have labels" if data.get("known_labels") else ""
    if data.get("known_copies"):
        labels += f" and appear {1 + data['known_copies']} times each"
    return (
        f"Trained on {data['dataset']}, {data['split']}{labels}{binarized}: {training['epochs']} epochs in "
        f"{training['seconds'] / 60:.1f} minutes on a shared machine with 2 cores."
    )


def _line(key, row):
    if row["ours"] is None:
        ours, interval = "", ""
    else:
        ours = f"{row['ours']:.4g}{'' if row['unit'] in ('', 'fraction') else ' ' + row['unit']}"
        interval = " to ".join(f"{end:.4g}" for end in row["interval"] or ())
    target, paper = ("" if row[name] is None else f"{row[name]:.4g}" for name in ("target", "paper"))
    return f"| {key} | {ours} | {interval} | {target} | {paper} | {row['verdict']} |"


def _files(card):
    precision, exports = card["precision"], card["exports"]
    sizes = "".join(
        f" `{name}`: {each['bytes'] / 1e6:.2f} MB, {each['decode_us']:.0f} us a decode, error at most "
        f"{each['max']:.1g}."
        for name, each in exports.items()
    )
    return (
        f"{card['model']['parameters']:,} weights in float16. The {precision['protocol']}: "
        f"{precision['float32']:.3f} with float32, {precision['float16']:.3f} with float16, standard error "
        f"{precision['standard error']:.3f}.{sizes}"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    for name, card in cards().items():
        if (path := history(name, card)) is not None:
            draw(path, CURVES / f"{name}.png")
    print(PAGE)
