"""What is made of the figures of the inference benchmark: ratios, verdicts, tables and the picture."""

import pytest
import report
from decoding import results, tables
from decoding.picture import picture


def part(name, *medians, kilobytes=800, error=1e-7):
    rounds = [{"p50": float(time), "p99": 3.0 * time, "calls": 100} for time in medians]
    return {"name": name, "bytes": 1000 * kilobytes, "error": error, "rounds": rounds}


@pytest.fixture
def figures():
    """Results as the command writes them, with times by hand."""
    single = [
        part("litert-none-1", 10, 12, 40),  # a round in which the machine was busy
        part("litert-int8-1", 5, 6, 20, kilobytes=230, error=2e-3),
        part("onnx-1", 20, 18, 80),
        part("saved-model", 200, 240, 480, kilobytes=2000),
        part("decode", 300, 310, 900, kilobytes=1600),
        part("predict", 50_000, 60_000, 90_000, kilobytes=1600),
    ]
    many = [
        part("litert-none-1", 1000, 1000, 1000),
        part("saved-model", 900, 1100, 1000),
        part("decode", 1900, 1900, 1),
    ]
    machine = {"architecture": "x86_64", "processor": "some processor", "instructions": ["avx2"], "cores": 2}
    model = {
        "class": "ConditionalVAE",
        "latent_dim": 8,
        "classes": 10,
        "widths": [18, 200, 784],
        "parameters": 161_384,
    }
    return {
        "rounds": 3,
        "quick": False,
        "seed": 0,
        "weights": None,
        "model": model,
        "machine": machine,
        "load": 0.1,
        "versions": {"python": "3.11", "keras": "3"},
        "left_out": [{"label": "TensorFlow C API", "reason": "there is no C compiler, gcc"}],
        "cases": [{"rows": 1, "contestants": single}, {"rows": 256, "contestants": many}],
    }


def test_ratios_are_paired_by_rounds(figures):
    # 20/10, 18/12 and 80/40: a busy round does not count, since both were slow in it.
    assert results.ratio(figures, 1, "onnx-1") == pytest.approx(2.0)
    assert results.ratio(figures, 256, "saved-model") == pytest.approx(1.0)
    assert results.ratio(figures, 256, "onnx-1") is None


def test_targets_are_judged(figures):
    fastest, server, one, many, share, size = results.judge(figures)
    assert (
        fastest.reached and "2.00 x as fast as the fastest that is not LiteRT (ONNX Runtime, 1 thread)" in fastest.text
    )
    assert server.reached and "20.0 x" in server.text  # 200/10, 240/12 and 480/40
    assert one.reached and one.text == "model.decode of one code takes 310 us"
    assert not many.reached and (many.text, many.target) == (
        "model.decode of 256 codes takes 1,900 us",
        "at most 1,800 us",
    )
    assert share.reached and "0.287" in share.text  # 230/800: 0.2875, as Python rounds it
    assert size.reached and "230 kB" in size.text


def test_targets_are_missed(figures):
    litert, small, onnx, _, decode, _ = figures["cases"][0]["contestants"]
    decode["rounds"] = [{**row, "p50": 401.0} for row in decode["rounds"]]
    litert["rounds"] = [{**row, "p50": 25.0} for row in litert["rounds"]]
    onnx["rounds"] = [{**row, "p50": 24.0} for row in onnx["rounds"]]
    small["bytes"] = 260_000
    assert [verdict.reached for verdict in results.judge(figures)] == 6 * [False]


def test_targets_are_not_judged_where_a_contestant_is_missing(figures):
    for case in figures["cases"]:
        case["contestants"] = case["contestants"][:1]
    assert results.judge(figures) == []


def test_small_decoders_have_no_share_to_reach(figures):
    figures["cases"][0]["contestants"][0]["bytes"] = 400_000
    assert not any("of the bytes" in verdict.text for verdict in results.judge(figures))


def test_markdown_has_protocol_tables_and_targets(figures):
    text = tables.markdown(figures, "images/inference.png")
    assert "untrained weights (the speed does not depend on them). Codes of seed 0; 3 rounds" in text
    assert "2 cores of some processor (x86_64: avx2), no GPU. python 3.11, keras 3." in text
    assert "](images/inference.png)" in text
    assert "| LiteRT fp32, 1 thread | 12.0 | 36.0 |  | 800 | 1e-07 |" in text
    assert "| SavedModel signature | 240 | 720 | 20.0 | 2,000 | 1e-07 |" in text
    assert "- Omitted: TensorFlow C API, because there is no C compiler, gcc." in text
    assert text.count("\n- reached: ") == 5
    figures["quick"], figures["load"] = True, 6.3
    quick = tables.markdown(figures, "images/inference.png")
    assert quick.startswith("**Quick figures without meaning.**") and "reached" not in quick
    assert "no GPU. **The machine was busy, load 6.3.** python 3.11" in quick


def test_a_contestant_may_be_missing_from_a_case(figures):
    single, many = tables.all_tables(figures)
    assert [len(body) for _, body in (single, many)] == [6, 3]


def test_the_picture_has_a_panel_for_each_case_and_one_of_sizes(figures):
    drawn = picture(figures)
    titles = [axes.get_title() for axes in drawn.get_axes()]
    assert titles == ["one picture a call", "256 pictures a call", "size of the loaded files"]
    times, _, sizes = drawn.get_axes()
    fastest = times.get_yticklabels()[-1].get_text()
    assert fastest == "LiteRT int8, 1 thread"
    assert [bar.get_width() for bar in sizes.patches] == [1600, 2000, 800, 230, 800]


def test_the_report_is_put_between_its_markers(figures, tmp_path):
    document = tmp_path / "performance.md"
    document.write_text("# Speed\n<!-- inference -->\nold\n<!-- /inference -->\nend\n")
    report.put_inference(document, figures)
    text = document.read_text()
    assert "old" not in text and text.startswith("# Speed") and text.endswith("end\n")
    assert "| SavedModel signature |" in text
    assert (tmp_path / "images" / "inference.png").stat().st_size > 10_000
