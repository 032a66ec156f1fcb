"""Training: it learns, raises silent neurons as described, keeps Dale's law, and resumes bit for bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from semsync import LIFNeuron
from semsync.errors import FileError, SemsyncError
from semsync.models import checkpoint as checkpoint_module
from semsync.models import training
from semsync.models.datasets import Dataset, Split, yin_yang
from semsync.models.encoding import LatencyEncoder
from semsync.models.first_spike import tasks
from semsync.models.network import FirstSpikeNetwork, HiddenLayer, NetworkConfig
from semsync.models.randomness import generator

NEURON = LIFNeuron(tau_m=10.0, tau_syn=10.0)
ENCODER = LatencyEncoder(bias_times=(9.0,))
HIDDEN = (HiddenLayer(n_E=20, n_I=8), HiddenLayer(n_E=16, n_I=6))
CONFIG = training.TrainingConfig(
    epochs=4, batch_size=25, learning_rate=0.01, decay_every=2, input_jitter=0.5, silent_neurons="push"
)


@pytest.fixture(scope="module")
def dataset():
    train, validation, test = (yin_yang.generate(n, seed) for n, seed in ((250, 1), (100, 2), (100, 3)))
    return Dataset("small yin-yang", 3, train, validation, test)


def new_network(seed=0, **options):
    options = {"first_mean": 1.0, "first_sd": 0.8, "hidden_mean": 0.2, "hidden_sd": 0.5, "output_mean": 0.4} | options
    config = NetworkConfig(hidden=HIDDEN, **options)
    return FirstSpikeNetwork.initialise(5, 3, config, NEURON, np.random.default_rng(seed), trial_duration=60.0)


def weights_of(network):
    return [w.detach().numpy().copy() for w in network.weights]


def assert_same_weights(one, two):
    for a, b in zip(weights_of(one), weights_of(two), strict=True):
        np.testing.assert_array_equal(a, b)


def without_seconds(history):
    return [{**vars(entry), "seconds": 0.0} for entry in history]


def dale_is_kept(network):
    for weights, cell_type in zip(weights_of(network)[1:], network.cell_types[1:-1], strict=True):
        if (weights[cell_type == "E"] < 0).any() or (weights[cell_type == "I"] > 0).any():
            return False
    return True


class KilledError(Exception):
    pass


class TestLearning:
    def test_loss_falls_and_the_best_epoch_is_returned(self, dataset):
        network = new_network()
        config = CONFIG.model_copy(update={"epochs": 10, "learning_rate": 0.003, "decay_every": 10})
        result = training.train(network, dataset, ENCODER, config, seed=1)
        losses = [entry.train_loss for entry in result.history]
        assert np.mean(losses[-3:]) < 0.7 * losses[0]
        accuracies = [entry.validation_accuracy for entry in result.history]
        assert max(accuracies) > 0.7
        assert accuracies[result.best_epoch] == max(accuracies)
        assert result.network is network
        times = ENCODER(dataset.validation.features)
        assert training.accuracy(network, times, dataset.validation.labels) == max(accuracies)
        assert dale_is_kept(network)

    def test_same_seed_same_network_and_another_seed_another(self, dataset):
        one, two, other = (new_network() for _ in range(3))
        config = CONFIG.model_copy(update={"epochs": 1})
        for network, seed in ((one, 1), (two, 1), (other, 2)):
            training.train(network, dataset, ENCODER, config, seed=seed)
        assert_same_weights(one, two)
        assert not np.array_equal(weights_of(one)[0], weights_of(other)[0])

    def test_each_epoch_has_its_own_order_and_noise(self, dataset, monkeypatch):
        asked = []

        def record(*key):
            asked.append(key)
            return generator(*key)

        monkeypatch.setattr(training, "generator", record)
        training.train(new_network(), dataset, ENCODER, CONFIG.model_copy(update={"epochs": 3}), seed=5)
        purposes = ("disturbances", "input jitter", "order")
        assert sorted(asked) == [(5, purpose, epoch) for purpose in purposes for epoch in range(3)]
        draws = {generator(*key).random() for key in [*asked, (6, "order", 0)]}
        assert len(draws) == 10

    def test_result_does_not_depend_on_the_number_of_threads(self, dataset):
        before = tasks.get_num_threads(), torch.get_num_threads()
        networks = [new_network(), new_network()]
        try:
            for n_threads, network in zip((1, 2), networks, strict=True):
                tasks.set_num_threads(n_threads)
                torch.set_num_threads(n_threads)
                training.train(network, dataset, ENCODER, CONFIG.model_copy(update={"epochs": 2}), seed=1)
        finally:
            tasks.set_num_threads(before[0])
            torch.set_num_threads(before[1])
        assert_same_weights(*networks)

    def test_engines_train_alike(self, dataset):
        networks = [new_network(), new_network()]
        small = Dataset("first ten", 3, *(split.first(10) for split in (dataset.train, dataset.test, dataset.test)))
        for engine, network in zip(("kernel", "reference"), networks, strict=True):
            training.train(network, small, ENCODER, CONFIG.model_copy(update={"epochs": 2}), seed=1, engine=engine)
        for a, b in zip(*map(weights_of, networks), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)

    def test_diverged_training_ends_in_a_sentence(self, dataset):
        with pytest.raises(SemsyncError, match=r"learning_rate|did the training diverge"):
            training.train(
                new_network(), dataset, ENCODER, CONFIG.model_copy(update={"learning_rate": math.inf}), seed=1
            )

    @pytest.mark.parametrize("silent_neurons", ["push", "bump"])
    def test_dale_holds_after_every_step_and_bump(self, dataset, silent_neurons):
        """One batch an epoch, so that every step is seen."""
        network = new_network(hidden_mean=0.0)
        one_batch = Dataset("one batch", 3, *(split.first(40) for split in (dataset.train, dataset.test, dataset.test)))
        config = CONFIG.model_copy(update={"epochs": 20, "silent_neurons": silent_neurons, "bump": 0.05})
        config = config.model_copy(update={"batch_size": 40, "learning_rate": 0.05})
        kept, n_bumps = [], []

        def look(entry):
            kept.append(dale_is_kept(network))
            n_bumps.append(entry.n_bumps)

        training.train(network, one_batch, ENCODER, config, seed=1, on_epoch=look)
        assert kept == [True] * 20
        assert 0 < sum(n_bumps) < 20 if silent_neurons == "bump" else sum(n_bumps) == 0


class TestSpikeTimes:
    def test_batches_make_no_difference(self, dataset):
        network, times = new_network(), ENCODER(dataset.train.features)
        whole = training.spike_times(network, times)
        for one, two in zip(whole, training.spike_times(network, times, batch_size=37), strict=True):
            np.testing.assert_array_equal(one, two)
        assert [layer.shape for layer in training.spike_times(network, times[:0])] == [(0, 28), (0, 22), (0, 3)]

    def test_silence_counts_as_wrong(self):
        weights = torch.tensor([[4.0, 0.0], [0.0, 0.1]])
        network = FirstSpikeNetwork([weights], NEURON, [np.array(["-"] * 2)] * 2, dale=False, trial_duration=60.0)
        times = np.array([[1.0, np.inf], [np.inf, 1.0], [1.0, 1.0]])
        assert training.accuracy(network, times, np.array([0, 0, 0])) == pytest.approx(2 / 3)


def tiny(weights, labels, cell_types=None, dale=False):
    """A network of given weights, and four samples of two inputs that spike at 1 ms."""
    sizes = [len(weights[0]), *(np.shape(w)[1] for w in weights)]
    cell_types = cell_types or [np.full(n, "-") for n in sizes]
    network = FirstSpikeNetwork(
        [torch.tensor(w, dtype=torch.float64) for w in weights], NEURON, cell_types, dale=dale, trial_duration=60.0
    )
    split = Split(np.ones((4, sizes[0])), np.array(labels))
    return network, Dataset("tiny", sizes[-1], split, split, split)


def train_tiny(network, dataset, **settings):
    """Train with one batch an epoch and no noise; returns the weights after each epoch."""
    settings = {"batch_size": 4, "input_jitter": 0.0, "learning_rate": 0.01} | settings
    seen = []
    training.train(
        network,
        dataset,
        LatencyEncoder(t_early=1.0, t_late=20.0),
        training.TrainingConfig(**settings),
        seed=0,
        on_epoch=lambda entry: seen.append((entry.n_bumps, weights_of(network))),
    )
    return seen


class TestBump:
    def test_first_layer_above_its_bound_is_raised_instead_of_a_step(self):
        """Hidden unit 1 and output 1 are silent; only the hidden layer is raised, and only unit 1 of it."""
        first, second = [[2.0, 0.1], [2.0, 0.1]], [[4.0, 0.0], [0.0, 0.0]]
        network, dataset = tiny([first, second], [0, 0, 0, 0])
        [(n_bumps, after)] = train_tiny(network, dataset, epochs=1, bump=0.01)
        assert n_bumps == 1
        np.testing.assert_array_equal(after[0], np.add(first, [[0.0, 0.01]]))
        np.testing.assert_array_equal(after[1], second)

    def test_increase_doubles_while_the_same_layer_is_raised(self):
        network, dataset = tiny([[[0.1], [0.1]], [[5.0, 4.0]]], [0, 1, 0, 1])
        seen = train_tiny(network, dataset, epochs=4, bump=0.01)
        increases = [after[0][0, 0] - 0.1 for _, after in seen]
        np.testing.assert_allclose(increases, 0.01 * np.array([1, 3, 7, 15]), rtol=1e-12)

    def test_doubling_starts_anew_after_a_step_or_in_another_layer(self):
        """The hidden unit needs 1.36 on each input, then the outputs need some bumps of their own."""
        network, dataset = tiny([[[1.2], [1.2]], [[2.5, 2.5]]], [0, 1, 0, 1])
        seen = train_tiny(network, dataset, epochs=5, bump=0.05)
        first = [after[0][0, 0] for _, after in seen]
        second = [after[1][0, 0] for _, after in seen]
        np.testing.assert_allclose(first, [1.25, 1.35, 1.55, 1.55, 1.55], rtol=1e-12)
        np.testing.assert_allclose(second, [2.5, 2.5, 2.5, 2.55, 2.65], rtol=1e-12)

    def test_missing_spikes_within_the_bound_are_no_reason(self):
        network, dataset = tiny([[[4.0], [4.0]], [[5.0, 0.1]]], [0, 0, 0, 0])
        [(n_bumps, after)] = train_tiny(network, dataset, epochs=1, max_silent_output=0.5)
        assert n_bumps == 0
        assert after[1][0, 0] != 5.0

    def test_inhibitory_sources_stay_inhibitory(self):
        weights = [[[4.0, 4.0], [4.0, 4.0]], [[0.5], [-0.004]]]
        cell_types = [np.array(["-", "-"]), np.array(["E", "I"]), np.array(["-"])]
        network, dataset = tiny(weights, [0, 0, 0, 0], cell_types, dale=True)
        [(n_bumps, after)] = train_tiny(network, dataset, epochs=1, bump=0.01)
        assert n_bumps == 1
        np.testing.assert_allclose(after[1], [[0.51], [0.0]], rtol=1e-14)


class TestPush:
    def test_silent_hidden_units_and_outputs_silent_for_their_own_class_are_raised_beside_the_step(self):
        """Hidden unit 1 never fires; outputs 1 and 2 are silent, but only class 1 is asked for."""
        first, second = [[2.0, 0.1], [2.0, 0.1]], [[4.0, 0.1, 0.1], [0.5, 0.2, 0.2]]
        network, dataset = tiny([first, second], [0, 1, 0, 1])
        [(n_bumps, after)] = train_tiny(network, dataset, epochs=1, silent_neurons="push", bump=0.01)
        assert n_bumps == 0
        np.testing.assert_array_equal(after[0][:, 1], np.array(first)[:, 1] + 0.01)
        np.testing.assert_array_equal(after[1][:, 1], np.array(second)[:, 1] + 0.01)
        np.testing.assert_array_equal(after[1][:, 2], np.array(second)[:, 2])
        assert (after[0][:, 0] != 2.0).all()

    def test_units_that_miss_few_spikes_are_left_to_the_gradient(self):
        network, dataset = tiny([[[2.0, 0.1], [2.0, 0.1]], [[4.0, 4.0], [0.5, 0.5]]], [0, 1, 0, 1])
        [(_, after)] = train_tiny(network, dataset, epochs=1, silent_neurons="push", bump=0.01, max_silent_neuron=1.0)
        np.testing.assert_array_equal(after[0][:, 1], [0.1, 0.1])


RECIPES = {
    "push": (CONFIG, {}),
    "single precision": (CONFIG.model_copy(update={"precision": "float32", "averaging": 0.5}), {}),
    "averaging": (CONFIG.model_copy(update={"averaging": 0.9}), {}),
    "learning and bumps": (CONFIG.model_copy(update={"silent_neurons": "bump", "max_silent_hidden": 0.3}), {}),
    # Never anything but bumps, so the doubling goes on across epochs.
    "only bumps": (
        CONFIG.model_copy(update={"silent_neurons": "bump", "bump": 1e-13}),
        {"first_mean": 0.0, "first_sd": 0.01},
    ),
}


class TestPrecision:
    def test_single_precision_learns_and_gives_a_double_network_back(self, dataset):
        config = CONFIG.model_copy(
            update={"epochs": 10, "learning_rate": 0.003, "decay_every": 10, "precision": "float32"}
        )
        result = training.train(new_network(), dataset, ENCODER, config, seed=1)
        assert all(w.dtype == torch.float64 for w in result.network.weights)
        assert all(np.array_equal(w, w.astype(np.float32)) for w in weights_of(result.network))
        assert result.history[-1].train_loss < 0.7 * result.history[0].train_loss
        assert dale_is_kept(result.network)


class TestAveraging:
    def test_average_follows_the_weights_and_keeps_dale(self, dataset):
        """With next to no memory it is the last network; with much it lies between those of the training."""
        config = CONFIG.model_copy(update={"epochs": 3})
        plain, short, long = (
            training.train(new_network(), dataset, ENCODER, config.model_copy(update={"averaging": keep}), seed=1)
            for keep in (0.0, 1e-12, 0.95)
        )
        losses = [[entry.train_loss for entry in result.history] for result in (plain, short, long)]
        # What is averaged does not change what is trained.
        assert losses[0] == losses[1] == losses[2]
        for one, two in zip(weights_of(plain.network), weights_of(short.network), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-10)
        assert not np.allclose(weights_of(plain.network)[0], weights_of(long.network)[0], atol=1e-3)
        assert dale_is_kept(long.network)


class TestResume:
    @pytest.mark.parametrize("recipe", RECIPES)
    def test_resumed_run_ends_in_the_same_network_bit_for_bit(self, dataset, tmp_path, recipe):
        config, options = RECIPES[recipe]
        whole, path = tmp_path / "whole.safetensors", tmp_path / "checkpoint.safetensors"
        straight = training.train(new_network(**options), dataset, ENCODER, config, seed=1, checkpoint=whole)
        half = config.model_copy(update={"epochs": 2})
        training.train(new_network(**options), dataset, ENCODER, half, seed=1, checkpoint=path)
        # All that matters is in the file: the network that goes on starts from other weights.
        seen = []
        resumed = training.train(
            new_network(seed=9), dataset, ENCODER, config, seed=1, checkpoint=path, on_epoch=seen.append
        )
        assert_same_weights(straight.network, resumed.network)
        assert resumed.best_epoch == straight.best_epoch
        assert without_seconds(resumed.history) == without_seconds(straight.history) == without_seconds(seen)
        # Not only the best network: also the last one, and the state of the optimiser and of the bumps.
        one, two = (checkpoint_module.Checkpoint.load(file, "") for file in (whole, path))
        for name in ("weights", "best", "first_moment", "second_moment"):
            assert all(map(torch.equal, getattr(one, name), getattr(two, name)))
        assert (one.n_steps, one.progress["bump_streak"]) == (two.n_steps, two.progress["bump_streak"])

    def test_run_killed_while_it_writes_resumes_to_the_same_network(self, dataset, tmp_path, monkeypatch):
        straight = training.train(new_network(), dataset, ENCODER, CONFIG, seed=1)
        path = tmp_path / "checkpoint.safetensors"
        n_saved = 0

        def save_half(tensors, filename, metadata):
            nonlocal n_saved
            n_saved += 1
            save_file(tensors, filename, metadata=metadata)
            if n_saved == 3:
                content = filename.read_bytes()
                filename.write_bytes(content[: len(content) // 2])
                raise KilledError

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint_module, "save_file", save_half)
            with pytest.raises(KilledError):
                training.train(new_network(), dataset, ENCODER, CONFIG, seed=1, checkpoint=path)
        resumed = training.train(new_network(), dataset, ENCODER, CONFIG, seed=1, checkpoint=path)
        assert_same_weights(straight.network, resumed.network)

    def test_finished_run_gives_its_best_network_again(self, dataset, tmp_path):
        path = tmp_path / "checkpoint.safetensors"
        first = training.train(new_network(), dataset, ENCODER, CONFIG, seed=1, checkpoint=path)
        again = training.train(new_network(seed=9), dataset, ENCODER, CONFIG, seed=1, checkpoint=path)
        assert_same_weights(first.network, again.network)


class TestRefusedCheckpoints:
    @pytest.fixture
    def path(self, dataset, tmp_path):
        path = tmp_path / "checkpoint.safetensors"
        config = CONFIG.model_copy(update={"epochs": 1})
        training.train(new_network(), dataset, ENCODER, config, seed=1, checkpoint=path, fingerprint="mine")
        return path

    def refusal(self, path, dataset, network=None, fingerprint="mine"):
        network = network or new_network()
        before = weights_of(network)
        with pytest.raises(FileError) as refusal:
            training.train(network, dataset, ENCODER, CONFIG, seed=1, checkpoint=path, fingerprint=fingerprint)
        for a, b in zip(before, weights_of(network), strict=True):
            np.testing.assert_array_equal(a, b)
        assert "\n" not in str(refusal.value)
        return str(refusal.value)

    def test_of_another_run(self, path, dataset):
        assert "belongs to a run with another configuration" in self.refusal(path, dataset, fingerprint="other")

    def test_of_another_architecture(self, path, dataset):
        config = NetworkConfig(hidden=(HiddenLayer(n_E=3),))
        network = FirstSpikeNetwork.initialise(5, 3, config, NEURON, np.random.default_rng(0), trial_duration=60.0)
        assert "the network has [[5, 3], [3, 3]]" in self.refusal(path, dataset, network)

    @pytest.mark.parametrize("keep", [0, 4, 300, -1])
    def test_truncated(self, path, dataset, keep):
        path.write_bytes(path.read_bytes()[:keep])
        assert "is it truncated?" in self.refusal(path, dataset)

    def test_foreign(self, path, dataset):
        path.write_text("not a checkpoint, but long enough to look like one")
        assert "not a readable checkpoint" in self.refusal(path, dataset)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format_version": "2"}, "format_version 2, this semsync reads up to 1; please upgrade"),
            ({"format": "semsync-network"}, "is not a semsync-checkpoint file"),
        ],
    )
    def test_newer_or_other_format(self, path, dataset, change, message):
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        save_file(tensors, path, metadata=header | change)
        assert message in self.refusal(path, dataset)

    def test_folder_that_cannot_be_written(self, dataset, tmp_path):
        with pytest.raises(FileError, match=r"cannot write the checkpoint .*gone"):
            training.train(new_network(), dataset, ENCODER, CONFIG, seed=1, checkpoint=tmp_path / "gone" / "c")


@pytest.mark.parametrize(
    "settings", [{"epochs": -1}, {"batch_size": 0}, {"learning_rate": 0.0}, {"silent_neurons": "shove"}, {"bumps": 1}]
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        training.TrainingConfig(**settings)
