import onnx
import pytest
import torch
from conftest import BACKBONE, TABLE, draw_pair
from onnx import helper

from landcover.images.image_files import read_rgb
from landcover.inference.engines import engine_in_words, find_engine
from landcover.inference.int8_graph import check_int8_graph
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.inference.quantisation import quantise
from landcover.models.int8 import Int8
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i in range(3):
        draw_pair(folder, str(i), 64, 96, seed=i)
    return [read_rgb(path) for path in sorted(folder.glob("*_sat.png"))]


def network():
    torch.manual_seed(0)
    network = build(Architecture("fcn1s", BACKBONE), len(TABLE)).eval()
    torch.nn.init.normal_(network.decoder.pixel_score[-1].weight)
    return network


@pytest.fixture(scope="module")
def graph(images):
    return quantise(network(), images, len(TABLE), 1)


@pytest.fixture
def model(graph):
    made = network()
    made.int8 = Int8(graph=graph, windows=3, float_layers=1)
    return Model(made, TABLE, 1.0)


def test_the_same_images_give_the_same_bytes(graph, images):
    assert quantise(network(), images, len(TABLE), 1) == graph


def test_a_saved_model_is_run_by_its_integers_and_its_weights_stay(model, images, tmp_path):
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.int8 == model.int8
    assert engine_in_words(loaded.network, "auto").endswith(", int8")
    assert not engine_in_words(loaded.network, "torch").endswith("int8")
    floats, integers = (
        label_image(loaded, images[0], InferenceOptions(engine=name)) for name in ("torch", "onnxruntime")
    )
    assert 0.9 <= (floats == integers).mean() <= 1


def test_labels_do_not_depend_on_the_number_of_threads(model, images):
    made = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            made.append(label_image(model, images[0], InferenceOptions(engine="onnxruntime", tta="d4")).tobytes())
    finally:
        torch.set_num_threads(1)
    assert made[0] == made[1] == made[2]


def elsewhere(proto):
    proto.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    entry = proto.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def branch(proto):
    proto.graph.node[0].attribute.append(helper.make_attribute("body", helper.make_graph([], "g", [], [])))


def operator(proto):
    proto.graph.node[-1].op_type = "Loop"


def domain(proto):
    proto.graph.node[-1].domain = "com.evil"


def function(proto):
    proto.functions.add().name = "f"


def bands(proto):
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4


def settings(proto):
    proto.metadata_props.add(key="ort_config", value="{}")


@pytest.mark.parametrize("damage", [elsewhere, branch, operator, domain, function, bands, settings])
def test_graphs_that_could_do_something_else_are_refused(damage, model, graph):
    proto = onnx.load_from_string(graph)
    damage(proto)
    with pytest.raises(ValueError, match="it "):
        check_int8_graph(proto.SerializeToString(), 3, len(TABLE))
    model.network.int8 = Int8(graph=proto.SerializeToString(), windows=3, float_layers=1)
    with pytest.raises(
        LandcoverError, match=r"graph of 8-bit integers cannot be used \(.*\)\. Quantise the model"
    ) as e:
        find_engine(model.network, "auto")
    assert "\n" not in str(e.value)
    assert find_engine(model.network, "torch").name == "torch"


def test_a_graph_of_other_weights_is_refused(model):
    with torch.no_grad():
        model.network.decoder.pixel_score[-1].weight.neg_()
    with pytest.raises(LandcoverError, match="its logits would not be those of PyTorch"):
        find_engine(model.network, "auto")


@pytest.mark.parametrize("graph", [b"", b"no graph", bytes(100)])
def test_what_is_no_graph_is_refused(graph):
    with pytest.raises(ValueError, match="it "):
        check_int8_graph(graph, 3, 3)
