"""What is made of the figures of the training benchmark: medians, ratios, verdicts, tables and the picture."""

import dataclasses

import pytest
import report
from side_by_side import results, tables, targets
from side_by_side.picture import picture
from side_by_side.profile_table import profile_markdown
from side_by_side.task import Task


def part(name, *speeds, first=3.0, loss=100.0):
    rounds = [{"examples_per_second": float(speed), "seconds": 1.0, "loss": loss} for speed in speeds]
    return {"name": name, "first_epoch_seconds": first, "loss": loss, "rounds": rounds}


@pytest.fixture
def figures():
    """Results as the command writes them, with speeds by hand."""
    mlp = [
        part("keras_ae", 40_000, 44_000, 20_000),  # a round in which the machine was busy
        part("keras", 20_000, 22_000, 10_000),
        part("keras-jit", 25_000, 22_000, 10_000),
        part("xla-loop", 50_000, 44_000, 25_000),
        part("torch", 30_000, 33_000, 15_000),
        part("torch-compile", 40_000, 40_000, 20_000),
        part("pythae", 10_000, 11_000, 5_000),
    ]
    large = Task("mlp-512", batch_size=512, num_examples=30_208)
    cases = [as_case("mlp-128", Task("mlp-128"), mlp), as_case("mlp-512", large, mlp[:1])]
    for rows in (5_120, 51_200):
        cases.append(as_case("size", Task(f"size-{rows}", num_examples=rows), mlp[:4:3]))
    machine = {
        "architecture": "x86_64",
        "processor": "some processor",
        "instructions": ["avx2"],
        "cores": 2,
        "memory_gib": 8,
        "gpu": False,
    }
    product = {"library": "numpy", "shape": [8, 8, 8], "gflops": 193.536}
    return {
        "rounds": 3,
        "quick": False,
        "machine": machine,
        "load": 0.1,
        "versions": {"python": "3.11", "keras": "3"},
        "matrix_product": {"best_gflops": 193.536, "measured": [product]},
        "cases": cases,
    }


def as_case(group, task, contestants):
    fields = {**dataclasses.asdict(task), "hidden": list(task.hidden)}
    flop = task.flop_per_example()
    return {"group": group, "task": fields, "flop_per_example": flop, "epochs": {}, "contestants": contestants}


def test_ratios_are_paired_by_rounds(figures):
    # 40/50, 44/44 and 20/25: a busy round does not count, since both were slow in it.
    assert results.ratio(figures, "mlp-128", "xla-loop") == pytest.approx(0.8)
    assert results.ratio(figures, "mlp-128", "pythae") == pytest.approx(4.0)
    assert results.ratio(figures, "mlp-512", "pythae") is None


def test_rows_hold_medians_quartiles_shares_and_compile_times(figures):
    ours, *_, last = results.rows(figures, "mlp-128")
    assert (ours["low"], ours["median"], ours["high"]) == (30_000, 40_000, 42_000)
    assert ours["share"] == pytest.approx(40_000 * 2_419_200 / 193.536e9)  # a half
    assert ours["compile_seconds"] == pytest.approx(3.0 - 29_952 / 40_000)
    assert (last["name"], last["ratio"]) == ("pythae", 4.0)


def test_one_round_has_quartiles_too():
    assert results.quartiles([5.0]) == (5.0, 5.0, 5.0)


def test_targets_are_judged_against_the_fastest_of_those_they_name(figures):
    verdicts = {(row["task"], row["against"]): row for row in targets.judge(figures)}
    assert verdicts["mlp-128", "Keras fit, jit"]["figure"] == pytest.approx(2.0)
    assert verdicts["mlp-128", "Keras fit, jit"]["reached"]
    assert not verdicts["mlp-128", "XLA by hand"]["reached"]
    assert verdicts["mlp-512", "the best matrix product"]["figure"] == pytest.approx(0.5)
    assert not verdicts["mlp-512", "the best matrix product"]["reached"]
    assert not [task for task, _ in verdicts if task == "conv"]  # was not measured


def test_a_target_is_not_judged_where_a_contestant_is_missing(figures):
    figures["cases"][0]["contestants"] = figures["cases"][0]["contestants"][:4]
    judged = [row["against"] for row in targets.judge(figures) if row["task"] == "mlp-128"]
    assert judged == ["Keras fit, jit", "XLA by hand"]


def test_markdown_has_every_table_and_target(figures):
    text = tables.markdown(figures)
    assert "| keras_ae | 40,000 | 30,000 - 42,000 |  | 2.3 | 50% | 100.0 |" in text
    assert "| Pythae | 10,000 | 7,500 - 10,500 | 4.00 |" in text
    assert "| 51,200 | 40,000 | 44,000 | 50% |" in text
    assert "- MISSED: mlp-128, 0.80 x XLA by hand (to reach: 0.95)" in text
    assert "- MISSED: mlp-512, 0.50 of the best matrix product (to reach: 0.75)" in text
    figures["quick"] = True
    assert "MISSED" not in tables.markdown(figures)


def test_the_grid_has_a_table_a_panel_for_each_batch_and_targets(figures):
    contestants = [part("keras_ae", 40_000, 44_000), part("xla-loop", 50_000, 44_000), part("torch", 20_000, 22_000)]
    contestants.append(part("torch-compile", 30_000, 33_000))
    figures["cases"] = [
        as_case(
            "grid", Task(f"grid-{width}-{size}", hidden=[width] * 2, batch_size=size, num_examples=4096), contestants
        )
        for width in (200, 2000)
        for size in (128, 512)
    ]
    text = tables.markdown(figures)
    assert "| width, batch | keras_ae | XLA by hand | PyTorch eager | torch.compile | of the fastest other |" in text
    assert "| 2,000, 128 | 42,000 | 47,000 | 21,000 | 31,500 | 0.90 |" in text
    assert "- MISSED: grid-200-512, 0.90 x XLA by hand (to reach: 1.00)" in text
    titles = [axes.get_title() for part in picture(figures).subfigs for axes in part.axes]
    assert titles == ["examples a second, batch 128", "examples a second, batch 512"]


def test_a_profile_becomes_a_table_for_each_batch_size():
    row = {"median": 2100.4, "fastest": 2000.0, "processors": 4000.0}
    text = profile_markdown({"128": {"fit": {**row, "gflops": 147.4}, "pipeline": row}})
    assert text.splitlines()[0] == "**Batch 128**"
    assert "| fit | 2,100 | 2,000 | 4,000 | 147 |" in text
    assert "| pipeline | 2,100 | 2,000 | 4,000 |  |" in text


def test_a_report_replaces_what_is_between_its_markers():
    text = "a <!-- profile --> old <!-- /profile --> <!-- training --> kept <!-- /training -->"
    new = report.replace(text, "profile", "new")
    assert new == "a <!-- profile -->\n\nnew\n\n<!-- /profile --> <!-- training --> kept <!-- /training -->"
    with pytest.raises(ValueError, match="must have <!-- other --> and then"):
        report.replace(text, "other", "new")


def test_the_picture_has_a_panel_for_each_case_and_curve(figures):
    titles = [axes.get_title() for axes in picture(figures).get_axes()]
    assert titles == ["MLP, batch 128", "MLP, batch 512", "seconds an epoch"]


def test_bfloat16_has_a_table_and_bars_for_each_network(figures):
    contestants = [part("keras_ae", 40_000, 44_000), part("keras_ae-bfloat16", 80_000, 88_000)]
    task = Task("bfloat16-800-512", hidden=[800] * 2, batch_size=512, num_examples=4096)
    figures["cases"] = [as_case("bfloat16", task, contestants)]
    text = tables.markdown(figures)
    assert "**Two hidden layers of 800 units, batch 512**" in text
    assert "| keras_ae, bfloat16 | 84,000 |" in text
    assert [axes.get_title() for part in picture(figures).subfigs for axes in part.axes] == [
        "Two hidden layers of 800 units, batch 512"
    ]


def test_a_target_may_be_for_one_kind_of_processor(figures):
    figures["cases"] = [
        as_case("grid", Task("grid-200-512", batch_size=512, num_examples=4096), [part("keras_ae", 40_000, 44_000)])
    ]
    for processor, least in (("Intel(R) Xeon(R) Processor", 0.6), ("AMD EPYC", 0.75), ("unknown", None)):
        figures["machine"]["processor"] = processor
        rows = [row for row in targets.judge(figures) if row["task"] == "grid-200-512"]
        assert [row["least"] for row in rows] == ([] if least is None else [least])
